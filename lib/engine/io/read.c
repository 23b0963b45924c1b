/* SPDX-License-Identifier: BSD-3-Clause */
/* read: from one copy, and from every other one before the client sees an
 * error.
 *
 *   array_read     descriptor; md arrays: what may differ there since a
 *                  crash is brought together first (before_read);
 *                  round by round (READ_ROUND pieces):
 *     read_round   1 which copies may be read now     (choose_mode)
 *                  2 each piece from one of them       (read_pieces)
 *                  3 did a write start meanwhile?  then once more, fixed
 *                  4 pieces that failed, from the others, one by one (retry)
 *
 * While a write is under way its copies differ, and two reads in a row must
 * not see new and then old.  So there are three modes:
 *
 *   BALANCED  no write runs on the range: any copy, the least busy one.
 *             Checked again afterwards: a copy that a later write had
 *             reached already may have been ahead of the others.
 *   FIXED     a write runs: everybody reads the first current copy, in the
 *             layout's order.
 *   LOCKED    a write runs and the member set has changed since it began,
 *             or the fixed copy cannot be read: wait for the write by taking
 *             the range lock, then any copy will do.
 *
 * Locks held on entry: none.  May block on: a request descriptor, a bounce
 * buffer, the range lock (LOCKED and retries only), a child, the disks; and on
 * what array->before_read does.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "ground/util.h"
#include "logic/pick.h"

enum read_mode { BALANCED, FIXED, LOCKED };

/* A part of the range that lies whole on each of its copies. */
struct piece {
  uint64_t offset, length; /* of the array */
  char *buffer;
  unsigned place; /* last read from */
};

struct round {
  struct request *request;
  enum read_mode mode;
  bool pinned;           /* copies may differ: the first one is read */
  uint32_t current;      /* members that were in sync when it was chosen */
  uint64_t offset;       /* of the array */
  uint64_t length;
  char *buffer;
  unsigned pieces;
  struct piece piece[READ_ROUND];
};

/* May copies of the range differ, without a write that runs?  Of what flushes
 * lost each disk may have lost something else.
 */
static inline bool
may_differ (const struct round *round)
{
  struct array *array = round->request->array;
  const struct view *view = request_view (round->request);

  return atomic_load (&array->reads_pinned)
         || view_flush_is_lost (array, view, view->in_sync)
         || (array_has_todo (array)
             && metadata_may_differ (array, round->offset, round->length));
}

/* With the view that is still the newest after the ranges were looked at: a
 * write that has ended before may have put a member out, and two readers of one
 * write must not disagree on the fixed copy.
 */
static void
choose_mode (struct round *round)
{
  struct request *request = round->request;
  struct array *array = request->array;
  uint64_t began_at;
  bool running;

  do {
    request_pin_newest (request);
    round->pinned = may_differ (round);
    running = range_lock_look (&array->ranges, round->offset, round->length,
                               &began_at);
  } while (view_is_old (array, request_view (request)));
  round->current = request_view (request)->in_sync;
  if (!running)
    round->mode = BALANCED;
  else
    round->mode
      = began_at == request_view (request)->number ? FIXED : LOCKED;
}

/* How many of the copies count: those that are written mostly, which come last,
 * only if nothing good is on the others.
 */
static unsigned
leave_mostly (const struct view *view, const struct view_copy *copies,
              const uint64_t *good, unsigned count)
{
  bool some_good = false;

  for (unsigned i = 0; i < count; i++) {
    if (some_good && (view->write_mostly & 1u << copies[i].place))
      return i;
    some_good |= good[i] > 0;
  }
  return count;
}

/* The copy of the piece at array @offset to read; -1: none of @allowed.
 * *@length bytes of it, or fewer: where a bad block ends what can be read
 * there.
 */
static int
choose_copy (const struct round *round, uint64_t offset, uint32_t allowed,
             struct view_copy *ret, uint64_t *length)
{
  struct array *array = round->request->array;
  const struct view *view = request_view (round->request);
  struct view_copy copies[LEGS_MAX];
  struct candidate candidates[LEGS_MAX];
  uint64_t good[LEGS_MAX], best = 1;
  unsigned count = view_copies (view, offset, copies);
  bool fixed = round->mode == FIXED || round->pinned;
  int chosen;

  for (unsigned i = 0; i < count; i++) {
    good[i] = 0;
    if (allowed & 1u << copies[i].place)
      good[i] = round_down (member_good_length (view->member[copies[i].place],
                                                copies[i].offset, *length),
                            array->limits.block_minimum);
  }
  if (view->write_mostly != 0)
    count = leave_mostly (view, copies, good, count);
  for (unsigned i = 0; i < count && !fixed; i++)
    best = MAX (best, good[i]);
  for (unsigned i = 0; i < count; i++) {
    struct member *member = view->member[copies[i].place];

    candidates[i] = (struct candidate){
      .usable = good[i] >= best,
      .outstanding = atomic_load_explicit (&member->outstanding,
                                           memory_order_relaxed),
      .offset = copies[i].offset,
      .head = atomic_load_explicit (&member->head, memory_order_relaxed),
    };
  }
  chosen = fixed ? pick_fixed (candidates, count)
                 : pick_read (candidates, count);
  if (chosen >= 0) {
    *ret = copies[chosen];
    *length = good[chosen];
  }
  return chosen;
}

