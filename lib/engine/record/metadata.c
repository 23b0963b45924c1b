/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata: the only writer of superblocks and bitmaps, and the order in which
 * they change.
 *
 *   intent_begin       before data:    dirty, bits               (protect)
 *   metadata_settle    before a reply: who is out                (record)
 *   intent_end         afterwards
 *   metadata_commit, _sweep, _stop                               (un-protect)
 *
 * This is the order.  What is stored: superblocks.c; how: metadata-store.c.
 *
 * Locks held on entry: none; metadata_* wait for the turn.  May block on: the
 * turn, then on the stores.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "engine/record/superblocks.h"
#include "ground/util.h"

void
metadata_assert (const struct metadata *md)
{
  enum metadata_state state = metadata_state (md);

  assert (state <= METADATA_CLEAN);
  /* Dirty without bits would bring nothing together. */
  assert (state == METADATA_UNTOUCHED || !md->has_bitmap || md->bits_stored);
  assert (!md->has_bitmap || md->stored_sets <= md->bitmap.sets);
  assert (md->joining == NULL || md->busy);
  /* Who is on record as out: nobody before the first store. */
  assert (state != METADATA_UNTOUCHED || atomic_load (&md->recorded) == 0);
}

/* ---------------------------------------------------------------- the turn */

/* Lock held; it is released meanwhile.  Woken by whoever has the turn; each
 * of its children has a deadline.
 */
static void
wait_for_turn (struct metadata *md)
{
  ground_cond_wait (&md->over, &md->lock, GROUND_NEVER);
}

/* It is ours. */
static void
begin_turn (struct metadata *md)
{
  int r = request_begin (&md->requests, &md->request);

  /* One descriptor for one turn; nobody closes them. */
  assert (r == 0);
}

void
metadata_begin_turn (struct array *array)
{
  struct metadata *md = array->md;

  ground_mutex_lock (&md->lock);
  while (md->busy)
    wait_for_turn (md);
  md->busy = true;
  metadata_assert (md);
  ground_mutex_unlock (&md->lock);
  begin_turn (md);
}

void
metadata_end_turn (struct array *array)
{
  struct metadata *md = array->md;

  request_end (&md->requests, md->request);
  ground_mutex_lock (&md->lock);
  assert (md->busy);
  metadata_assert (md);
  md->busy = false;
  ground_cond_broadcast (&md->over);
  ground_mutex_unlock (&md->lock);
}

/* ---------------------------------------------------------------- record */

/* Turn held.  The members of now go on record, in superblocks that say clean
 * only if they say so now.  A commit that failed has left them in between.
 */
static int
store_members (struct array *array)
{
  struct metadata *md = array->md;
  int r = metadata_write_supers (array, metadata_state (md) != METADATA_CLEAN,
                                 &md->checkpoint);

  /* It may have become dirty without a writer. */
  worker_wake (&array->quiet.worker);
  return r;
}

/* Turn held.  Unless @r says that something went wrong already: who is out goes
 * on record.
 */
static int
record (struct array *array, int r)
{
  return r < 0 || array_is_recorded (array) ? r : store_members (array);
}

int
metadata_admit (struct array *array, const struct member *member)
{
  struct metadata *md = array->md;
  int r;

  request_pin_newest (md->request);
  md->seen |= 1u << view_slot (request_view (md->request), member);
  md->checkpoint.recovered[member->place] = member->recovered;
  ground_mutex_lock (&md->lock);
  /* It has none of them. */
  if (md->has_bitmap)
    bitmap_untake (&md->bitmap);
  ground_mutex_unlock (&md->lock);
  r = metadata_store_bits (array);
  return r < 0 ? r : store_members (array);
}

int
metadata_store_now (struct array *array)
{
  int r;

  metadata_begin_turn (array);
  r = store_members (array);
  metadata_end_turn (array);
  return r;
}

uint64_t
metadata_marked (struct array *array)
{
  struct metadata *md = array->md;
  uint64_t regions;

  if (!md->has_bitmap)
    return 0;
  ground_mutex_lock (&md->lock);
  regions = bitmap_count_set (&md->bitmap);
  ground_mutex_unlock (&md->lock);
  return MIN (regions * md->bitmap.region_size, md->bitmap.size);
}

/* ---------------------------------------------------------------- protect */

/* Lock held. */
static bool
is_protected (const struct metadata *md, uint64_t sequence)
{
  return metadata_state (md) == METADATA_DIRTY && md->stored_sets >= sequence;
}

