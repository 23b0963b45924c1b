/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata: the only writer of superblocks and bitmaps, and the order in which
 * they change.
 *
 *   intent_begin       before data:    dirty, bits               (protect)
 *   metadata_settle    before a reply: who is out                (record)
 *   intent_end         afterwards
 *
 * This is the order.  What un-protects: metadata-commit.c; what is stored:
 * superblocks.c; how: metadata-store.c.
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
#include "engine/record/testimony.h"
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
  bool dirty = metadata_state (md) != METADATA_CLEAN;
  int r = metadata_write_supers (array, dirty, &md->checkpoint);

  /* Nothing depends on it. */
  if (r == 0 && !dirty)
    testimony_store (array);
  /* It may have become dirty without a writer. */
  worker_wake (&array->quiet.worker);
  return r;
}

/* Turn held.  Unless @r says that something went wrong already: who is out goes
 * on record.
 */
int
metadata_record (struct array *array, int r)
{
  return r < 0 || array_is_recorded (array) ? r : store_members (array);
}

int
metadata_admit (struct array *array, const struct member *member)
{
  struct metadata *md = array->md;
  int r;

  request_pin_newest (md->request);
  /* It may be lost again already. */
  if (request_member (md->request, member->place) != member)
    return -ENODEV;
  md->seen |= 1u << view_slot (request_view (md->request), member);
  md->checkpoint.recovered[member->place] = member->recovered;
  ground_mutex_lock (&md->lock);
  /* It has none of them. */
  if (md->has_bitmap)
    bitmap_untake (&md->bitmap);
  ground_mutex_unlock (&md->lock);
  r = testimony_forget (array, 1u << member->place);
  if (r == 0)
    r = metadata_store_bits (array);
  if (r == 0)
    r = store_members (array);
  if (r == 0)
    metadata_store_spares (array);
  return r;
}

void
metadata_admit_spare (struct array *array, const struct member *member)
{
  metadata_store_spare_bitmap (array, member);
  metadata_store_spares (array);
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

void
metadata_try_again (struct array *array)
{
  int r;

  if (!metadata_is_active (array->md)) {
    metadata_activate (array);
    return;
  }
  metadata_begin_turn (array);
  r = metadata_store_bits (array);
  if (r == 0)
    store_members (array);
  metadata_end_turn (array);
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

bool
metadata_is_marked (struct array *array, uint64_t offset, uint64_t *length)
{
  struct metadata *md = array->md;
  bool is_marked = true;

  ground_mutex_lock (&md->lock);
  if (md->has_bitmap) {
    uint64_t region = md->bitmap.region_size;

    *length = MIN (*length, region - offset % region);
    is_marked = bitmap_is_set (&md->bitmap, offset / region);
  }
  ground_mutex_unlock (&md->lock);
  return is_marked;
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
  r = metadata_record (array, r);
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
  md->begun++;
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

uint64_t
metadata_window (struct array *array)
{
  uint64_t window;

  ground_mutex_lock (&array->md->lock);
  window = array->md->todo.window;
  ground_mutex_unlock (&array->md->lock);
  return window;
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
  r = metadata_record (array, 0);
  metadata_end_turn (array);
  return r;
}
