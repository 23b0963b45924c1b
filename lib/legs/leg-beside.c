/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-beside: a disk with an end that it does not have.
 *
 * What lies in the image goes to the disk's own driver as it is, the same child;
 * so that one completes it.  What lies in the area is done here, by the calling
 * thread, even if the disk is a remote one.  No request of an array is for both:
 * its data and its metadata do not touch.  Holds no lock.
 *
 * The array counts in sectors, an image in bytes.  What is read of the last
 * sector behind the image are zeroes, and what is written there is nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "legs/leg-beside.h"

struct leg_beside {
  struct leg leg;
  struct beside *beside;
  uint64_t area_from;
  _Atomic bool aborted;
};

static struct leg_beside *
beside_of (struct leg *leg)
{
  return container_of (leg, struct leg_beside, leg);
}

/* Of a range at @offset: how many of @length bytes are the disk's. */
static uint64_t
in_image (const struct leg *leg, uint64_t offset, uint64_t length)
{
  uint64_t size = leg->caps.image_size;

  return offset >= size ? 0 : MIN (length, size - offset);
}

/* ------------------------------------------------------------------ the area */

static int
zero_area (struct leg_beside *this, uint64_t length, uint64_t offset)
{
  static const uint8_t zeroes[4096];
  int r = 0;

  for (uint64_t part; r == 0 && length > 0; length -= part, offset += part) {
    part = MIN (length, (uint64_t)sizeof zeroes);
    r = this->beside->write (this->beside, zeroes, part, offset);
  }
  return r;
}

static int
do_area (struct leg_beside *this, struct child *child)
{
  uint64_t offset = child->offset - this->area_from;

  if (atomic_load_explicit (&this->aborted, memory_order_relaxed))
    return -ESHUTDOWN;
  switch (child->op) {
  case CHILD_READ:
    return this->beside->read (this->beside, child->buffer, child->length,
                               offset);
  case CHILD_WRITE:
    return this->beside->write (this->beside, child->buffer, child->length,
                                offset);
  case CHILD_ZERO:
    return zero_area (this, child->length, offset);
  case CHILD_EXTENTS:
    child->extents[0] = (struct extent){ .length = child->length };
    child->extents_count = 1;
    return 0;
  default: /* a hint */
    return 0;
  }
}

/* ----------------------------------------------------------------- the image */

/* All of it is behind the image, in the last sector. */
static int
do_nothing (struct child *child)
{
  if (child->op == CHILD_READ)
    memset (child->buffer, 0, child->length);
  if (child->op == CHILD_EXTENTS) {
    child->extents[0] = (struct extent){ .length = child->length,
                                         .flags = EXTENT_ZERO };
    child->extents_count = 1;
  }
  return 0;
}

static void
issue_image (struct leg *leg, struct child *child)
{
  uint64_t length = in_image (leg, child->offset, child->length);

  if (length == 0) {
    child->done (child, do_nothing (child));
    return;
  }
  if (child->op == CHILD_READ && length < child->length)
    memset ((char *)child->buffer + length, 0, child->length - length);
  child->length = length;
  leg->image->ops->issue (leg->image, child);
}

static void
beside_issue (struct leg *leg, struct child *child)
{
  struct leg_beside *this = beside_of (leg);

  child->generation = leg_generation (leg);
  if (child->op == CHILD_FLUSH)
    leg->image->ops->issue (leg->image, child);
  else if (child->offset >= this->area_from)
    child->done (child, do_area (this, child));
  else {
    assert (child->length <= this->area_from - child->offset);
    issue_image (leg, child);
  }
}

static void
beside_kickoff (struct leg *leg)
{
  leg_kickoff (leg->image);
}

static void
beside_attend (struct leg *const *legs, unsigned count,
               const _Atomic unsigned *remaining)
{
  struct leg *images[LEGS_MAX];

  assert (count <= LEGS_MAX);
  for (unsigned i = 0; i < count; i++)
    images[i] = legs[i]->image;
  leg_attend (images, count, remaining);
}

/* ------------------------------------------------------------------ the rest */

static void
tell_gone (struct leg *image, int error)
{
  struct leg *leg = image->watcher;

  if (leg->gone != NULL)
    leg->gone (leg, error);
}

static int
beside_start (struct leg *leg)
{
  leg->image->gone = tell_gone;
  leg->image->watcher = leg;
  return leg->image->ops->start (leg->image);
}

static int
beside_read_now (struct leg *leg, void *buffer, uint64_t length,
                 uint64_t offset)
{
  struct leg_beside *this = beside_of (leg);
  uint64_t image = in_image (leg, offset, length);
  uint64_t gap = 0;
  int r = 0;

  if (offset > leg->caps.size || length > leg->caps.size - offset)
    return -EINVAL;
  if (image > 0)
    r = leg->image->ops->read_now (leg->image, buffer, image, offset);
  if (offset + image < this->area_from)
    gap = MIN (length - image, this->area_from - offset - image);
  memset ((char *)buffer + image, 0, gap);
  offset += image + gap;
  length -= image + gap;
  if (r < 0 || length == 0)
    return r;
  return this->beside->read (this->beside, (char *)buffer + image + gap,
                             length, offset - this->area_from);
}

static bool
beside_can_zero (struct leg *leg, uint32_t flags)
{
  return leg->image->ops->can_zero (leg->image, flags);
}

static void
beside_abort (struct leg *leg)
{
  atomic_store (&beside_of (leg)->aborted, true);
  leg->image->ops->abort (leg->image);
}

static bool
beside_is_inside (struct leg *leg)
{
  struct leg *image = leg->image;

  return image->ops->is_inside != NULL && image->ops->is_inside (image);
}

static void
beside_close (struct leg *leg)
{
  struct leg_beside *this = beside_of (leg);

  /* Who has its area asks this leg, as long as it is there. */
  this->beside->close (this->beside);
  leg->image->ops->close (leg->image);
  free ((char *)leg->name);
  free (this);
}

static const struct leg_ops beside_ops = {
  .start = beside_start,
  .issue = beside_issue,
  .kickoff = beside_kickoff,
  .attend = beside_attend,
  .read_now = beside_read_now,
  .can_zero = beside_can_zero,
  .abort = beside_abort,
  .is_inside = beside_is_inside,
  .close = beside_close,
};

int
leg_beside_new (struct leg *disk, uint64_t image_size, uint64_t area_size,
                struct beside *beside, struct leg **ret)
{
  struct leg_beside *this = calloc (1, sizeof *this);
  struct leg *leg;

  assert (image_size > 0 && image_size <= disk->caps.size
          && is_aligned (image_size, disk->caps.block_minimum)
          && is_aligned (area_size, LEG_BESIDE_ALIGNMENT));
  if (this == NULL)
    return -ENOMEM;
  leg = &this->leg;
  *leg = (struct leg){ .ops = &beside_ops,
                       .rank = disk->rank,
                       .caps = disk->caps,
                       .name = strdup (disk->name),
                       .image = disk,
                       .places = disk->places };
  if (leg->name == NULL) {
    free (this);
    return -ENOMEM;
  }
  memcpy (leg->identity, disk->identity, sizeof leg->identity);
  memcpy (leg->place, disk->place, sizeof leg->place);
  this->beside = beside;
  this->area_from = round_up (image_size, LEG_BESIDE_ALIGNMENT);
  leg->caps.image_size = image_size;
  leg->caps.size = leg->caps.exact_size = this->area_from + area_size;
  *ret = leg;
  return 0;
}
