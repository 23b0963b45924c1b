/* SPDX-License-Identifier: BSD-3-Clause */
/* samples: is a disk that comes alike to those in sync, where it should be?
 *
 * Nothing is locked for that.  A bit is set before anything is sent; and as
 * long as a slot is empty none is cleared.  So what has no bit after it was
 * read has not been written to since the disk left.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/extent-query.h"
#include "engine/life/samples.h"
#include "ground/util.h"
#include "logic/extents.h"

/* What is read of both disks at a time; a place is one of these at most. */
#define STEP (64u * 1024u)

/* So much of a window that was written to lately. */
#define RECENT_MOST (1024u * 1024u)

struct comparison {
  struct request *request;
  struct leg *leg;
  unsigned slot;
  uint64_t skip;
  struct layout layout;
  char *buffer;    /* a span: half of it for each disk */
  uint64_t step;
  bool may_be_set; /* look where bits are set, too, for what is alike */
  struct samples found;
};

/* ------------------------------------------------------------------ marks */

/* May it have been written since the disk left, or be about to?  *@length
 * becomes as much as the answer holds for.
 */
static bool
is_marked (struct array *array, uint64_t offset, uint64_t *length)
{
  if (array->md != NULL)
    return metadata_is_marked (array, offset, length);
  return atomic_load (&array->missed.is_kept)
         && missed_is_set (&array->missed, offset, length);
}

/* The same of any of it. */
static bool
is_set (struct comparison *c, uint64_t offset, uint64_t length)
{
  uint64_t part;

  for (uint64_t done = 0; done < length; done += part) {
    part = length - done;
    if (is_marked (c->request->array, offset + done, &part))
      return true;
  }
  return false;
}

/* ---------------------------------------------------------------- reading */

/* The first copy that is in sync.  False: there is none that can be asked. */
static bool
find_source (struct comparison *c, uint64_t offset, struct view_copy *ret)
{
  struct array *array = c->request->array;
  const struct view *view;
  struct view_copy copies[LEGS_MAX];
  unsigned count;

  request_pin_newest (c->request);
  view = request_view (c->request);
  count = view_copies (view, offset, copies);
  for (unsigned i = 0; i < count; i++)
    if (view_in_sync_now (array, view) & 1u << copies[i].place) {
      *ret = copies[i];
      return true;
    }
  return false;
}

static bool
read_source (struct comparison *c, uint64_t offset, uint64_t length)
{
  struct view_copy copy;
  struct child_spec what = { .op = CHILD_READ, .length = length,
                             .buffer = c->buffer };

  if (!find_source (c, offset, &copy))
    return false;
  what.offset = copy.offset;
  request_arm (c->request, &c->request->array->resync.pool);
  request_issue (c->request, copy.place, &what);
  request_finish (c->request);
  return c->request->failed == 0;
}

static bool
is_zero (const char *buffer, uint64_t length)
{
  for (uint64_t i = 0; i < length; i++)
    if (buffer[i] != 0)
      return false;
  return true;
}

/* How much lies whole in the array, of @length bytes of the disk at @at. */
static bool
locate (const struct comparison *c, uint64_t at, uint64_t *length,
        uint64_t *ret_offset)
{
  const struct layout *layout = &c->layout;

  *length = MIN (*length, layout->member_size - at);
  if (layout->chunk != 0)
    *length = MIN (*length, layout->chunk - at % layout->chunk);
  if (!layout_unmap (layout, c->slot, at, ret_offset))
    return false;
  *length = layout_piece (layout, *ret_offset,
                          MIN (*length, layout->array_size - *ret_offset));
  return true;
}

/* -------------------------------------------------------------- comparing */

/* In one piece.  0, or -errno: the disk cannot be read. */
static int
compare_piece (struct comparison *c, uint64_t at, uint64_t offset,
               uint64_t length)
{
  struct leg *leg = c->leg;
  char *other = c->buffer + c->step;
  int r;

  if (is_set (c, offset, length) && !c->may_be_set)
    return 0;
  /* Each has its deadline, all of them together may take long. */
  if (requests_are_closed (&c->request->array->modifiers))
    return -ESHUTDOWN;
  r = leg->ops->read_now (leg, other, length, at);
  if (r < 0)
    return r;
  if (!read_source (c, offset, length))
    return 0;
  if (memcmp (c->buffer, other, length) == 0)
    c->found.alike += !is_zero (other, length);
  else if (!is_set (c, offset, length)) {
    c->found.differs = true;
    c->found.differs_at = at;
  }
  return 0;
}

