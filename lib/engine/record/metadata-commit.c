/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-commit: what un-protects, after the data that it vouches for was
 * flushed on every target.
 *
 *   metadata_commit    clean, how far copying has come, a member in sync
 *   metadata_sweep     bits that nobody needs
 *   metadata_stop      both, at the end
 *
 * Locks held on entry: none.  May block on: the turn, then on the stores.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/record/testimony.h"
#include "ground/util.h"

static int
flush_targets (struct metadata *md)
{
  return flush_members (md->request, request_view (md->request)->targets,
                        &md->pool);
}

/* What the next flush will make true.  Lock held. */
static struct checkpoint
look_back (const struct array *array)
{
  const struct metadata *md = array->md;
  const struct view *view = request_view (md->request);
  struct checkpoint checkpoint = { .resync_offset = SB1_CLEAN };
  uint64_t offset, length;

  if (todo_next (&md->todo, 0, md->todo.window, &offset, &length))
    checkpoint.resync_offset = offset / SECTOR_SIZE;
  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    checkpoint.recovered[__builtin_ctz (left)]
      = view->member[__builtin_ctz (left)]->recovered;
  return checkpoint;
}

/* Flush, then write what was true before.  Turn held. */
static int
write_after_flush (struct array *array, bool dirty,
                   const struct checkpoint *checkpoint)
{
  struct metadata *md = array->md;
  int r = flush_targets (md);

  if (r == 0)
    r = metadata_write_supers (array, dirty, checkpoint);
  if (r < 0)
    return r;
  md->checkpoint = *checkpoint;
  /* Nothing depends on it. */
  if (!dirty)
    testimony_store (array);
  metadata_store_spares (array);
  return 0;
}

/* Turn held.  @member as in sync, if nothing differs. */
static int
join (struct array *array, struct member *member, bool dirty,
      const struct checkpoint *checkpoint)
{
  struct metadata *md = array->md;
  int r;

  if (atomic_load (&md->todo_left) > 0)
    return -EBUSY;
  md->joining = member;
  r = write_after_flush (array, dirty, checkpoint);
  md->joining = NULL;
  /* A write that failed meanwhile may have left other data on this one, which
   * must not become the copy that counts.
   */
  if (r == 0 && atomic_load (&md->todo_left) > 0) {
    r = metadata_write_supers (array, true, checkpoint);
    r = r < 0 ? r : -EBUSY;
  }
  /* It is on record: from now on it is read, and whom it replaces is out. */
  if (r == 0 && !failure_recovered (array, member))
    r = -EIO;
  return metadata_record (array, r);
}

/* Turn held.  What is to be said of the array?  False: nothing. */
static bool
plan (struct array *array, enum metadata_commit what, bool *ret_dirty,
      struct checkpoint *ret)
{
  struct metadata *md = array->md;
  bool is_due = true;

  ground_mutex_lock (&md->lock);
  *ret_dirty = metadata_state (md) == METADATA_DIRTY;
  if (what == METADATA_COMMIT_CLEAN) {
    is_due = *ret_dirty && md->writers == 0;
    /* Who begins to write from now on waits for the turn, to say dirty. */
    if (is_due)
      atomic_store (&md->state, METADATA_MIXED);
    *ret_dirty = false;
  }
  *ret = look_back (array);
  ground_mutex_unlock (&md->lock);
  return is_due;
}

int
metadata_commit (struct array *array, enum metadata_commit what,
                 struct member *member)
{
  struct checkpoint checkpoint;
  bool dirty;
  int r = -EBUSY;

  assert ((member != NULL) == (what == METADATA_COMMIT_JOIN));
  metadata_begin_turn (array);
  if (plan (array, what, &dirty, &checkpoint))
    r = what == METADATA_COMMIT_JOIN
          ? join (array, member, dirty, &checkpoint)
          : write_after_flush (array, dirty, &checkpoint);
  metadata_end_turn (array);
  return r;
}

