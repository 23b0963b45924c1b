/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-leg: a leg on an image that aborts when it is asked for what it must
 * not be asked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz-assemble.h"
#include "ground/util.h"

struct fuzz_leg {
  struct leg leg;
  struct image *image;
  bool *closed;
  bool started;
  unsigned left; /* commands until it fails; 0: never */
  bool once, can_zero;
};

enum fuzz_phase fuzz_phase;
unsigned fuzz_faults;

/* ------------------------------------------------------ what may be written */

static unsigned
area_of (const struct image *image, uint64_t offset)
{
  /* The superblock's is cut short where another one begins. */
  for (unsigned i = AREAS; i-- > 0;)
    if (offset >= image->area[i].start
        && offset - image->area[i].start < image->area[i].length)
      return i;
  return AREAS;
}

static void
check_write (const struct image *image, const struct child *child)
{
  const uint8_t *from = child->buffer;
  unsigned home = area_of (image, child->offset);
  uint64_t end;

  if (fuzz_phase != PHASE_WRITING)
    fuzz_fail ("a write before anybody may write");
  if (home == AREAS)
    fuzz_fail ("a write outside of all areas");
  if (home == AREA_BAD)
    fuzz_fail ("a write to the bad block log");
  end = image->area[home].start + image->area[home].length;
  if (child->length
      > div_round_up (end - child->offset, image->block) * image->block)
    fuzz_fail ("a write that goes on beyond area %u", home);
  if (home != AREA_SUPER && child->offset + child->length <= end)
    return;
  /* What shares a block with it is written as it is; the rest of a bitmap's
   * page is nobody's.
   */
  for (uint64_t i = 0; i < child->length; i++) {
    uint64_t at = child->offset + i;
    unsigned owner = area_of (image, at);

    if (owner != home && (owner != AREAS || home != AREA_BITMAP)
        && image->bytes[at] != (from == NULL ? 0 : from[i]))
      fuzz_fail ("a write to area %u changes what is not of it, at %llu", home,
                 (unsigned long long)at);
  }
}

static bool
has_data (const struct child *child)
{
  return child->op == CHILD_READ || child->op == CHILD_WRITE;
}

static void
check_range (const struct fuzz_leg *self, const struct child *child)
{
  const struct leg_caps *caps = &self->leg.caps;

  if (*self->closed || !self->started)
    fuzz_fail ("a command for a leg that is not in use");
  if (child->op == CHILD_FLUSH)
    return;
  if (child->length == 0 || child->offset > caps->size
      || child->length > caps->size - child->offset
      || !is_aligned (child->offset | child->length, caps->block_minimum)
      || child->length > (has_data (child) ? caps->request_max
                                           : caps->zero_max))
    fuzz_fail ("a command for a range that the leg does not take");
  if ((child->op == CHILD_READ || child->op == CHILD_WRITE)
      && !is_aligned ((uintptr_t)child->buffer, caps->memory_alignment))
    fuzz_fail ("a buffer that is not aligned");
  if ((child->op == CHILD_WRITE || child->op == CHILD_ZERO) && caps->readonly)
    fuzz_fail ("a write to a leg that is read-only");
}

/* ----------------------------------------------------------- the operations */

static bool
fails (struct fuzz_leg *self)
{
  if (self->left == 0 || --self->left > 0)
    return false;
  fuzz_faults++;
  self->left = !self->once;
  return true;
}

static int
carry_out (struct fuzz_leg *self, struct child *child)
{
  static const uint8_t zeroes[4096];
  struct image *image = self->image;

  switch (child->op) {
  case CHILD_READ:
    memcpy (child->buffer, image->bytes + child->offset, child->length);
    break;
  case CHILD_WRITE:
    check_write (image, child);
    image_write (image, child->offset, child->buffer, child->length);
    break;
  case CHILD_ZERO:
    if (!self->can_zero)
      return -EOPNOTSUPP;
    check_write (image, child);
    for (uint64_t at = 0; at < child->length; at += sizeof zeroes)
      image_write (image, child->offset + at, zeroes,
                   MIN (child->length - at, sizeof zeroes));
    break;
  case CHILD_EXTENTS:
    child->extents[0] = (struct extent){ .length = child->length };
    child->extents_count = 1;
    break;
  default:
    break;
  }
  return 0;
}

static void
fuzz_leg_issue (struct leg *leg, struct child *child)
{
  struct fuzz_leg *self = container_of (leg, struct fuzz_leg, leg);

  check_range (self, child);
  child->done (child, fails (self) ? -EIO : carry_out (self, child));
}

static int
fuzz_leg_start (struct leg *leg)
{
  container_of (leg, struct fuzz_leg, leg)->started = true;
  return 0;
}

static int
fuzz_leg_read_now (struct leg *leg, void *buffer, uint64_t length,
                   uint64_t offset)
{
  struct fuzz_leg *self = container_of (leg, struct fuzz_leg, leg);

  if (offset > self->image->size || length > self->image->size - offset)
    fuzz_fail ("a look beyond the end");
  memcpy (buffer, self->image->bytes + offset, length);
  return 0;
}

static bool
fuzz_leg_can_zero (struct leg *leg, uint32_t flags)
{
  (void)flags;
  return container_of (leg, struct fuzz_leg, leg)->can_zero;
}

static void
fuzz_leg_abort (struct leg *leg)
{
  (void)leg;
  fuzz_fail ("a leg is given up that owes nothing");
}

static void
fuzz_leg_close (struct leg *leg)
{
  struct fuzz_leg *self = container_of (leg, struct fuzz_leg, leg);

  *self->closed = true;
  free (self);
}

struct leg *
fuzz_leg_new (struct image *image, const struct input_member *member,
              unsigned number, bool faults, bool *ret_closed)
{
  static const struct leg_ops ops = {
    .start = fuzz_leg_start,       .issue = fuzz_leg_issue,
    .read_now = fuzz_leg_read_now, .can_zero = fuzz_leg_can_zero,
    .abort = fuzz_leg_abort,       .close = fuzz_leg_close,
  };
  static const uint32_t blocks[] = { 512, 4096, 1, 512 };
  uint32_t block = blocks[member->caps & 3];
  struct fuzz_leg *self = calloc (1, sizeof *self);

  if (self == NULL)
    abort ();
  *ret_closed = false;
  self->image = image;
  self->closed = ret_closed;
  self->left = faults ? member->dies & ~DIES_ONCE : 0;
  self->once = member->dies & DIES_ONCE;
  self->can_zero = !(member->caps & CAPS_NO_ZERO);
  self->leg.ops = &ops;
  self->leg.rank = LEG_INLINE;
  self->leg.name = "memory";
  self->leg.caps = (struct leg_caps){
    .size = round_down (image->size, block),
    .exact_size = image->size,
    .block_minimum = block,
    .block_preferred = 4096,
    .request_max = member->caps & CAPS_SHORT ? 4096 : 1 << 20,
    .zero_max = 1 << 20,
    .memory_alignment = member->caps & CAPS_ALIGNED ? block : 1,
    .readonly = member->caps & CAPS_READONLY,
    .flush = true,
    .fua = !(member->caps & CAPS_NO_FUA),
    .extents = true,
  };
  snprintf (self->leg.identity, sizeof self->leg.identity, "memory:%u",
            number);
  return &self->leg;
}