static void
issue_read (struct round *round, const struct piece *piece, unsigned tag,
            const struct view_copy *copy)
{
  struct request *request = round->request;
  bool alone = piece->length == round->length;
  const struct child_spec what = { .op = CHILD_READ,
                                   .flags = alone ? CHILD_ALONE : 0,
                                   .offset = copy->offset,
                                   .length = piece->length,
                                   .buffer = piece->buffer,
                                   .tag = tag };

  atomic_store_explicit (&request_member (request, copy->place)->head,
                         copy->offset + piece->length, memory_order_relaxed);
  request_issue (request, copy->place, &what);
}

/* Cut the round into pieces and read each from one copy.  What does not fit
 * into READ_ROUND pieces is left for the next round: @round->length shrinks.
 * 0, or -EIO if some piece has no copy.
 */
static inline int
read_pieces (struct round *round)
{
  struct array *array = round->request->array;
  uint64_t done = 0;
  int r = 0;

  round->pieces = 0;
  request_arm (round->request, &array->pool);
  while (done < round->length && round->pieces < READ_ROUND) {
    struct piece *piece = &round->piece[round->pieces];
    const struct leg *leg;
    struct view_copy copy;

    piece->offset = round->offset + done;
    piece->length = layout_piece (&request_view (round->request)->layout,
                                  piece->offset, round->length - done);
    if (choose_copy (round, piece->offset, round->current, &copy,
                     &piece->length)
        < 0) {
      r = -EIO;
      break;
    }
    piece->place = copy.place;
    piece->buffer = round->buffer + done;
    leg = request_member (round->request, copy.place)->leg;
    piece->length = MIN (piece->length, (uint64_t)leg->caps.request_max);
    issue_read (round, piece, round->pieces, &copy);
    done += piece->length;
    round->pieces++;
  }
  request_finish (round->request);
  /* Nothing at all can be read: what was asked for stays. */
  if (done > 0)
    round->length = done;
  return r;
}

/* Where copies may differ, no other is read while the one that counts is away
 * and will be back: nobody is to read that one later, and something else.
 */
static bool
is_awaited (const struct round *round, unsigned place)
{
  return round->pinned
         && member_is_awaited (request_member (round->request, place));
}

/* The beginning of @piece, as much as some copy of @left has good:
 * piece->length tells.  @error: what to say if there is none.
 */
static int
retry_part (struct round *round, struct piece *piece, uint32_t left, int error)
{
  struct request *request = round->request;
  struct array *array = request->array;
  const struct view *view = request_view (request);
  struct view_copy copy;

  while (choose_copy (round, piece->offset,
                      left & view->in_sync & view_in_sync_now (array, view),
                      &copy, &piece->length) >= 0) {
    struct piece part = *piece;
    uint64_t most = view->member[copy.place]->leg->caps.request_max;

    left &= ~(1u << copy.place);
    request_arm (request, &array->retries);
    for (uint64_t at = 0; at < piece->length; at += part.length) {
      part.buffer = piece->buffer + at;
      part.length = MIN (piece->length - at, most);
      issue_read (round, &part, 0,
                  &(struct view_copy){ copy.place, copy.offset + at });
    }
    request_finish (request);
    if (request->failed == 0)
      return 0;
    error = request->error[copy.place];
    if (!leg_error_is_harmless (error))
      failure_read (request, copy.place);
    if (is_awaited (round, copy.place))
      return error;
  }
  return error;
}

/* @piece could not be read from piece->place: from every other copy in turn,
 * with the range locked, so that no copy is ahead of another.  Where copies
 * may differ, block by block: the next copy counts only for what cannot be
 * read of the first one, for everybody.
 */
static int
retry_piece (struct round *round, const struct piece *piece)
{
  struct array *array = round->request->array;
  const struct view *view = request_view (round->request);
  uint64_t block = array_block (array);
  int error = round->request->error[piece->place], r = 0;
  struct piece part = *piece;

  if (is_awaited (round, piece->place))
    return error;
  for (uint64_t done = 0; done < piece->length && r == 0;
       done += part.length) {
    uint32_t left = ~(1u << piece->place);

    part.offset = piece->offset + done;
    part.buffer = piece->buffer + done;
    part.length = piece->length - done;
    if (round->pinned
        && (view_in_sync_now (array, view) & 1u << piece->place)
        && piece->length > block) {
      part.length = MIN (part.length, block - part.offset % block);
      left = UINT32_MAX;
    }
    r = retry_part (round, &part, left, error);
  }
  return r;
}

