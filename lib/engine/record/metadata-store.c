/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-store: one change of the metadata, on all targets.
 *
 * A member that cannot store its metadata is out, and that goes on record
 * with the others: metadata_write_supers goes round until all who are left
 * have stored the same.
 *
 * Locks held on entry: the turn.  May block on: the metadata's children, flush
 * rounds, the disks.
 */
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/record/superblocks.h"
#include "ground/log.h"
#include "ground/util.h"

/* A part of the bitmap's area, out of the staging memory. */
struct area {
  uint64_t from, length;
};

static void
send (struct array *array, unsigned slot, const void *buffer, uint64_t length,
      uint64_t offset)
{
  const struct leg_caps *caps = &array->member[slot].leg->caps;
  struct child what = { .op = CHILD_WRITE,
                        .flags = caps->fua ? CHILD_FUA : 0 };

  for (uint64_t at = 0; at < length; at += what.length) {
    what.buffer = (char *)buffer + at;
    what.offset = offset + at;
    what.length = MIN (length - at, (uint64_t)caps->request_max);
    request_issue_raw (array->md->requests.items, slot, &what);
  }
}

/* @area, or, if that is NULL, each one's superblock; to all of @slots, and wait
 * for them.
 */
static void
send_to (struct array *array, uint32_t slots, const struct area *area)
{
  struct metadata *md = array->md;

  for (uint32_t left = slots; left != 0; left &= left - 1) {
    unsigned slot = __builtin_ctz (left);
    const struct member_super *super = &md->super[slot];
    unsigned block
      = MAX (array->member[slot].leg->caps.block_minimum, SECTOR_SIZE);

    if (area != NULL)
      send (array, slot, md->staging + area->from, area->length,
            bitmap_offset_bytes (&super->sb) + area->from);
    else
      send (array, slot, super->block, sb1_written_bytes (&super->sb, block),
            super->sb.super_offset * SECTOR_SIZE);
  }
  request_finish (md->requests.items);
}

/* The metadata could not be stored on one of @slots, which stay: said, with
 * pauses.
 */
static int
tell (struct array *array, uint32_t slots, int error)
{
  unsigned slot = __builtin_ctz (slots);

  log_error_repeats (&array->md->told_store, ground_now (), error,
                     "disk %.200s (slot %u): its metadata cannot be written: "
                     "%s.  The disk stays, so writes of clients get this error "
                     "until it can", array->member[slot].leg->name, slot,
                     log_strerror (error));
  return error;
}

/* Everybody has answered.  Who could not store what another one stored is out;
 * where no copy of some data could, none is worse than the others.  What was
 * stored is on stable storage when this returns 0.
 */
static int
settle_store (struct array *array, uint32_t excused)
{
  struct request *request = array->md->requests.items;
  uint32_t stored = request->asked & ~request->failed, stays;
  int r;

  r = failure_settle (request, "writing its metadata", excused);
  r = flush_fua_settle (request, r);
  stays = request->failed & array_targets (array);
  if (r < 0)
    return tell (array, stays != 0 ? stays : request->failed | stored, r);
  r = flush_where_no_fua (request, stored & array_targets (array),
                          &array->md->pool);
  return r < 0 ? tell (array, stored, r) : 0;
}

static uint32_t
excused (struct array *array)
{
  return failure_excused (array, array->md->requests.items->failed);
}

/* Turn held. */
static int
store (struct array *array, uint32_t slots, const struct area *area)
{
  struct request *request = array->md->requests.items;
  uint32_t again;

  flush_fua_begin (request);
  request_arm (request, &array->md->pool);
  send_to (array, slots, area);
  again = failure_again (request, excused (array), array_with_fua (array));
  if (again != 0) {
    request_arm_repeat (request, &array->md->pool, again);
    send_to (array, again, area);
  }
  return settle_store (array, excused (array));
}

static int
store_superblocks (struct array *array, uint32_t slots)
{
  struct metadata *md = array->md;
  int r = store (array, slots, NULL);

  for (uint32_t left = slots & array_targets (array); r == 0 && left != 0;
       left &= left - 1)
    md->super[__builtin_ctz (left)].stored = md->truth.events;
  return r;
}

/* The bitmap's own superblock, with the bits that share its block. */
static int
store_head (struct array *array, uint32_t slots)
{
  struct metadata *md = array->md;
  uint64_t length = array->leg_block;

  if (!md->has_bitmap)
    return 0;
  ground_mutex_lock (&md->lock);
  memcpy (md->staging, md->bitmap.image, length);
  ground_mutex_unlock (&md->lock);
  return store (array, slots, &(struct area){ 0, length });
}

