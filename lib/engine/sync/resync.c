/* SPDX-License-Identifier: BSD-3-Clause */
/* resync: copies that may differ are brought together, members that missed
 * something are rebuilt.
 *
 *   resync    after a crash: each window of the list (logic/todo) from the
 *             first current copy, in the layout's order, over all others.
 *             That copy is the authority: reads take it until a window is
 *             done, so no read changes its mind.
 *   rebuild   a member that missed writes: from its beginning or its
 *             checkpoint on, in its own order, wholly or only what the bitmap
 *             has set.  It gets every write meanwhile, and no reads.
 *
 * One thread does first the one, then the other.  Both are suppliers of spans
 * to a job (job.h), which has helpers; each span has its range locked, so that
 * it never meets a write.  A read that needs a window does not wait for it, but
 * brings that window together itself.
 *
 * Locks held on entry: none.  May block on, in this order: the range lock, a
 * buffer, a child of the resync's own pool, the disks, the turn.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/sync/resync.h"
#include "engine/sync/spares.h"
#include "ground/log.h"
#include "ground/util.h"

/* ------------------------------------------------------------------ resync */

/* The next span to do at or behind @from. */
static bool
next_span (struct array *array, uint64_t from, uint64_t end,
           uint64_t *ret_offset, uint64_t *ret_length)
{
  struct metadata *md = array->md;
  bool found;

  ground_mutex_lock (&md->lock);
  found = todo_next (&md->todo, from, array->resync.span, ret_offset,
                     ret_length)
          && *ret_offset < end;
  ground_mutex_unlock (&md->lock);
  return found;
}

/* What was written lasts: a reader who has seen it will see it after a crash,
 * whichever copy is left.
 */
static int
flush_copies (struct request *request)
{
  struct array *array = request->array;
  struct resync *resync = &array->resync;
  uint64_t writes = atomic_load (&resync->writes);
  int r;

  if (writes == atomic_load (&resync->flushed))
    return 0;
  r = flush_members (request, request_view (request)->targets, &resync->pool);
  if (r == 0)
    atomic_store (&resync->flushed, writes);
  return r;
}

/* Range locked.  Some windows of the list.  0, or -errno and they stay on it.
 */
static int
sync_windows (struct request *request, uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  struct metadata *md = array->md;
  int r;

  r = resync_copy (request, offset, length, UINT32_MAX, true);
  if (r == 0)
    r = flush_copies (request);
  if (r == 0)
    r = metadata_settle (array);
  if (r == 0) {
    ground_mutex_lock (&md->lock);
    todo_done (&md->todo, offset, length);
    metadata_publish (md);
    ground_mutex_unlock (&md->lock);
  }
  return r;
}

/* What is on the list of a span.  0, or -errno of the first that failed. */
static int
sync_span (struct request *request, uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  uint64_t at = offset, end = offset + length, windows;
  int r = 0;

  range_lock (&array->ranges, &request->range, offset, length);
  /* Whoever had the range before us may have done it, and the array may be
   * clean since.
   */
  for (; r == 0 && next_span (array, at, end, &at, &windows); at += windows) {
    windows = MIN (windows, end - at);
    r = sync_windows (request, at, windows);
  }
  range_unlock (&array->ranges, &request->range);
  return r;
}

void
resync_before_read (struct request *request, uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  uint64_t window, at, end, span;
  bool is_active = false;

  if (!metadata_may_differ (array, offset, length)
      || !atomic_load (&array->may_write))
    return;
  window = metadata_window (array);
  end = round_up (offset + length, window);
  for (at = round_down (offset, window); next_span (array, at, end, &at, &span);
       at += span) {
    if (!is_active && metadata_activate (array) < 0)
      return;
    is_active = true;
    /* No more than was asked for. */
    span = MIN (span, end - at);
    sync_span (request, at, span);
  }
}

/* ------------------------------------------------------------- the thread */

/* A write that fails on all disks brings a resync, and a client may try again
 * as fast as it can: so there are pauses, and an end is told to who was told
 * of the beginning, or that it could not be done.
 */
static void
tell_begin (struct array *array)
{
  const struct log_event started = { "ResyncStarted", EVENT_INFO, -1, NULL };
  struct resync *resync = &array->resync;

  if (!log_is_due (&resync->told_begin, ground_now ()))
    return;
  log_event (&started,
             "resync: started; up to %llu bytes may differ between the copies",
             (unsigned long long)atomic_load (&array->md->todo_left));
  resync->owes_end = true;
}

static void
tell_done (struct resync *resync)
{
  const struct log_event finished = { "ResyncFinished", EVENT_INFO, -1, NULL };

  if (resync->owes_end)
    log_event (&finished, "resync: finished; all copies agree");
  resync->owes_end = false;
}

