/* SPDX-License-Identifier: BSD-3-Clause */
/* rebuild: a member that missed writes gets what it lacks.
 *
 * From its beginning or its checkpoint on, in its own order, wholly or only
 * what the bitmap has set.  It gets every write of clients meanwhile, and no
 * reads; how far it has come is written into its superblock now and then.
 * It is a supplier of spans of the member to a job (job.h), and what is
 * written down is what the job knows to be done without a gap.  In an array
 * without metadata nothing is; there a mark protects the disk (mark.h), and the
 * bitmap is one in memory (record/missed.h).
 *
 * Locks held on entry: none.  May block on, in this order: the range lock,
 * resync_copy, the turn.
 */

#include <errno.h>
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "engine/sync/holes.h"
#include "engine/sync/job.h"
#include "engine/sync/mark.h"
#include "engine/sync/resync.h"
#include "ground/log.h"
#include "ground/util.h"

struct rebuild {
  struct array *array;
  struct member *member;
  struct layout layout;     /* the array keeps it until the end of this */
  unsigned slot;
  uint64_t noted, noted_ns; /* the last checkpoint */
  struct holes holes;       /* of the hand that chooses */
};

/* Does the bitmap say that some of the range was missed?  *@length becomes as
 * much as one answer holds for.  Once the member is gone the array may get
 * another bitmap, or none, which says nothing.
 */
static bool
is_in_bitmap (struct array *array, uint64_t offset, uint64_t *length)
{
  struct metadata *md = array->md;
  uint64_t region, step;
  bool marked;

  ground_mutex_lock (&md->lock);
  marked = !md->has_bitmap;
  if (md->has_bitmap) {
    region = md->bitmap.region_size;
    /* Region by region; but some may be smaller than a disk's block. */
    step = MAX (region, (uint64_t)array->leg_block);
    *length = MIN (*length, step - offset % step);
    for (uint64_t i = offset / region; i <= (offset + *length - 1) / region;
         i++)
      marked |= bitmap_is_set (&md->bitmap, i);
  }
  ground_mutex_unlock (&md->lock);
  return marked;
}

static bool
is_marked (struct array *array, uint64_t offset, uint64_t *length)
{
  return array->md != NULL ? is_in_bitmap (array, offset, length)
                           : missed_is_set (&array->missed, offset, length);
}

/* Does this part of the member have to be copied?  Where it lies in the array.
 */
static bool
is_missed (const struct rebuild *rebuild, uint64_t at, uint64_t *ret_offset,
           uint64_t *ret_length)
{
  struct array *array = rebuild->array;
  const struct layout *layout = &rebuild->layout;
  uint64_t step = array->resync.span;

  if (layout->chunk != 0)
    step = MIN (step, layout->chunk - at % layout->chunk);
  step = MIN (step, layout->member_size - at);
  *ret_length = step;
  if (!layout_unmap (layout, rebuild->slot, at, ret_offset))
    return false;
  *ret_length = layout_piece (layout, *ret_offset,
                              MIN (step, layout->array_size - *ret_offset));
  return !rebuild->member->by_bitmap
         || is_marked (array, *ret_offset, ret_length);
}

/* ----------------------------------------------------- what the job is told */

static int
next_missed (void *opaque, struct request *request, uint64_t at,
             struct span *ret)
{
  struct rebuild *rebuild = opaque;
  struct array *array = rebuild->array;
  uint64_t size = rebuild->layout.member_size, skip;

  for (; at < size; at = ret->end) {
    bool missed = is_missed (rebuild, at, &ret->offset, &ret->length);

    ret->at = at;
    ret->end = at + ret->length;
    if (!member_is_recovering (rebuild->member))
      return -ENODEV;
    if (worker_is_stopping (&array->resync.worker))
      return -ECANCELED;
    if (!missed)
      continue;
    skip = holes_skip (&rebuild->holes, request, rebuild->member, at, size - at,
                       ret->length, &ret->zero);
    if (skip == 0)
      return 1;
    ret->end = at + skip;
  }
  return 0;
}

static int
copy_missed (void *opaque, struct request *request, const struct span *span,
             uint64_t *ret_moved)
{
  const struct rebuild *rebuild = opaque;
  struct range_locks *ranges = &rebuild->array->ranges;
  int r = 0;

  range_lock (ranges, &request->range, span->offset, span->length);
  if (span->zero
      && holes_zero (request, rebuild->member, span->at, span->offset,
                     span->length))
    *ret_moved = 0;
  else
    r = resync_copy (request, span->offset, span->length,
                     1u << rebuild->member->place, false);
  range_unlock (ranges, &request->range);
  return r;
}

/* How far the rebuild has come is written down now and then, so that it goes
 * on from there.
 */
static void
note_recovered (void *opaque, uint64_t at)
{
  struct rebuild *rebuild = opaque;
  struct array *array = rebuild->array;
  uint64_t size = rebuild->layout.member_size;

  at = MIN (at, size);
  atomic_store (&rebuild->member->recovered, at);
  if (array->md == NULL)
    return;
  if (at - rebuild->noted < size / SYNC_CHECKPOINT_PARTS
      && ground_now () - rebuild->noted_ns < SYNC_CHECKPOINT_S * GROUND_S)
    return;
  metadata_commit_checkpoint (array);
  rebuild->noted = at;
  rebuild->noted_ns = ground_now ();
}