/* Once: the superblocks of all targets with one new event count. */
static int
store_update (struct array *array, uint32_t slots, bool dirty,
              const struct checkpoint *checkpoint)
{
  uint32_t rebuilt = slots & ~array_in_sync (array);
  const struct sb1 before = array->md->truth;
  int r;

  superblocks_next (array, slots, dirty, checkpoint);
  /* The bitmap is never older than the superblock that vouches for it. */
  r = store_head (array, slots);
  /* Whoever is being rebuilt says so before anybody lists it: one that is
   * listed and has nothing to say against it would be believed, even if it
   * had a history of its own.
   */
  if (r == 0 && rebuilt != 0)
    r = store_superblocks (array, rebuilt);
  if (r < 0 || (rebuilt & ~array_targets (array)) != 0) {
    /* Nobody else knows of this update: there was none. */
    array->md->truth = before;
    return r;
  }
  return store_superblocks (array, slots & ~rebuilt);
}

/* A crash may have left some of the current ones one update behind: they get
 * the last one first, lest another crash leaves them two behind.
 */
static int
store_missed (struct array *array)
{
  struct metadata *md = array->md;
  uint32_t behind = 0;
  int r;

  for (uint32_t left = array_targets (array); left != 0; left &= left - 1) {
    unsigned slot = __builtin_ctz (left);

    if (md->super[slot].stored < md->truth.events)
      behind |= 1u << slot;
  }
  if (behind == 0)
    return 0;
  superblocks_again (array, behind);
  r = store_head (array, behind);
  return r == 0 ? store_superblocks (array, behind) : r;
}

/* How many updates in a row, so that whoever is not among @slots is two events
 * behind: some kernels believe a member that is one behind, whatever others
 * say.  One that was missing at the start may have more than we have found,
 * by an update that reached it alone before a crash.
 */
static unsigned
updates_wanted (const struct array *array, uint32_t slots)
{
  const struct metadata *md = array->md;

  if (!atomic_load (&md->is_active) && (array->all & ~md->began_with) != 0)
    return 3;
  return superblocks_roles_change (array, slots) ? 2 : 1;
}

int
metadata_write_supers (struct array *array, bool dirty,
                   const struct checkpoint *checkpoint)
{
  struct metadata *md = array->md;
  uint32_t slots;
  int r;

  assert (md->bits_stored || !md->has_bitmap);
  md->at_rest = false;
  r = store_missed (array);
  if (r < 0)
    return r;

  do {
    unsigned updates;

    slots = array_targets (array);
    updates = updates_wanted (array, slots);
    /* Whoever is gone may be what resync has copied from: the copies that
     * count alone from now on have to last.  One that stays although it
     * cannot be flushed is all there is.
     */
    if (updates > 1)
      flush_members (md->requests.items, slots, &md->pool);
    for (r = 0; r == 0 && updates > 0 && array_targets (array) == slots;
         updates--)
      r = store_update (array, slots, dirty, checkpoint);
    if (r < 0)
      return r;
  } while (array_targets (array) != slots);

  md->at_rest = !dirty;
  atomic_store (&md->is_active, true);
  atomic_store (&md->recorded_out, array->all & ~slots);
  ground_mutex_lock (&md->lock);
  md->dirty = dirty;
  ground_mutex_unlock (&md->lock);
  return 0;
}

int
metadata_store_bits (struct array *array)
{
  struct metadata *md = array->md;
  uint64_t first, count, covers, from, end;
  int r = 0;

  if (!md->has_bitmap)
    return 0;
  ground_mutex_lock (&md->lock);
  covers = bitmap_take (&md->bitmap, md->staging, &first, &count);
  ground_mutex_unlock (&md->lock);
  if (count > 0) {
    /* The last page ends with the last block that has bits. */
    from = first * BITMAP_PAGE_SIZE;
    end = MIN (from + count * BITMAP_PAGE_SIZE, md->area_used);
    r = store (array, array_targets (array),
               &(struct area){ from, end - from });
  }
  ground_mutex_lock (&md->lock);
  if (r < 0)
    bitmap_untake (&md->bitmap);
  else
    md->stored_sets = covers;
  ground_mutex_unlock (&md->lock);
  if (r == 0) {
    /* Before, a part of it could have been taken for all of it. */
    md->head.state
      &= ~(uint32_t)(BITMAP_STATE_STALE | BITMAP_STATE_WRITE_ERROR);
    md->bits_stored = true;
  }
  return r;
}

int
metadata_store_head (struct array *array)
{
  struct metadata *md = array->md;

  ground_mutex_lock (&md->lock);
  bitmap_encode (&md->head, md->bitmap.image);
  ground_mutex_unlock (&md->lock);
  return store_head (array, array_targets (array));
}
