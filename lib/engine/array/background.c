/* SPDX-License-Identifier: BSD-3-Clause */
/* array-background: what is done in the background, as the doors see it: its
 * threads begin; how it goes on.
 *
 * Locks held on entry: none.  Does not block, but that a beginning waits for
 * the stop.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/sync/job.h"

/* stop_lock held. */
static int
start_threads (struct array *array)
{
  int r;

  if (array->stopped || atomic_load (&array->may_write))
    return 0;
  /* Perhaps only the second one failed the last time. */
  r = array->md == NULL || worker_is_started (&array->quiet.worker)
        ? 0
        : quiet_start (array);
  if (r < 0)
    return r;
  /* The thread looks at it. */
  atomic_store (&array->may_write, true);
  r = resync_start (array);
  if (r < 0)
    atomic_store (&array->may_write, false);
  return r;
}

int
array_begin_threads (struct array *array)
{
  int r;

  if (array->limits.readonly || atomic_load (&array->may_write))
    return 0;
  ground_mutex_lock (&array->stop_lock);
  r = start_threads (array);
  ground_mutex_unlock (&array->stop_lock);
  return r;
}

int
array_allow_writes (struct array *array)
{
  if (!atomic_exchange (&array->writers_came, true))
    worker_wake (&array->rejoin);
  return array->md == NULL ? 0 : array_begin_threads (array);
}

void
array_sync_progress (struct array *array, struct job_progress *ret)
{
  job_get_progress (&array->resync.job, ret);
}

void
array_sync_pause (struct array *array)
{
  job_pause (&array->resync.job);
}

void
array_sync_resume (struct array *array)
{
  job_resume (&array->resync.job);
}

void
array_sync_cancel (struct array *array)
{
  job_cancel (&array->resync.job);
}

int
array_sync_set_rates (struct array *array, uint64_t minimum, uint64_t maximum)
{
  if (minimum == 0 || maximum < minimum)
    return -EINVAL;
  job_set_rates (&array->resync.job, minimum, maximum);
  return 0;
}

void
array_set_spare_delay (struct array *array, unsigned seconds)
{
  ground_mutex_lock (&array->state_lock);
  array->spare_delay_ns = seconds * GROUND_S;
  worker_wake (&array->resync.worker);
  ground_mutex_unlock (&array->state_lock);
}
