/* SPDX-License-Identifier: BSD-3-Clause */
/* resync-pace: how fast copies are made in the background.
 *
 * Never faster than the upper rate; while clients are about no more than half
 * of the time, as long as the lower rate is kept.
 *
 * Locks held on entry: none.  May block on: time; the stop ends that.
 */
#include "engine/array-internal.h"
#include "engine/sync/resync.h"
#include "ground/util.h"

/* How many requests of clients there were so far. */
static uint64_t
served (const struct array *array)
{
  return requests_served (&array->readers)
         + requests_served (&array->modifiers);
}

void
pace_begin (struct array *array, struct pace *pace)
{
  pace->began_ns = ground_now ();
  pace->served = served (array);
}

void
pace_end (struct array *array, const struct pace *pace, uint64_t length)
{
  struct resync *resync = &array->resync;
  uint64_t now = ground_now (), took = now - pace->began_ns;
  uint64_t until = pace->began_ns + length * GROUND_S / resync->maximum;

  if (served (array) != pace->served)
    until = MAX (until,
                 MIN (now + took,
                      pace->began_ns + length * GROUND_S / resync->minimum));
  worker_pause (&resync->worker, until);
}