static void
tell_error (struct array *array, int error)
{
  struct resync *resync = &array->resync;

  resync->owes_end |= log_error_repeats (
    &resync->told_error, ground_now (), error,
    "resync: up to %llu bytes cannot be made equal on all copies: %s.  They "
    "are read from the first disk that can be read there, and the array stays "
    "dirty",
    (unsigned long long)atomic_load (&array->md->todo_left),
    log_strerror (error));
}

/* Does @view hold no more than one copy of each part of the range? */
static bool
has_one_copy (const struct view *view, uint64_t offset, uint64_t length)
{
  struct view_copy copies[LEGS_MAX];
  uint64_t piece;

  for (uint64_t done = 0; done < length; done += piece) {
    piece = layout_piece (&view->layout, offset + done, length - done);
    if (view_copies (view, offset + done, copies) > 1)
      return false;
  }
  return true;
}

/* Where only one copy is left there is nothing to compare: off the list, at
 * once.  What members that come back lack the bitmap keeps for their rebuild,
 * since it is not cleared before.  Who is out is on record before
 * readers may rely on the copy that is left.  @seen: the number of the view for
 * which this was done.
 */
static void
drop_single_copies (struct array *array, uint64_t *seen)
{
  struct metadata *md = array->md;
  const struct view view = view_look (array);
  uint64_t at = 0, length = 0;
  bool found;

  if (view.number == *seen || metadata_settle (array) < 0)
    return;
  *seen = view.number;
  do {
    ground_mutex_lock (&md->lock);
    /* What came with a later view is not for this one. */
    found = todo_next (&md->todo, at, md->todo.window, &at, &length)
            && at + length <= view.layout.array_size;
    if (found && has_one_copy (&view, at, length)) {
      todo_done (&md->todo, at, length);
      metadata_publish (md);
    }
    ground_mutex_unlock (&md->lock);
    at += length;
  } while (found && !worker_is_stopping (&array->resync.worker));
}

struct pass {
  struct array *array;
  uint64_t seen; /* by drop_single_copies */
};

static int
next_differing (void *opaque, struct request *request, uint64_t at,
                struct span *ret)
{
  const struct pass *pass = opaque;

  (void)request;
  if (!next_span (pass->array, at, UINT64_MAX, &ret->offset, &ret->length))
    return 0;
  ret->at = ret->offset;
  ret->end = ret->offset + ret->length;
  return 1;
}

static int
sync_differing (void *opaque, struct request *request,
                const struct span *span, uint64_t *ret_moved)
{
  (void)opaque;
  (void)ret_moved;
  return sync_span (request, span->offset, span->length);
}

static void
look_at_members (void *opaque, uint64_t at)
{
  struct pass *pass = opaque;

  (void)at;
  drop_single_copies (pass->array, &pass->seen);
}

static uint64_t
left (void *opaque)
{
  const struct pass *pass = opaque;

  return atomic_load (&pass->array->md->todo_left);
}

static const struct job_supply supply = {
  .next = next_differing,
  .handle = sync_differing,
  .advanced = look_at_members,
  .left = left,
};

/* The whole list, once.  0, or -errno of what could not be done. */
static int
resync_pass (struct array *array, bool again)
{
  struct pass pass = { .array = array };
  int r;

  if (left (&pass) == 0)
    return 0;
  drop_single_copies (array, &pass.seen);
  if (left (&pass) == 0) {
    metadata_commit_checkpoint (array);
    return 0;
  }
  if (!again)
    tell_begin (array);
  r = job_run (&array->resync.job, &supply, &pass, 0);
  quiet_note_speed (array, job_speed (&array->resync.job));
  if (r == -ECANCELED)
    return r;
  metadata_commit_checkpoint (array);
  if (r == 0)
    tell_done (&array->resync);
  else if (!again)
    tell_error (array, r);
  return r;
}

static bool
may_rebuild (const struct member *member)
{
  return atomic_load (&member->standing) == STANDING_WRITTEN
         && !atomic_load (&member->unmarked);
}

/* One that was not stopped cleanly becomes clean, even if nothing has to be
 * copied for that.
 */
static bool
has_work (struct array *array)
{
  const struct view view = view_look (array);

  return view.targets != view.in_sync || array_has_todo (array)
         || (array->md != NULL && array->md->found_dirty);
}

static int
activate (struct array *array, bool again)
{
  int r = array->md != NULL ? metadata_activate (array) : 0;

  if (r < 0 && !again)
    log_error_repeats (&array->resync.told_metadata, ground_now (), r,
                       "resync: cannot begin: the metadata cannot be "
                       "written: %s", log_strerror (r));
  return r;
}

/* All there is to do, once.  @again: somebody was told already that it could
 * not be done.  0, or -errno of what could not.
 */
