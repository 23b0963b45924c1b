/* SPDX-License-Identifier: BSD-3-Clause */
/* mark: how a disk becomes a copy in an array without metadata.
 *
 * A write that fails on all current copies may have reached one that is being
 * rebuilt, where nothing brings it together with the others, as resync does
 * in an md array.  So those places are copied once more before it counts
 * (array->torn_from).
 *
 * Locks held on entry: none.  May block on: the range lock, a buffer, a child
 * of the resync's own pool, a flush round, the turn, the disks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/sync/mark.h"
#include "engine/sync/resync.h"
#include "ground/util.h"
#include "logic/unfinished.h"

/* ----------------------------------------------------------------- the mark */

void
mark_plan (const struct array *array, struct member *member, unsigned slot)
{
  uint64_t offset;

  atomic_store (&member->unmarked, true);
  /* There may be a slot of which nothing is used. */
  if (array->mark_size == 0
      || !layout_unmap (&array->layout, slot, 0, &offset))
    return;
  member->unfinished = true;
  member->recovered = array->mark_size;
}

/* To the disk, not yet for sure. */
static void
write_out (struct request *request, const struct member *member, char *mark)
{
  struct array *array = request->array;
  const struct child_spec what = { .op = CHILD_WRITE, .flags = CHILD_APART,
                                   .length = array->mark_size,
                                   .buffer = mark };

  memset (mark, 0, array->mark_size);
  unfinished_encode ((uint8_t *)mark);
  request_arm (request, &array->resync.pool);
  request_issue (request, member->place, &what);
  request_finish (request);
  failure_settle (request, "the mark that it is no copy yet", 0);
}

static int
write_mark (struct request *request, const struct member *member)
{
  struct array *array = request->array;
  char *mark;

  request_pin_newest (request);
  if (!member->unfinished || request_member (request, member->place) != member)
    return 0;
  mark = aligned_alloc (BOUNCE_ALIGNMENT,
                        round_up (array->mark_size, BOUNCE_ALIGNMENT));
  if (mark == NULL)
    return -ENOMEM;
  write_out (request, member, mark);
  free (mark);
  return flush_members (request, 1u << member->place, &array->resync.pool);
}

int
mark_store (struct request *request, struct member *member)
{
  int r = write_mark (request, member);

  if (r == 0)
    atomic_store (&member->unmarked, false);
  return r;
}

/* An old write may have hit what says that it is no copy; of an array with
 * metadata that is its superblock, and its bitmap's bits.
 */
static int
store_again (struct array *array, struct member *member)
{
  struct request *request;
  int r;

  if (array->md != NULL) {
    metadata_begin_turn (array);
    r = metadata_admit (array, member);
    metadata_end_turn (array);
    return r == -ENODEV ? 0 : r; /* it is lost again */
  }
  r = request_begin (&array->resync.requests, &request);
  assert (r == 0); /* nobody closes them */
  r = mark_store (request, member);
  request_end (&array->resync.requests, request);
  return r;
}

int
mark_quarantine (struct array *array, struct member *member)
{
  uint64_t until = atomic_load (&member->quarantine_ns);
  int r;

  if (until == 0)
    return 0;
  worker_pause (&array->resync.worker, until);
  if (worker_is_stopping (&array->resync.worker))
    return -ECANCELED;
  r = store_again (array, member);
  if (r == 0)
    atomic_store (&member->quarantine_ns, 0);
  return r;
}

/* --------------------------------------------------------------- what is torn */

/* Where writes have failed since, and it is forgotten.  False: nowhere. */
static bool
take_torn (struct array *array, uint64_t *ret_from, uint64_t *ret_end)
{
  ground_mutex_lock (&array->state_lock);
  *ret_from = array->torn_from;
  *ret_end = array->torn_end;
  array->torn_end = 0;
  ground_mutex_unlock (&array->state_lock);
  return *ret_end > 0;
}

/* To all that are being rebuilt. */
static int
copy_range (struct request *request, uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  const struct view view = view_look (array);
  int r;

  range_lock (&array->ranges, &request->range, offset, length);
  r = resync_copy (request, offset, length, view.targets & ~view.in_sync,
                   false);
  range_unlock (&array->ranges, &request->range);
  return r;
}

static int
copy_torn (struct request *request)
{
  struct array *array = request->array;
  uint64_t at, end, length;
  int r = 0;

  while (r == 0 && take_torn (array, &at, &end)) {
    for (; r == 0 && at < end; at += length) {
      length = MIN (end - at, (uint64_t)array->resync.span);
      r = copy_range (request, at, length);
      if (r < 0)
        array_note_torn (array, at, end - at);
    }
  }
  return r;
}

/* ------------------------------------------------------------------ the end */

static void
set_unfinished (struct array *array, struct member *member, bool unfinished)
{
  ground_mutex_lock (&array->state_lock);
  member->unfinished = unfinished;
  if (atomic_load (&member->standing) != STANDING_OUT)
    view_publish (array);
  ground_mutex_unlock (&array->state_lock);
}

/* The range is locked, so who writes there works with a view of before or
 * behind this.  What cannot be copied leaves the mark in its place.
 */
static int
copy_first (struct request *request, struct member *member, unsigned slot)
{
  struct array *array = request->array;
  uint64_t length = array->mark_size, offset;
  struct layout layout = array_get_layout (array);
  bool is_used = layout_unmap (&layout, slot, 0, &offset);
  int r;

  assert (is_used);
  range_lock (&array->ranges, &request->range, offset, length);
  set_unfinished (array, member, false);
  r = resync_copy (request, offset, length, 1u << member->place, false);
  if (r < 0) {
    set_unfinished (array, member, true);
    write_mark (request, member);
  }
  range_unlock (&array->ranges, &request->range);
  return r;
}

static int
flush (struct request *request)
{
  request_pin_newest (request);
  return flush_members (request, request_view (request)->targets,
                        &request->array->resync.pool);
}

static int
make_equal (struct request *request, struct member *member, unsigned slot)
{
  int r = copy_torn (request);

  if (r == 0)
    r = flush (request);
  if (r < 0 || !member->unfinished)
    return r;
  r = copy_first (request, member, slot);
  return r == 0 ? flush (request) : r;
}

int
mark_replace (struct array *array, struct member *member, unsigned slot)
{
  struct request *request;
  int r = request_begin (&array->resync.requests, &request);

  assert (r == 0); /* nobody closes them */
  /* Once more, if something was torn meanwhile. */
  while (r == 0 && member_is_recovering (member)) {
    r = worker_is_stopping (&array->resync.worker)
          ? -ECANCELED
          : make_equal (request, member, slot);
    if (r == 0)
      failure_recovered (array, member);
  }
  /* If nobody is out now, nobody lacks anything for sure. */
  if (r == 0 && atomic_load (&array->missed.is_kept))
    flush (request);
  request_end (&array->resync.requests, request);
  return r;
}
