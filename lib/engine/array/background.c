/* SPDX-License-Identifier: BSD-3-Clause */
/* array-background: what is done in the background, as the doors see it.
 *
 * Locks held on entry: none.  Does not block.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/sync/job.h"

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