/* The pieces that failed, once more. */
static int
retry (struct round *round)
{
  struct request *request = round->request;
  uint32_t failed_tags = request->failed_tags;
  int r = 0;

  for (uint32_t left = request->failed; left != 0; left &= left - 1)
    if (!leg_error_is_harmless (request->error[__builtin_ctz (left)]))
      failure_read (request, __builtin_ctz (left));
  for (uint32_t left = failed_tags; left != 0 && r == 0; left &= left - 1)
    r = retry_piece (round, &round->piece[__builtin_ctz (left)]);
  return r;
}

/* From the members of now. */
static int
read_newest (struct round *round)
{
  struct request *request = round->request;
  int r;

  request_pin_newest (request);
  round->mode = LOCKED;
  round->pinned = may_differ (round);
  round->current = request_view (request)->in_sync;
  r = read_pieces (round);
  return r == 0 && request->failed != 0 ? retry (round) : r;
}

/* Everything with the range locked: no write runs on it. */
static RARE int
read_locked (struct round *round)
{
  struct request *request = round->request;
  struct array *array = request->array;
  int r;

  range_lock (&array->ranges, &request->range, round->offset, round->length);
  /* A member may have come in sync before the last one was lost. */
  do
    r = read_newest (round);
  while (r < 0 && view_is_old (array, request_view (request)));
  range_unlock (&array->ranges, &request->range);
  return r;
}

/* Has a write begun on what was just read, or begun and failed?  It may have
 * been ahead on the copy that we read.
 */
static bool
overtaken (const struct round *round)
{
  struct array *array = round->request->array;
  uint64_t began_at;

  if (round->mode != BALANCED || round->pinned)
    return false;
  return range_lock_look (&array->ranges, round->offset, round->length,
                          &began_at)
         || may_differ (round);
}

/* Read the round's range, or its beginning: @round->length tells. */
static int
read_round (struct round *round)
{
  struct array *array = round->request->array;

  for (unsigned attempt = 0; attempt < 2; attempt++) {
    /* What may differ after a crash is brought together first; where that
     * cannot be, everybody reads the copy that it would be taken from.
     */
    if (array_has_todo (array))
      array->before_read (round->request, round->offset, round->length);
    choose_mode (round);
    if (round->mode == LOCKED)
      break;
    if (read_pieces (round) < 0 || round->request->failed != 0)
      break;
    if (!overtaken (round))
      return 0;
  }
  return read_locked (round);
}

int
array_read (struct array *array, void *buffer, uint64_t length,
            uint64_t offset)
{
  struct round round;
  char *bounce = NULL;
  struct awaited awaited = await_begin (&array->await);
  uint64_t done = 0;
  int r;

  if (!is_aligned (offset | length, array->limits.block_minimum))
    return -EINVAL;
  r = request_begin (&array->readers, &round.request);
  if (r < 0)
    return r;
  if (array->bounced)
    bounce = bounce_take (&array->read_bounces);

  while (done < length && r == 0) {
    round.offset = offset + done;
    round.length = length - done;
    round.buffer = (char *)buffer + done;
    if (bounce != NULL) {
      round.length = MIN (round.length, (uint64_t)array->bounce_size);
      round.buffer = bounce;
    }
    do
      r = read_round (&round);
    while (await_disk (array, r, &awaited));
    if (bounce != NULL && r == 0)
      memcpy ((char *)buffer + done, bounce, round.length);
    done += round.length;
  }
  if (r < 0)
    log_error_repeats (&array->told_read, ground_now (), r,
                       "a read failed on every disk that holds the data: %s.  "
                       "The client gets the error", log_strerror (r));

  if (bounce != NULL)
    bounce_give (&array->read_bounces, bounce);
  request_end (&array->readers, round.request);
  return r;
}

int
array_cache (struct array *array, uint64_t length, uint64_t offset)
{
  struct round round = { .mode = BALANCED, .pinned = false };
  const struct view *view;
  struct view_copy copy;
  uint64_t piece;
  int r;

  r = request_begin (&array->readers, &round.request);
  if (r < 0)
    return r;
  view = request_view (round.request);
  request_arm (round.request, &array->pool);
  for (uint64_t done = 0; done < length; done += piece) {
    piece = layout_piece (&view->layout, offset + done, length - done);
    if (choose_copy (&round, offset + done, view->in_sync, &copy, &piece) < 0)
      continue;
    piece = MIN (piece,
                 (uint64_t)view->member[copy.place]->leg->caps.zero_max);
    request_issue (round.request, copy.place,
                     &(struct child_spec){ .op = CHILD_CACHE,
                                           .offset = copy.offset,
                                           .length = piece });
  }
  request_finish (round.request);
  /* It was a hint: what the legs make of it is theirs. */
  request_end (&array->readers, round.request);
  return 0;
}
