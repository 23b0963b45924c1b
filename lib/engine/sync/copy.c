/* SPDX-License-Identifier: BSD-3-Clause */
/* resync-copy: one range, from the copy that counts over the others.
 *
 * The authority is, for each block, the first current copy in the layout's
 * order that can be read, so that resync and all readers take the same
 * (array_block).  What cannot be read in one go is therefore read in smaller
 * and smaller steps, down to blocks, before the next copy counts.
 *
 * Resync writes only what differs: after a crash that is little, and holes
 * stay holes.  A rebuild writes all that it is asked for.
 *
 * Locks held on entry: the range.  May block on: a buffer, a child of the
 * resync's own pool, the disks.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/sync/resync.h"
#include "ground/util.h"

/* Steps between a span and a block. */
#define CAREFUL 4096u

/* A range that lies whole on each of its copies. */
struct piece {
  struct request *request;
  char *buffer;
  uint32_t to;   /* who of them is to be like the first copy */
  bool compare;  /* only where they differ */
  uint64_t offset, length; /* of the array */
  struct view_copy copies[LEGS_MAX];
  unsigned count;
};

static void
issue (const struct piece *piece, const struct view_copy *copy,
       enum child_op op)
{
  struct request *request = piece->request;
  struct child_spec what = { .op = op };
  uint64_t most = request_member (request, copy->place)->leg->caps.request_max;

  for (uint64_t at = 0; at < piece->length; at += what.length) {
    what.offset = copy->offset + at;
    what.length = MIN (piece->length - at, most);
    what.buffer = piece->buffer + at;
    request_issue (request, copy->place, &what);
  }
}

/* From the first current copy, into the buffer; from the next one only if
 * this is no more than a block, which cannot be read there.  The copy's number,
 * or -errno: an error that may pass, or all of it cannot be read at once.
 */
static int
read_authority (const struct piece *piece)
{
  struct request *request = piece->request;
  struct array *array = request->array;
  const struct view *view = request_view (request);
  int error = -EIO;

  for (unsigned i = 0; i < piece->count; i++) {
    const struct view_copy *copy = &piece->copies[i];
    struct member *member = view->member[copy->place];

    if (!(view_in_sync_now (array, view) & 1u << copy->place))
      continue;
    if (member_good_length (member, copy->offset, piece->length)
        == piece->length) {
      request_arm (request, &array->resync.pool);
      issue (piece, copy, CHILD_READ);
      request_finish (request);
      if (request->failed == 0)
        return i;
      error = request->error[copy->place];
      if (leg_error_is_harmless (error))
        return error;
      failure_read (request, copy->place);
    }
    /* Nor before one that is away and will be back. */
    if ((view_in_sync_now (array, view) & 1u << copy->place)
        && (piece->length > array_block (array) || member_is_awaited (member)))
      return error;
  }
  return error;
}

/* How many of @places have a copy? */
static unsigned
copies_on (const struct piece *piece, uint32_t places)
{
  unsigned count = 0;

  for (unsigned i = 0; i < piece->count; i++)
    count += (places & 1u << piece->copies[i].place) != 0;
  return count;
}

/* Does this copy hold what the buffer holds? */
static bool
is_alike (const struct piece *piece, const struct view_copy *copy)
{
  struct request *request = piece->request;
  struct array *array = request->array;
  struct member *member = request_member (request, copy->place);
  struct piece other = *piece;
  int error;

  if (member_good_length (member, copy->offset, piece->length)
      < piece->length)
    return false;
  other.buffer += array->resync.span / 2;
  request_arm (request, &array->resync.pool);
  issue (&other, copy, CHILD_READ);
  request_finish (request);
  if (request->failed == 0)
    return memcmp (piece->buffer, other.buffer, piece->length) == 0;
  error = request->error[copy->place];
  if (!leg_error_is_harmless (error))
    failure_read (request, copy->place);
  return false;
}

/* Those of @places that do not hold what the buffer holds. */
static uint32_t
who_differs (const struct piece *piece, uint32_t places)
{
  uint32_t ret = 0;

  for (unsigned i = 0; i < piece->count; i++)
    if ((places & 1u << piece->copies[i].place)
        && !is_alike (piece, &piece->copies[i]))
      ret |= 1u << piece->copies[i].place;
  return ret;
}

/* What the buffer holds, to those of @places, and wait for them. */
static void
write_copies (const struct piece *piece, uint32_t places)
{
  const struct view *view = request_view (piece->request);

  for (unsigned rank = 0; rank < LEG_RANKS; rank++)
    for (unsigned i = 0; i < piece->count; i++)
      if (places & view->of_rank[rank] & 1u << piece->copies[i].place)
        issue (piece, &piece->copies[i], CHILD_WRITE);
  request_finish (piece->request);
}

/* Range locked. */
static int
copy_piece (const struct piece *piece)
{
  struct request *request = piece->request;
  struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t targets = view_targets_now (array, view);
  uint32_t to = piece->to & targets, again;
  int source;

  /* One copy alone is not read: there is nothing to compare it with. */
  if (copies_on (piece, to) == 0
      || copies_on (piece, targets) < 2)
    return 0;
  source = read_authority (piece);
  if (source < 0)
    return source;
  to &= ~(1u << piece->copies[source].place);
  if (piece->compare)
    to = who_differs (piece, to);
  if (copies_on (piece, to) == 0)
    return 0;
  request_arm (request, &array->resync.pool);
  write_copies (piece, to);
  /* The source has it, so whoever cannot is out. */
  again = failure_again (request, 0, 0);
  if (again != 0) {
    request_arm_repeat (request, &array->resync.pool, again);
    write_copies (piece, again);
  }
  atomic_fetch_add (&array->resync.writes, 1);
  return failure_settle (request, "resync", 0);
}

/* The same, where something cannot be read: step by step, and where that
 * fails block by block, so that as little as possible is left.
 */
static int
copy_carefully (const struct piece *whole, uint64_t step)
{
  uint64_t block = array_block (whole->request->array);
  struct piece piece = *whole;
  int result = 0;

  for (uint64_t done = 0; done < whole->length; done += piece.length) {
    int r;

    piece.offset = whole->offset + done;
    piece.length = MIN (whole->length - done, step);
    for (unsigned i = 0; i < piece.count; i++)
      piece.copies[i].offset = whole->copies[i].offset + done;
    r = copy_piece (&piece);
    if (r < 0 && piece.length > block)
      r = copy_carefully (&piece, block);
    if (r < 0)
      result = r;
  }
  return result;
}

int
resync_copy (struct request *request, uint64_t offset, uint64_t length,
             uint32_t to, bool compare)
{
  struct array *array = request->array;
  struct piece piece = { .request = request, .to = to, .compare = compare };
  /* Half of a buffer is for what is compared. */
  uint64_t most = compare ? array->resync.span / 2 : array->resync.span;
  const struct view *view;
  int result = 0;

  /* With the range locked: the members of now. */
  request_pin_newest (request);
  view = request_view (request);
  piece.buffer = bounce_take (&array->resync.buffers);
  for (uint64_t done = 0; done < length; done += piece.length) {
    int r;

    piece.offset = offset + done;
    piece.length
      = view_piece (view, piece.offset, MIN (length - done, most));
    piece.count = view_copies (view, piece.offset, piece.copies);
    r = copy_piece (&piece);
    if (r < 0)
      r = copy_carefully (&piece, MAX (array_block (array), (uint64_t)CAREFUL));
    if (r < 0)
      result = r;
  }
  bounce_give (&array->resync.buffers, piece.buffer);
  return result;
}

