/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-commit: what un-protects, after the data that it vouches for was
 * flushed on every target.
 *
 *   metadata_commit_...   clean, how far copying has come, a member in sync
 *   metadata_sweep        bits that nobody needs
 *   metadata_stop         both, at the end
 *
 * A writer who needs the turn must not wait for a flush that he did not ask
 * for.  (But where a leg has no FUA what he stores is flushed, after the round
 * that is under way.)  So quiet's thread flushes first, takes the turn, and goes
 * on if nothing has changed since:
 *
 *   look, with a view | flush                | turn: the same view? stores
 *   writer  . . . . . . turn: bit, data ...  |
 *
 * Clean: and all who had begun to write had ended when it looked, and nobody
 * has begun since.  A bit that was old enough then: it is no more if somebody
 * has written there since.
 *
 * Locks held on entry: none.  May block on: the flush, the turn, then on the
 * stores.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/record/testimony.h"
#include "ground/util.h"

/* Up to where copies agree.  What is on the list no more was flushed before, so
 * this is true now.  Lock held.
 */
static uint64_t
look_at_list (const struct metadata *md)
{
  uint64_t offset, length;

  return todo_next (&md->todo, 0, md->todo.window, &offset, &length)
           ? offset / SECTOR_SIZE : SB1_CLEAN;
}

/* What the next flush will make true, of @view.  Lock held. */
static struct checkpoint
look_back (const struct metadata *md, const struct view *view)
{
  struct checkpoint checkpoint = { .resync_offset = look_at_list (md) };

  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    checkpoint.recovered[__builtin_ctz (left)]
      = view->member[__builtin_ctz (left)]->recovered;
  return checkpoint;
}

/* ------------------------------------------------------------ with the turn */

static int
flush_targets (struct metadata *md)
{
  return flush_members (md->request, request_view (md->request)->targets,
                        &md->pool);
}

/* After a flush of all that @checkpoint vouches for. */
static int
write_flushed (struct array *array, bool dirty,
               const struct checkpoint *checkpoint)
{
  int r = metadata_write_supers (array, dirty, checkpoint);

  if (r < 0)
    return r;
  array->md->checkpoint = *checkpoint;
  /* Nothing depends on it. */
  if (!dirty)
    testimony_store (array);
  metadata_store_spares (array);
  return 0;
}

/* Flush, then write what was true before. */
static int
write_after_flush (struct array *array, bool dirty,
                   const struct checkpoint *checkpoint)
{
  int r = flush_targets (array->md);

  return r == 0 ? write_flushed (array, dirty, checkpoint) : r;
}

/* @member as in sync, if nothing differs. */
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

/* What is to be said of the array now? */
static void
plan (struct metadata *md, bool *ret_dirty, struct checkpoint *ret)
{
  ground_mutex_lock (&md->lock);
  *ret_dirty = metadata_state (md) == METADATA_DIRTY;
  *ret = look_back (md, request_view (md->request));
  ground_mutex_unlock (&md->lock);
}

int
metadata_commit_checkpoint (struct array *array)
{
  struct checkpoint checkpoint;
  bool dirty;
  int r;

  metadata_begin_turn (array);
  plan (array->md, &dirty, &checkpoint);
  r = write_after_flush (array, dirty, &checkpoint);
  metadata_end_turn (array);
  return r;
}

int
metadata_commit_join (struct array *array, struct member *member)
{
  struct checkpoint checkpoint;
  bool dirty;
  int r;

  metadata_begin_turn (array);
  plan (array->md, &dirty, &checkpoint);
  r = join (array, member, dirty, &checkpoint);
  metadata_end_turn (array);
  return r;
}

static bool
is_complete (const struct array *array)
{
  request_pin_newest (array->md->request);
  return request_view (array->md->request)->is_complete;
}

/* ------------------------------------------------- flushed without the turn */

/* What a flush vouches for: all that was written before, on the targets of a
 * view.
 */
struct flushed {
  uint64_t view;  /* its number */
  uint64_t begun; /* md->begun: who has begun later is not covered, */
  bool was_quiet; /* and all others had ended */
  struct checkpoint checkpoint;
};

static bool
is_quiet (const struct metadata *md)
{
  return metadata_state (md) == METADATA_DIRTY && md->writers == 0;
}

/* What is true, then a flush; @if_quiet: or none, if it was not quiet then.  0
 * or -errno.
 */