/* Dirty, and everything up to @sequence stored. */
static int
protect (struct array *array, uint64_t sequence)
{
  struct metadata *md = array->md;
  bool dirty;
  int r = 0;

  ground_mutex_lock (&md->lock);
  while (md->busy && !is_protected (md, sequence))
    wait_for_turn (md);
  dirty = metadata_state (md) == METADATA_DIRTY;
  if (is_protected (md, sequence)) {
    ground_mutex_unlock (&md->lock);
    return 0;
  }
  md->busy = true;
  ground_mutex_unlock (&md->lock);
  begin_turn (md);

  /* The bits first: dirty without them would bring nothing together. */
  r = metadata_store_bits (array);
  if (r == 0 && !dirty)
    r = metadata_write_supers (array, true, NULL);
  r = record (array, r);
  metadata_end_turn (array);
  return r;
}

int
intent_begin (struct array *array, uint64_t offset, uint64_t length)
{
  struct metadata *md = array->md;
  uint64_t sequence = 0;
  bool stored;

  if (md == NULL)
    return 0;
  ground_mutex_lock (&md->lock);
  md->writers++;
  if (md->has_bitmap) {
    bool counted = bitmap_begin (&md->bitmap, offset, length, &sequence);

    /* There are fewer request descriptors than that. */
    assert (counted);
  }
  metadata_assert (md);
  stored = is_protected (md, sequence);
  ground_mutex_unlock (&md->lock);
  return stored ? 0 : protect (array, sequence);
}

void
intent_end (struct array *array, uint64_t offset, uint64_t length, bool differ)
{
  struct metadata *md = array->md;
  bool wake;

  if (md == NULL)
    return;
  ground_mutex_lock (&md->lock);
  if (differ)
    todo_add (&md->todo, offset, length);
  metadata_publish (md);
  if (md->has_bitmap)
    bitmap_end (&md->bitmap, offset, length);
  assert (md->writers > 0);
  metadata_assert (md);
  md->writers--;
  md->last_write_ns = ground_now ();
  wake = (md->wakes_at_zero && md->writers == 0)
         || (md->wakes_at_settled && md->bitmap.settled > 0);
  if (wake)
    md->wakes_at_zero = md->wakes_at_settled = false;
  ground_mutex_unlock (&md->lock);
  if (wake)
    worker_wake (&array->quiet.worker);
  if (differ)
    worker_wake (&array->resync.worker);
}

bool
metadata_may_differ (struct array *array, uint64_t offset, uint64_t length)
{
  struct metadata *md = array->md;
  bool differs;

  if (md == NULL || atomic_load (&md->todo_left) == 0)
    return false;
  ground_mutex_lock (&md->lock);
  differs = todo_touches (&md->todo, offset, length);
  ground_mutex_unlock (&md->lock);
  return differs;
}

void
metadata_publish (struct metadata *md)
{
  atomic_store (&md->todo_left, md->todo.left * md->todo.window);
}

int
metadata_activate (struct array *array)
{
  struct metadata *md = array->md;
  int r;

  /* Then everybody who is missing is on record, and what may differ has been
   * marked all the time.
   */
  if (metadata_is_active (md))
    return 0;
  r = protect (array, 0);
  /* Nobody ends a write that would make it clean again. */
  ground_mutex_lock (&md->lock);
  md->last_write_ns = ground_now ();
  md->wakes_at_zero = false;
  ground_mutex_unlock (&md->lock);
  worker_wake (&array->quiet.worker);
  return r;
}

int
metadata_settle (struct array *array)
{
  struct metadata *md = array->md;
  int r;

  if (md == NULL || array_is_recorded (array))
    return 0;
  /* Nothing was written yet, and what was written before is on stable storage
   * everywhere: nobody has missed anything.  (After a crash a flush vouches
   * for that, too; not one of a client that may only read.)
   */
  if (!metadata_is_active (md)) {
    if (!md->found_dirty || !atomic_load (&array->may_write))
      return 0;
    /* The first store of this run begins with the bits, as before a write. */
    r = metadata_activate (array);
    if (r < 0)
      return r;
  }
  metadata_begin_turn (array);
  r = record (array, 0);
  metadata_end_turn (array);
  return r;
}

/* ------------------------------------------------------------- un-protect */

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
  if (r == 0)
    md->checkpoint = *checkpoint;
  return r;
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
  return record (array, r);
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

/* Turn held.  0, whether bits could be cleared or not, or -errno. */
static int
clear_bits (struct array *array, bool at_once)
{
  struct metadata *md = array->md;
  bool is_clearable;
  uint64_t cleared;
  int r;

  ground_mutex_lock (&md->lock);
  bitmap_age (&md->bitmap, at_once);
  is_clearable = bitmap_is_clearable (&md->bitmap, keeps_bit, array);
  ground_mutex_unlock (&md->lock);
  if (!is_clearable)
    return 0;
  r = flush_targets (md);
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
  if (is_complete (array)) {
    if (!md->bits_stored)
      r = metadata_store_bits (array);
    if (r == 0)
      r = clear_bits (array, false);
    record (array, r);
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
  metadata_end_turn (array);
  return r;
}