/* Turn held. */
static bool
is_complete (const struct array *array)
{
  request_pin_newest (array->md->request);
  return request_view (array->md->request)->is_complete;
}

/* A region that is to be brought together keeps its bit. */
static bool
keeps_bit (void *opaque, uint64_t offset, uint64_t length)
{
  const struct array *array = opaque;

  return todo_touches (&array->md->todo, offset, length);
}

/* How many bits may stay: a resync of them would take quiet.budget_s.  None when
 * nobody has written anything for as long as a bit needs to be cleared: then all
 * is to be clean.  Lock held.
 */
static uint64_t
hot_regions (const struct array *array)
{
  const struct metadata *md = array->md;
  const struct quiet *quiet = &array->quiet;
  uint64_t bytes = atomic_load (&quiet->speed) * quiet->budget_s;

  if (md->writers == 0
      && ground_now () - md->last_write_ns >= 2 * quiet->sweep_ns)
    return 0;
  return bytes / md->bitmap.region_size;
}

/* Turn held.  0, whether bits could be cleared or not, or -errno. */
static int
clear_bits (struct array *array, bool at_once)
{
  struct metadata *md = array->md;
  bool is_clearable;
  uint64_t cleared;
  int r;

  ground_mutex_lock (&md->lock);
  if (at_once)
    bitmap_age_at_once (&md->bitmap);
  else
    bitmap_age (&md->bitmap, hot_regions (array));
  is_clearable = bitmap_is_clearable (&md->bitmap, keeps_bit, array);
  ground_mutex_unlock (&md->lock);
  if (!is_clearable)
    return 0;
  r = flush_targets (md);
  if (r < 0 || !is_complete (array))
    return r;

  /* An image of a member of before may lack what loses its bit now; it must not
   * have the number below.
   */
  if (metadata_state (md) != METADATA_CLEAN)
    r = metadata_write_supers (array, true, &md->checkpoint);
  if (r < 0 || !is_complete (array))
    return r;

  /* Where no bit is the evidence has to be right. */
  r = testimony_store (array);
  if (r < 0 || !is_complete (array))
    return r;

  /* Who leaves later is told by this number that bits up to here are gone;
   * it is there before they are.
   */
  md->head.events_cleared = md->truth.events;
  r = metadata_store_head (array);
  if (r < 0 || !is_complete (array))
    return r;

  ground_mutex_lock (&md->lock);
  cleared = bitmap_clear_aged (&md->bitmap, keeps_bit, array);
  ground_mutex_unlock (&md->lock);
  return cleared == 0 ? 0 : metadata_store_bits (array);
}

void
metadata_sweep (struct array *array)
{
  struct metadata *md = array->md;
  int r = 0;

  metadata_begin_turn (array);
  if (md->has_bitmap && is_complete (array)) {
    if (!md->bits_stored)
      r = metadata_store_bits (array);
    if (r == 0)
      r = clear_bits (array, false);
    metadata_record (array, r);
  }
  metadata_end_turn (array);
}

/* Is there nothing new to write down? */
static bool
is_at_rest (const struct array *array, const struct checkpoint *checkpoint)
{
  const struct metadata *md = array->md;

  return metadata_state (md) == METADATA_CLEAN && array_is_recorded (array)
         && memcmp (checkpoint, &md->checkpoint, sizeof *checkpoint) == 0;
}

int
metadata_stop (struct array *array)
{
  struct metadata *md = array->md;
  struct checkpoint checkpoint;
  int r = 0;

  if (!metadata_is_active (md))
    return 0;
  metadata_begin_turn (array);
  ground_mutex_lock (&md->lock);
  assert (md->writers == 0);
  checkpoint = look_back (array);
  ground_mutex_unlock (&md->lock);
  if (md->has_bitmap && is_complete (array))
    r = clear_bits (array, true);
  if (r == 0 && !is_at_rest (array, &checkpoint))
    r = write_after_flush (array, false, &checkpoint);
  if (r == 0)
    metadata_store_spares (array);
  metadata_end_turn (array);
  return r;
}
