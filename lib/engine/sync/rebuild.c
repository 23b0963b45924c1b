/* SPDX-License-Identifier: BSD-3-Clause */
/* rebuild: a member that missed writes gets what it lacks.
 *
 * From its beginning or its checkpoint on, in its own order, wholly or only
 * what the bitmap has set.  It gets every write of clients meanwhile, and no
 * reads; how far it has come is written into its superblock now and then.
 *
 * Locks held on entry: none.  May block on, in this order: the range lock,
 * resync_copy, the turn.
 */

#include <errno.h>

#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "engine/sync/resync.h"
#include "ground/log.h"
#include "ground/util.h"

/* Does the bitmap say that some of it was missed? */
static bool
is_marked (struct array *array, uint64_t offset, uint64_t length)
{
  struct metadata *md = array->md;
  uint64_t region = md->bitmap.region_size;
  bool marked = false;

  ground_mutex_lock (&md->lock);
  for (uint64_t i = offset / region; i <= (offset + length - 1) / region; i++)
    marked |= bitmap_is_set (&md->bitmap, i);
  ground_mutex_unlock (&md->lock);
  return marked;
}

/* Does this part of @slot have to be copied?  Its place in the array. */
static bool
is_missed (struct array *array, unsigned slot, uint64_t at,
           uint64_t *ret_offset, uint64_t *ret_length)
{
  struct metadata *md = array->md;
  const struct layout *layout = &array->layout;
  uint64_t step = layout->chunk == 0 ? SYNC_SPAN
                                     : layout->chunk - at % layout->chunk;
  uint64_t region;

  step = MIN (step, (uint64_t)SYNC_SPAN);
  step = MIN (step, layout->member_size - at);
  *ret_length = step;
  if (!layout_unmap (layout, slot, at, ret_offset))
    return false;
  *ret_length = layout_piece (layout, *ret_offset,
                              MIN (step, layout->array_size - *ret_offset));
  if (!(md->by_bitmap & 1u << slot))
    return true;
  /* Region by region; but some may be smaller than a disk's block. */
  region = MAX (md->bitmap.region_size, (uint64_t)array->leg_block);
  *ret_length = MIN (*ret_length, region - *ret_offset % region);
  return is_marked (array, *ret_offset, *ret_length);
}

static bool
is_recovering (struct array *array, unsigned slot)
{
  return array_targets (array) & ~array_in_sync (array) & 1u << slot;
}

static int
rebuild_span (struct array *array, unsigned slot, uint64_t offset,
              uint64_t length)
{
  struct request *request = array->resync.requests.items;
  struct pace pace;
  int r;

  pace_begin (array, &pace);
  range_lock (&array->ranges, &request->range, offset, length);
  r = resync_copy (request, offset, length, 1u << slot, false);
  range_unlock (&array->ranges, &request->range);
  pace_end (array, &pace, length);
  return r;
}

/* How far the rebuild has come is written down now and then, so that it goes
 * on from there.
 */
static void
note_recovered (struct array *array, unsigned slot, uint64_t at,
                uint64_t *noted, uint64_t *noted_ns)
{
  struct metadata *md = array->md;
  uint64_t part = array->layout.member_size / SYNC_CHECKPOINT_PARTS;

  ground_mutex_lock (&md->lock);
  md->recovered[slot] = at;
  ground_mutex_unlock (&md->lock);
  if (at - *noted < part
      && ground_now () - *noted_ns < SYNC_CHECKPOINT_S * GROUND_S)
    return;
  metadata_checkpoint (array);
  *noted = at;
  *noted_ns = ground_now ();
}

static void
tell_begin (const struct array *array, unsigned slot)
{
  log_notice ("disk %.200s (slot %u): is being rebuilt, %s%s",
              array->member[slot].leg->name, slot,
              array->md->by_bitmap & 1u << slot
                ? "only what it missed" : "all of it",
              array->md->recovered[slot] > 0 ? ", from where it was stopped"
                                             : "");
}

static void
tell_end (struct array *array, unsigned slot, uint64_t at, int error)
{
  const char *name = array->member[slot].leg->name;

  if (error == -EBUSY)
    log_notice ("disk %.200s (slot %u): has all that it missed, and is read as "
                "soon as what differs elsewhere is brought together", name,
                slot);
  else if (error < 0)
    log_error ("disk %.200s (slot %u): its rebuild ended early, at byte %llu "
               "of its data: %s.  Until it is rebuilt it is not read; an error "
               "that may pass is tried again every minute, others at the next "
               "start", name, slot, (unsigned long long)at,
               log_strerror (error));
  else if (array_in_sync (array) & 1u << slot)
    log_notice ("disk %.200s (slot %u): is rebuilt and in sync", name, slot);
}

int
rebuild (struct array *array, unsigned slot, bool again)
{
  uint64_t at = array->md->recovered[slot], noted = at;
  uint64_t noted_ns = ground_now (), offset, length;
  int r = 0;

  if (!again)
    tell_begin (array, slot);
  while (at < array->layout.member_size && is_recovering (array, slot)) {
    if (worker_is_stopping (&array->resync.worker))
      return 0;
    if (is_missed (array, slot, at, &offset, &length))
      r = rebuild_span (array, slot, offset, length);
    if (r < 0)
      break;
    at += length;
    note_recovered (array, slot, at, &noted, &noted_ns);
  }
  if (r == 0 && is_recovering (array, slot))
    r = metadata_join (array, slot);
  if (r == 0 || !again)
    tell_end (array, slot, at, r);
  return r;
}