/* Of the disk. */
static int
compare_range (struct comparison *c, uint64_t at, uint64_t end)
{
  uint64_t length, offset;
  int r = 0;

  at = MAX (at, c->skip);
  for (; r == 0 && !c->found.differs && at < end; at += length) {
    length = MIN (end - at, c->step);
    if (locate (c, at, &length, &offset))
      r = compare_piece (c, at, offset, length);
  }
  return r;
}

static int
compare_ends (struct comparison *c)
{
  uint64_t size = c->layout.member_size;
  uint64_t end = MIN (size, (uint64_t)COMPARE_END);
  int r = compare_range (c, 0, end);

  if (r == 0 && size > end)
    r = compare_range (c, MAX (end, round_down (size - end, c->step)), size);
  return r;
}

/* What an older copy of the disk lacks. */
static int
compare_recent (struct comparison *c)
{
  struct missed *missed = &c->request->array->missed;
  uint64_t offset, length, end, at, piece;
  int r = 0;

  for (unsigned i = 0; i < MISSED_RECENT && r == 0; i++) {
    if (!missed_recent (missed, i, &offset, &length))
      continue;
    end = MIN (offset + MIN (length, (uint64_t)RECENT_MOST),
               c->layout.array_size);
    for (; r == 0 && offset < end; offset += piece) {
      piece = layout_piece (&c->layout, offset, MIN (end - offset, c->step));
      if (layout_map_slot (&c->layout, offset, c->slot, &at))
        r = compare_range (c, at, at + piece);
    }
  }
  return r;
}

/* The first window without a bit of [@at, @end) of the disk, which is data. */
static bool
find_clear (struct comparison *c, uint64_t at, uint64_t end, uint64_t *ret)
{
  uint64_t length, offset;

  for (; at < end; at += length) {
    length = end - at;
    if (!locate (c, at, &length, &offset))
      continue;
    if (c->may_be_set || !is_marked (c->request->array, offset, &length)) {
      *ret = at;
      return true;
    }
  }
  return false;
}

/* Where a copy that is in sync says that there is data, without a bit, of what
 * lies whole from @at up to @end of the disk; else @at.
 */
static uint64_t
choose (struct comparison *c, uint64_t at, uint64_t end)
{
  struct array *array = c->request->array;
  uint64_t length = end - at, offset, place = at, from, ret;
  struct extents extents;
  struct view_copy copy;

  if (!locate (c, at, &length, &offset) || !find_source (c, offset, &copy)
      || !request_member (c->request, copy.place)->leg->caps.extents)
    return at;
  extent_query (c->request, &array->resync.pool, copy.place, copy.offset,
                length, &extents);
  extents_align (&extents, array->leg_block);
  for (unsigned i = 0; i < extents.count; i++) {
    from = place;
    place = MIN (place + extents.entry[i].length, end);
    if (!(extents.entry[i].flags & EXTENT_ZERO)
        && find_clear (c, from, place, &ret))
      return ret;
  }
  return at;
}

/* Places all over it. */
static int
compare_spread (struct comparison *c)
{
  uint64_t size = c->layout.member_size, block = c->request->array->leg_block;
  uint64_t stripe
    = MAX (round_up (div_round_up (size, COMPARE_BLOCKS), block),
           (uint64_t)COMPARE_BLOCK);
  int r = 0;

  for (uint64_t at = 0; r == 0 && !c->found.differs && at < size;
       at += stripe) {
    uint64_t place = choose (c, at, MIN (at + stripe, size));

    r = compare_range (c, place,
                       MIN (place + MAX (block, (uint64_t)COMPARE_BLOCK),
                            size));
  }
  return r;
}

/* Where writes may have gone since, what is alike shows something all the same.
 */
static int
compare (struct comparison *c)
{
  int r = compare_ends (c);

  if (r == 0)
    r = compare_recent (c);
  if (r == 0)
    r = compare_spread (c);
  if (r < 0 || c->found.differs || c->found.alike > 0)
    return r;
  c->may_be_set = true;
  r = compare_spread (c);
  return r < 0 || c->found.alike > 0 ? r : compare_ends (c);
}

int
samples_compare (struct request *request, struct leg *leg, unsigned slot,
                 uint64_t skip, struct samples *ret)
{
  struct array *array = request->array;
  struct comparison c = { .request = request,
                          .leg = leg,
                          .slot = slot,
                          .skip = skip,
                          .layout = array_get_layout (array) };
  int r;

  c.step = MIN (MAX (STEP, array->leg_block), array->resync.span / 2);
  c.buffer = bounce_take (&array->resync.buffers);
  r = compare (&c);
  bounce_give (&array->resync.buffers, c.buffer);
  *ret = c.found;
  return r;
}