static int
work (struct array *array, bool again)
{
  struct member *member = NULL;
  int r, result = 0;

  if (!has_work (array))
    return 0;
  r = activate (array, again);
  if (r < 0)
    return r;
  /* Resync first: a rebuild needs a source that is one. */
  if (array->md != NULL)
    result = resync_pass (array, again);
  while (!worker_is_stopping (&array->resync.worker)
         && (member = view_next_member (array, member, may_rebuild))
              != NULL) {
    r = rebuild (array, member, again);
    if (r < 0)
      result = r;
  }
  if (member != NULL)
    member_release (array, member);
  return result;
}

/* What an error has left that may pass is tried again by the clock, as is a
 * rebuild that waits for resync.  A place that cannot be read is not: to try
 * wears out what is left of the disk.
 */
static bool
may_pass (int error)
{
  return error == -EBUSY || leg_error_is_harmless (error);
}

static void
be_in_sync (void *argument)
{
  struct array *array = argument;
  struct resync *resync = &array->resync;
  uint64_t spare_ns, retry_ns;
  int r = 0;

  /* Woken by a write that left copies different, by a disk that comes, by one
   * that goes while a spare waits, or by the stop.
   */
  do {
    spare_ns = spares_step_in (array);
    r = work (array, r < 0);
    retry_ns = may_pass (r) ? ground_now () + resync->retry_ns : GROUND_NEVER;
  } while (worker_sleep (&resync->worker, MIN (spare_ns, retry_ns)));
}

/* A child for each slot would be enough to go on; so many let all spans be in
 * flight together.  And one for each place that may be taken later.
 */
static unsigned
pool_total (unsigned spans, unsigned slots)
{
  return spans * slots + LEGS_MAX - slots;
}

uint64_t
resync_memory (unsigned slots, uint32_t span, unsigned spans)
{
  return (spans + SYNC_BUFFERS_READERS) * (uint64_t)(span + sizeof (void *))
         + spans * (uint64_t)sizeof (struct request)
         + pool_total (spans, slots) * (uint64_t)sizeof (struct child);
}

int
resync_init (struct resync *resync, struct array *array, uint32_t span,
             unsigned spans)
{
  unsigned slots = array->layout.slots;
  int failed = 0;

  assert (spans >= 1 && spans <= SYNC_SPANS);
  resync->span = span;
  resync->writes = 1;
  worker_init (&resync->worker);
  failed |= pool_init (&resync->pool, pool_total (spans, slots), LEGS_MAX, 1);
  /* Whoever copies can be told to stop, whatever hangs. */
  resync->pool.flags = CHILD_BEHIND;
  failed |= bounce_init (&resync->buffers, spans + SYNC_BUFFERS_READERS, span);
  failed |= requests_init (&resync->requests, spans, array);
  job_init (&resync->job, array, &resync->requests);
  return failed != 0 ? -ENOMEM : 0;
}

void
resync_destroy (struct resync *resync)
{
  worker_destroy (&resync->worker);
  job_destroy (&resync->job);
  requests_destroy (&resync->requests);
  bounce_destroy (&resync->buffers);
  pool_destroy (&resync->pool);
}

int
resync_start (struct array *array)
{
  return worker_start (&array->resync.worker, "mirror-resync", be_in_sync,
                       array);
}

void
resync_ask_to_stop (struct array *array)
{
  worker_ask_to_stop (&array->resync.worker);
  job_stop (&array->resync.job);
}

int
resync_wait_idle (struct array *array, uint64_t deadline_ns)
{
  /* Each child that the thread waits for has its leg's deadline. */
  return worker_wait_end (&array->resync.worker, deadline_ns);
}

/* What the next start goes on with. */
static void
tell_rest (struct array *array)
{
  const struct view *view;

  if (array_has_todo (array))
    log_notice ("resync: stopped; up to %llu bytes that may differ are left "
                "for the next start",
                (unsigned long long)atomic_load (&array->md->todo_left));
  ground_mutex_lock (&array->state_lock);
  view = atomic_load (&array->view);
  for (uint32_t rebuilt = view->targets & ~view->in_sync; rebuilt != 0;
       rebuilt &= rebuilt - 1) {
    const struct member *member = view->member[__builtin_ctz (rebuilt)];

    log_notice (array->md != NULL
                  ? "disk %.200s (slot %u): its rebuild is stopped; the next "
                    "start goes on with it"
                  : "disk %.200s (slot %u): its rebuild is stopped, so it IS "
                    "NOT A COPY: do not start the mirror with it again before "
                    "a good disk was copied over it whole",
                member->name, view_slot (view, member));
  }
  ground_mutex_unlock (&array->state_lock);
}

void
resync_stop (struct array *array)
{
  if (worker_stop (&array->resync.worker))
    tell_rest (array);
}
