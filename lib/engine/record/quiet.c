/* SPDX-License-Identifier: BSD-3-Clause */
/* quiet: what an md array does when nobody writes: clean, and bits cleared.
 *
 * One thread.  It looks at the array when somebody woke it, and by the clock
 * only as long as there is something to come:
 *
 *   dirty, no writers           clean, quiet_ns after the last write; but while
 *                               bits can be cleared only once there are none: a
 *                               crash costs what they say, whatever the
 *                               superblocks do, and a write now and then need
 *                               not store "dirty" each time
 *   dirty, writers              the last of them wakes us
 *   a leg said that it is gone  on record, at once
 *   bits without writers        a sweep every sweep_ns
 *   a state file could not be   once more, every STATE_RETRY_S
 *   written
 *   else                        the last of the next writers wakes us
 *
 * Locks held on entry: none.  May block on: the turn, the disks.
 */
#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "engine/record/quiet.h"
#include "ground/limits.h"
#include "ground/util.h"

void
quiet_init (struct quiet *quiet)
{
  worker_init (&quiet->worker);
  atomic_init (&quiet->somebody_left, false);
  atomic_init (&quiet->speed, 0);
}

void
quiet_destroy (struct quiet *quiet)
{
  worker_destroy (&quiet->worker);
}

/* When is there something to be done?  GROUND_NEVER: whoever makes it so will
 * wake us.
 */
static void
plan (struct array *array, uint64_t *clean_at, uint64_t *sweep_at,
      uint64_t *again_at)
{
  struct metadata *md = array->md;
  bool has_bits;

  ground_mutex_lock (&md->lock);
  has_bits = md->has_bitmap && md->bitmap.settled > 0
             && view_look (array).is_complete;
  *clean_at = metadata_state (md) == METADATA_DIRTY && md->writers == 0
                && !has_bits
                ? md->last_write_ns + array->quiet.quiet_ns
                : GROUND_NEVER;
  if (*sweep_at == GROUND_NEVER && has_bits)
    *sweep_at = ground_now () + array->quiet.sweep_ns;
  md->wakes_at_zero = *clean_at == GROUND_NEVER && !has_bits;
  md->wakes_at_settled = *sweep_at == GROUND_NEVER;
  ground_mutex_unlock (&md->lock);
  if (!atomic_load (&md->unstored))
    *again_at = GROUND_NEVER;
  else if (*again_at == GROUND_NEVER)
    *again_at = ground_now () + STATE_RETRY_S * GROUND_S;
}

static void
be_quiet (void *argument)
{
  struct array *array = argument;
  uint64_t clean_at, sweep_at = GROUND_NEVER, again_at = GROUND_NEVER;

  for (;;) {
    plan (array, &clean_at, &sweep_at, &again_at);
    /* Without a deadline: woken by the end of a write (md->wakes_at_...), by
     * who makes the array dirty without one, or by the stop.
     */
    if (!worker_sleep (&array->quiet.worker,
                       MIN (MIN (clean_at, sweep_at), again_at)))
      return;
    /* Once: if it cannot be stored now, the next reply that needs it sees to
     * it.
     */
    if (atomic_exchange (&array->quiet.somebody_left, false))
      metadata_settle (array);
    /* Woken early, it was to look again. */
    plan (array, &clean_at, &sweep_at, &again_at);
    if (again_at <= ground_now ()) {
      metadata_try_again (array);
      again_at = GROUND_NEVER;
    }
    if (clean_at <= ground_now ())
      metadata_commit_clean (array);
    if (sweep_at <= ground_now ()) {
      metadata_sweep (array);
      sweep_at = GROUND_NEVER;
    }
  }
}

int
quiet_start (struct array *array)
{
  return worker_start (&array->quiet.worker, "mirror-quiet", be_quiet, array);
}

void
quiet_stop (struct array *array)
{
  worker_stop (&array->quiet.worker);
}

void
quiet_note_speed (struct array *array, uint64_t speed)
{
  if (speed != 0)
    atomic_store (&array->quiet.speed, speed);
}
