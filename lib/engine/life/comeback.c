/* SPDX-License-Identifier: BSD-3-Clause */
/* comeback: is a disk of a plain array that comes back the one that left, and
 * does it lack no more than array->missed has?
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/extent-query.h"
#include "engine/life/comeback.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/extents.h"

/* What is read of both disks at a time; a place is one of these at most. */
#define STEP (64u * 1024u)

/* So much of a window that was written to lately. */
#define RECENT_MOST (1024u * 1024u)

/* ------------------------------------------------------------- who it was */

/* Names may be cut short, so one that is full says nothing. */
bool
comeback_is_same (const struct member *member, const struct leg *leg)
{
  if (strcmp (member->identity, leg->identity) == 0)
    return true;
  return leg->rank == LEG_REMOTE && strlen (leg->name) < MEMBER_NAME_MAX - 1
         && strcmp (member->name, leg->name) == 0;
}

void
comeback_look (const struct array *array, const struct array_order *order,
               struct newcomer *newcomer)
{
  const struct member *member = view_find_member (array, order->member);

  newcomer->comeback = (struct comeback){ .is_known = false };
  if (order->verb != ARRAY_READD || member == NULL
      || !comeback_is_same (member, newcomer->leg))
    return;
  newcomer->comeback = (struct comeback){
    .is_known = true,
    .was_marked = member->was_marked,
    .was_remote = newcomer->leg->rank == LEG_REMOTE,
    .flush_was_lost = atomic_load (&member->flush_lost),
    .known_until = member->known_until,
    .size = member->size,
    .left_error = member->left_error,
  };
}

/* Why the map does not tell all that it lacks, to follow "since "; NULL: it
 * does.
 */
static const char *
why_unknown (const struct array *array, const struct newcomer *newcomer,
             char *room, size_t size)
{
  const struct comeback *comeback = &newcomer->comeback;

  if (!comeback->was_remote || !atomic_load (&array->missed.is_kept)
      || comeback->known_until == 0)
    return "nobody knows what it missed";
  if (atomic_load (&array->missed.cleared_view) >= comeback->known_until)
    return "another disk had its place meanwhile, and what it missed is "
           "forgotten";
  if (comeback->size != newcomer->leg->caps.exact_size)
    return "its size has changed";
  if (comeback->flush_was_lost)
    return "a flush failed on it";
  if (newcomer->is_unfinished && !comeback->was_marked)
    return "it says that it is no copy, which this server has not written "
           "there";
  if (comeback->left_error == 0 || leg_error_is_gone (comeback->left_error))
    return NULL;
  snprintf (room, size, "an error took it out, so what it holds is in doubt: "
            "%s", log_strerror (comeback->left_error));
  return room;
}

/* ------------------------------------------------------------- comparing */

struct comparison {
  struct request *request;
  struct newcomer *newcomer;
  struct layout layout;
  char *buffer;       /* a span: half of it for each disk */
  uint64_t step;
  bool may_be_set;    /* look where bits are set, too, for what is alike */
  unsigned alike;     /* places that are no zeroes */
  bool differs;
  uint64_t differs_at; /* bytes of the disk */
};

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

static bool
is_set (struct comparison *c, uint64_t offset, uint64_t length)
{
  struct missed *missed = &c->request->array->missed;
  uint64_t part;

  if (!atomic_load (&missed->is_kept))
    return false;
  for (uint64_t done = 0; done < length; done += part) {
    part = length - done;
    if (missed_is_set (missed, offset + done, &part))
      return true;
  }
  return false;
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
  if (!layout_unmap (layout, c->newcomer->fit.slot, at, ret_offset))
    return false;
  *length = layout_piece (layout, *ret_offset,
                          MIN (*length, layout->array_size - *ret_offset));
  return true;
}

/* In one piece.  0, or -errno: the disk cannot be read. */
static int
compare_piece (struct comparison *c, uint64_t at, uint64_t offset,
               uint64_t length)
{
  struct leg *leg = c->newcomer->leg;
  char *other = c->buffer + c->step;
  int r;

  if (is_set (c, offset, length) && !c->may_be_set)
    return 0;
  r = leg->ops->read_now (leg, other, length, at);
  if (r < 0)
    return r;
  if (!read_source (c, offset, length))
    return 0;
  if (memcmp (c->buffer, other, length) == 0)
    c->alike += !is_zero (other, length);
  else if (!is_set (c, offset, length)) {
    c->differs = true;
    c->differs_at = at;
  }
  return 0;
}