static int
flush_outside (struct array *array, bool if_quiet, struct flushed *ret)
{
  struct metadata *md = array->md;
  struct request *request;
  const struct view *view;
  int r = request_begin (&md->flushers, &request);

  /* One descriptor for one thread; nobody closes them. */
  assert (r == 0);
  view = request_view (request);
  ret->view = view->number;
  ground_mutex_lock (&md->lock);
  ret->begun = md->begun;
  ret->was_quiet = is_quiet (md);
  ret->checkpoint = look_back (md, view);
  ground_mutex_unlock (&md->lock);
  if (ret->was_quiet || !if_quiet)
    r = flush_members (request, view->targets, &md->flush_pool);
  request_end (&md->flushers, request);
  return r;
}

/* Turn held.  Are all targets of now flushed? */
static bool
is_view_flushed (const struct array *array, const struct flushed *flushed)
{
  request_pin_newest (array->md->request);
  return request_view (array->md->request)->number == flushed->view;
}

/* Turn held.  Who begins to write from now on waits for the turn, to say dirty.
 * Resync may have come further since the flush, and have said so.
 */
static bool
begin_clean (struct array *array, struct flushed *flushed)
{
  struct metadata *md = array->md;
  bool is_due = is_view_flushed (array, flushed);

  ground_mutex_lock (&md->lock);
  is_due = is_due && is_quiet (md) && md->begun == flushed->begun;
  if (is_due)
    atomic_store (&md->state, METADATA_MIXED);
  flushed->checkpoint.resync_offset = look_at_list (md);
  ground_mutex_unlock (&md->lock);
  return is_due;
}

int
metadata_commit_clean (struct array *array)
{
  struct flushed flushed;
  int r = flush_outside (array, true, &flushed);

  if (!flushed.was_quiet)
    return -EBUSY;
  metadata_begin_turn (array);
  /* Also if the flush failed: it is not tried again before the next write. */
  if (!begin_clean (array, &flushed))
    r = -EBUSY;
  else if (r == 0)
    r = write_flushed (array, false, &flushed.checkpoint);
  metadata_end_turn (array);
  return r;
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

/* Turn held; all that was written before bitmap_age is on stable storage
 * everywhere.  0, whether bits could be cleared or not, or -errno.
 */
static int
clear_bits (struct array *array)
{
  struct metadata *md = array->md;
  uint64_t cleared;
  int r = 0;

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

/* Is there something to clear now, that a period is over? */
static bool
age (struct array *array)
{
  struct metadata *md = array->md;
  bool is_clearable;

  ground_mutex_lock (&md->lock);
  if (md->has_bitmap)
    bitmap_age (&md->bitmap, hot_regions (array));
  is_clearable = md->has_bitmap
                 && bitmap_is_clearable (&md->bitmap, keeps_bit, array);
  ground_mutex_unlock (&md->lock);
  return is_clearable;
}

/* Turn held.  Bits that were found on some member are on all of them before any
 * is cleared, and before who has left is on record.
 */
static void
sweep (struct array *array, const struct flushed *flushed)
{
  struct metadata *md = array->md;
  int r = 0;

  /* There may be none now. */
  if (!md->has_bitmap)
    return;
  if (!md->bits_stored)
    r = metadata_store_bits (array);
  if (r == 0 && is_view_flushed (array, flushed) && is_complete (array))
    r = clear_bits (array);
  metadata_record (array, r);
}

void
metadata_sweep (struct array *array)
{
  struct flushed flushed;

  if (!view_look (array).is_complete || !age (array)
      || flush_outside (array, false, &flushed) < 0)
    return;
  metadata_begin_turn (array);
  sweep (array, &flushed);
  metadata_end_turn (array);
}

/* At the stop: all bits that nobody needs. */
static int
clear_all_bits (struct array *array)
{
  struct metadata *md = array->md;
  bool is_clearable;
  int r;

  ground_mutex_lock (&md->lock);
  bitmap_age_at_once (&md->bitmap);
  is_clearable = bitmap_is_clearable (&md->bitmap, keeps_bit, array);
  ground_mutex_unlock (&md->lock);
  if (!is_clearable)
    return 0;
  r = flush_targets (md);
  return r == 0 && is_complete (array) ? clear_bits (array) : r;
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
  checkpoint = look_back (md, request_view (md->request));
  ground_mutex_unlock (&md->lock);
  if (md->has_bitmap && is_complete (array))
    r = clear_all_bits (array);
  if (r == 0 && !is_at_rest (array, &checkpoint))
    r = write_after_flush (array, false, &checkpoint);
  if (r == 0)
    metadata_store_spares (array);
  metadata_end_turn (array);
  return r;
}