static bool
is_wanted (void *opaque)
{
  const struct rebuild *rebuild = opaque;

  return member_is_recovering (rebuild->member);
}

static uint64_t
left (void *opaque)
{
  const struct rebuild *rebuild = opaque;

  return rebuild->layout.member_size
         - atomic_load (&rebuild->member->recovered);
}

static const struct job_supply supply = {
  .next = next_missed,
  .handle = copy_missed,
  .advanced = note_recovered,
  .is_wanted = is_wanted,
  .left = left,
  .stops_at_error = true,
};

/* -------------------------------------------------------------- the rebuild */

static void
tell_begin (const struct member *member, unsigned slot)
{
  const struct log_event event
    = { "RebuildStarted", EVENT_INFO, slot, member->name };

  log_event (&event, "disk %.200s (slot %u): is being rebuilt, %s%s",
             member->name, slot,
             member->by_bitmap ? "only what it missed" : "all of it",
             member->recovered > 0 && !member->unfinished
               ? ", from where it was stopped" : "");
}

/* state_lock held. */
static const char *
name_in_sync (const struct array *array, unsigned slot)
{
  const struct roster_member *entry = roster_occupant (&array->roster, slot);

  return entry != NULL && entry->state == MEMBER_IN_SYNC
           ? view_find_member (array, entry->id)->name
           : "(one that is no copy yet)";
}

/* The disks that a plain array is to be started with. */
static void
tell_list (struct array *array)
{
  char list[MESSAGE_MAX / 2] = "";
  size_t used = 0;

  ground_mutex_lock (&array->state_lock);
  for (unsigned slot = 0; slot < array->layout.slots && used < sizeof list;
       slot++)
    used += snprintf (list + used, sizeof list - used, " disk=%.200s",
                      name_in_sync (array, slot));
  ground_mutex_unlock (&array->state_lock);
  log_notice ("the array has no metadata, so nothing remembers its disks: start "
              "it the next time with%.500s", list);
}

static void
tell_stopped (const struct array *array, const struct member *member,
              unsigned slot, int error)
{
  const struct log_event event
    = { "RebuildStopped", EVENT_WARNING, slot, member->name };

  log_event (&event,
             "disk %.200s (slot %u): its rebuild ended early, at byte %llu of "
             "its data: %s.  Until it is rebuilt it is not read; temporary "
             "errors are retried every minute; after any other error %s",
             member->name, slot, (unsigned long long)member->recovered,
             log_strerror (error),
             array->md != NULL
               ? "it resumes at the next start"
               : "it is NOT A COPY: remove it, and add a disk again");
}

static void
tell_end (struct array *array, const struct member *member, unsigned slot,
          int error)
{
  const struct log_event finished
    = { "RebuildFinished", EVENT_INFO, slot, member->name };

  if (error == -EBUSY)
    log_notice ("disk %.200s (slot %u): has all that it missed; it is read as "
                "soon as resync has finished", member->name, slot);
  else if (error < 0)
    tell_stopped (array, member, slot, error);
  else if (atomic_load (&member->standing) == STANDING_READ) {
    log_event (&finished, "disk %.200s (slot %u): is rebuilt and in sync",
               member->name, slot);
    if (array->md == NULL)
      tell_list (array);
  }
}

/* -1: the roster has forgotten it. */
static int
slot_of (struct array *array, const struct member *member)
{
  const struct roster_member *entry;
  int slot;

  ground_mutex_lock (&array->state_lock);
  entry = roster_find (&array->roster, member->id);
  slot = entry != NULL ? entry->slot : -1;
  ground_mutex_unlock (&array->state_lock);
  return slot;
}

/* Whoever lets a member in has the turn from when we can see it until it is on
 * record.  Nothing is copied before: until then its superblock vouches for what
 * it held.
 */
static void
wait_for_record (struct array *array)
{
  if (array->md == NULL)
    return;
  metadata_begin_turn (array);
  metadata_end_turn (array);
}

int
rebuild (struct array *array, struct member *member, bool again)
{
  uint64_t from = member->recovered;
  struct rebuild rebuild = { .array = array,
                             .member = member,
                             .layout = array_get_layout (array),
                             .noted = from,
                             .noted_ns = ground_now () };
  int slot = slot_of (array, member), r;

  wait_for_record (array);
  if (slot < 0)
    return 0;
  rebuild.slot = slot;
  rebuild.holes.layout = &rebuild.layout;
  rebuild.holes.slot = slot;
  if (!again)
    tell_begin (member, slot);
  r = mark_quarantine (array, member);
  if (r == 0)
    r = job_run (&array->resync.job, &supply, &rebuild, from);
  if (r == -ECANCELED)
    return r;
  /* It failed, and people know. */
  if (r == -ENODEV && !member_is_recovering (member))
    r = 0;
  if (r == 0 && member_is_recovering (member))
    r = array->md != NULL
          ? metadata_commit_join (array, member)
          : mark_replace (array, member, slot);
  if (r == -ECANCELED)
    return r;
  /* Nobody may lack what the bitmap has set any more. */
  if (r == 0 && array->md != NULL)
    worker_wake (&array->quiet.worker);
  if (r == 0 || !again)
    tell_end (array, member, slot, r);
  return r;
}
