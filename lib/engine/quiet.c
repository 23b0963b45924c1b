/* SPDX-License-Identifier: BSD-3-Clause */
/* quiet: what an md array does when nobody writes: clean, and bits cleared.
 *
 * One thread.  It looks at the array when somebody woke it, and by the clock
 * only as long as there is something to come:
 *
 *   dirty, no writers          clean, quiet_ns after the last write
 *   dirty, writers             the last of them wakes us
 *   bits without writers       a sweep every sweep_ns
 *   else                       the last of the next writers wakes us
 *
 * Locks: quiet->lock is a leaf.  May block on: the turn, the disks.
 */
#include "engine/array-internal.h"
#include "engine/metadata.h"
#include "engine/quiet.h"
#include "ground/util.h"

void
quiet_init (struct quiet *quiet)
{
  *quiet = (struct quiet){ .started = false };
  ground_mutex_init (&quiet->lock);
  ground_cond_init (&quiet->changed);
}

void
quiet_destroy (struct quiet *quiet)
{
  assert (!quiet->started);
  ground_cond_destroy (&quiet->changed);
  ground_mutex_destroy (&quiet->lock);
}

/* When is there something to be done?  GROUND_NEVER: whoever makes it so will
 * wake us.
 */
static void
plan (struct array *array, uint64_t *clean_at, uint64_t *sweep_at)
{
  struct metadata *md = array->md;
  uint64_t now = ground_now ();

  ground_mutex_lock (&md->lock);
  *clean_at = md->dirty && md->writers == 0
                ? md->last_write_ns + array->quiet.quiet_ns
                : GROUND_NEVER;
  if (*sweep_at == GROUND_NEVER && md->has_bitmap && md->bitmap.settled > 0
      && array_in_sync (array) == array->all)
    *sweep_at = now + array->quiet.sweep_ns;
  md->wakes_at_zero = *clean_at == GROUND_NEVER;
  md->wakes_at_settled = *sweep_at == GROUND_NEVER;
  ground_mutex_unlock (&md->lock);
}

/* False: it is time to end. */
static bool
sleep_until (struct quiet *quiet, uint64_t deadline_ns)
{
  bool go_on;

  ground_mutex_lock (&quiet->lock);
  /* Without a deadline: woken by the end of a write (md->wakes_at_...), by
   * who makes the array dirty without one, or by the stop.
   */
  while (!quiet->stopping && !quiet->woken
         && ground_cond_wait (&quiet->changed, &quiet->lock, deadline_ns) == 0)
    ;
  quiet->woken = false;
  go_on = !quiet->stopping;
  ground_mutex_unlock (&quiet->lock);
  return go_on;
}

static void
be_quiet (void *argument)
{
  struct array *array = argument;
  struct quiet *quiet = &array->quiet;
  uint64_t clean_at, sweep_at = GROUND_NEVER;

  for (;;) {
    plan (array, &clean_at, &sweep_at);
    if (!sleep_until (quiet, MIN (clean_at, sweep_at)))
      return;
    /* Woken early, it was to look again. */
    plan (array, &clean_at, &sweep_at);
    if (clean_at <= ground_now ())
      metadata_clean (array);
    if (sweep_at <= ground_now ()) {
      metadata_sweep (array);
      sweep_at = GROUND_NEVER;
    }
  }
}

int
quiet_start (struct array *array)
{
  struct quiet *quiet = &array->quiet;
  int r;

  assert (!quiet->started);
  r = ground_thread_start (&quiet->thread, "mirror-quiet", be_quiet, array);
  quiet->started = r == 0;
  return r;
}

void
quiet_wake (struct array *array)
{
  struct quiet *quiet = &array->quiet;

  ground_mutex_lock (&quiet->lock);
  quiet->woken = true;
  ground_cond_signal (&quiet->changed);
  ground_mutex_unlock (&quiet->lock);
}

void
quiet_stop (struct array *array)
{
  struct quiet *quiet = &array->quiet;

  if (!quiet->started)
    return;
  ground_mutex_lock (&quiet->lock);
  quiet->stopping = true;
  ground_cond_signal (&quiet->changed);
  ground_mutex_unlock (&quiet->lock);
  ground_thread_join (&quiet->thread);
  quiet->started = false;
}