/* Of the disk.  Its first bytes may be the mark. */
static int
compare_range (struct comparison *c, uint64_t at, uint64_t end)
{
  uint64_t length, offset;
  int r = 0;

  if (c->newcomer->comeback.was_marked)
    at = MAX (at, (uint64_t)c->request->array->mark_size);
  for (; r == 0 && !c->differs && at < end; at += length) {
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

/* Where @offset of the array lies on this disk.  False: it does not. */
static bool
find_copy (const struct comparison *c, uint64_t offset, uint64_t *ret_at)
{
  struct copy copy[LEGS_MAX];
  unsigned copies = layout_copies (&c->layout);

  layout_map (&c->layout, offset, copy);
  for (unsigned i = 0; i < copies; i++)
    if (copy[i].slot == c->newcomer->fit.slot) {
      *ret_at = copy[i].offset;
      return true;
    }
  return false;
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
      if (find_copy (c, offset, &at))
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
    if (c->may_be_set
        || !atomic_load (&c->request->array->missed.is_kept)
        || !missed_is_set (&c->request->array->missed, offset, &length)) {
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

  for (uint64_t at = 0; r == 0 && !c->differs && at < size; at += stripe) {
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
  if (r < 0 || c->differs || c->alike > 0)
    return r;
  c->may_be_set = true;
  r = compare_spread (c);
  return r < 0 || c->alike > 0 ? r : compare_ends (c);
}

/* ----------------------------------------------------------------- judging */

static int
refuse_other (const struct newcomer *newcomer, const struct comparison *c,
              struct array_answer *answer)
{
  return change_refuse (answer, -EINVAL, "not-a-copy",
                        "disk %.200s is not the disk that left: at byte %llu "
                        "it differs from the disks in sync, where nothing was "
                        "written since.  Nothing was written to it.  Bring "
                        "the old one back; or copy all data over what this "
                        "one holds: nbdmirror readd --discard",
                        newcomer->leg->name, (unsigned long long)c->differs_at);
}

static void
copy_all (struct newcomer *newcomer, const char *why)
{
  snprintf (newcomer->fit.why, sizeof newcomer->fit.why, "%s", why);
}

static void
copy_missed (struct array *array, struct newcomer *newcomer)
{
  uint64_t bytes = missed_bytes (&array->missed) + array->mark_size;

  newcomer->fit.as = FIT_BY_BITMAP;
  newcomer->fit.reason = FIT_OK;
  newcomer->fit.to_copy = MIN (bytes, array->layout.member_size);
}

/* Not proven to be the disk that it was: by order what is blank is taken, and
 * anything with --discard; by itself nothing.
 */
static int
check_unproven (const struct newcomer *newcomer,
                const struct array_order *order, struct array_answer *answer)
{
  if (!order->by_itself)
    return newcomer_check_contents (newcomer, order, answer);
  return change_refuse (answer, -EINVAL, "full-copy-needed",
                        "disk %.200s needs a copy of all data, since %.300s, "
                        "and may be another disk than the one that left; "
                        "nbdmirror readd copies all data to it",
                        newcomer->leg->name, newcomer->fit.why);
}

/* It was compared.  @why_not: by the map. */
static int
conclude (struct comparison *c, const struct array_order *order,
          const char *why_not, struct array_answer *answer)
{
  struct newcomer *newcomer = c->newcomer;

  if (c->differs && why_not == NULL)
    return refuse_other (newcomer, c, answer);
  newcomer->comeback.is_proven
    = !c->differs && (c->alike > 0 || newcomer->is_blank);
  if (why_not == NULL && c->alike > 0)
    copy_missed (c->request->array, newcomer);
  else
    copy_all (newcomer, why_not != NULL
                          ? why_not
                          : "nothing on it tells that it is the disk that "
                            "left");
  return newcomer->comeback.is_proven
           ? 0
           : check_unproven (newcomer, order, answer);
}

static int
compare_and_judge (struct comparison *c, const struct array_order *order,
                   const char *why_not, struct array_answer *answer)
{
  struct array *array = c->request->array;
  int r;

  c->layout = array_get_layout (array);
  c->step = MIN (MAX (STEP, array->leg_block), array->resync.span / 2);
  c->buffer = bounce_take (&array->resync.buffers);
  r = compare (c);
  bounce_give (&array->resync.buffers, c->buffer);
  if (r < 0)
    return change_refuse (answer, r, "unusable",
                          "disk %.200s cannot be read: %s",
                          c->newcomer->leg->name, log_strerror (r));
  return conclude (c, order, why_not, answer);
}

int
comeback_judge (struct request *request, const struct array_order *order,
                struct newcomer *newcomer, struct array_answer *answer)
{
  struct comparison c = { .request = request, .newcomer = newcomer };
  char room[160];
  const char *why_not
    = why_unknown (request->array, newcomer, room, sizeof room);

  if (order->discard)
    copy_all (newcomer, "that was ordered (--discard)");
  else if (!newcomer->comeback.was_remote)
    copy_all (newcomer, why_not);
  else
    return compare_and_judge (&c, order, why_not, answer);
  return 0;
}
