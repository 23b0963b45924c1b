/* SPDX-License-Identifier: BSD-3-Clause */
/* array: start and stop the mirror. */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/array/closer.h"
#include "engine/array/failure.h"
#include "engine/io/second-thread.h"
#include "engine/life/rejoin.h"
#include "ground/log.h"
#include "ground/util.h"

int
array_start (struct array *array)
{
  int r;

  for (unsigned i = 0; i < array->count; i++) {
    struct leg *leg = array->members[i]->leg;

    leg->gone = failure_gone;
    leg->watcher = array;
    r = leg->ops->start (leg);
    if (r < 0) {
      log_error ("disk %s: cannot be started: %s", leg->name,
                 log_strerror (r));
      return r;
    }
  }
  /* Some have another rank since. */
  ground_mutex_lock (&array->state_lock);
  view_publish (array);
  ground_mutex_unlock (&array->state_lock);
  r = closer_start (array);
  return r < 0 ? r : rejoin_start (array);
}

int
array_watch (struct array *array)
{
  int r = second_start (array);

  return r < 0 ? r : hung_start (array);
}

void
array_get_limits (struct array *array, struct array_limits *ret)
{
  ground_mutex_lock (&array->state_lock);
  *ret = array->limits;
  ground_mutex_unlock (&array->state_lock);
}

/* Nobody is inside any more. */
static int
flush_at_stop (struct array *array)
{
  struct request *request = array->modifiers.items;

  if (array->limits.readonly)
    return 0;
  if (array->md != NULL)
    return metadata_stop (array);
  request_pin_newest (request);
  return flush_members (request, request_view (request)->in_sync,
                        &array->pool);
}

static bool
is_busy (const struct member *member)
{
  return atomic_load (&member->outstanding) > 0;
}

/* Legs that owe an answer get none of our time any more; what they had not
 * answered was not acknowledged, or goes on without them.
 */
static void
abort_busy_legs (struct array *array)
{
  struct member *member = NULL;

  while ((member = view_next_member (array, member, is_busy)) != NULL)
    member->leg->ops->abort (member->leg);
}

/* Who still waits for a leg now, waits in vain.  Until when he may take to
 * notice.
 */
static uint64_t
give_up (struct array *array)
{
  log_error ("stopping: requests are still under way at the deadline; giving "
             "up the disks that have not answered");
  abort_busy_legs (array);
  return ground_now () + STOP_GRACE_MS * GROUND_MS;
}

static int
wait_for_threads (struct array *array, uint64_t deadline_ns)
{
  int r = resync_wait_idle (array, deadline_ns);

  return r < 0 || array->md == NULL
           ? r
           : worker_wait_end (&array->quiet.worker, deadline_ns);
}

/* The threads end with what they are doing now.  What they wait for is on
 * some leg; past the deadline it gets no more time.  -ETIMEDOUT: one is in the
 * kernel, which does not answer.
 */
static int
stop_threads (struct array *array, uint64_t deadline_ns)
{
  if (array->md != NULL)
    worker_ask_to_stop (&array->quiet.worker);
  if (wait_for_threads (array, deadline_ns) < 0
      && wait_for_threads (array, give_up (array)) < 0)
    return -ETIMEDOUT;
  resync_stop (array);
  if (array->md != NULL)
    quiet_stop (array);
  return 0;
}

static void
keep_out (struct array *array)
{
  requests_close (&array->readers);
  requests_close (&array->modifiers);
  requests_close (&array->failers);
  requests_close (&array->joiners);
  await_wake (&array->await);
}

/* Until nobody is inside.  0 or -ETIMEDOUT. */
static int
drain (struct array *array, uint64_t deadline_ns)
{
  int r = requests_drain (&array->readers, deadline_ns);

  if (r == 0)
    r = requests_drain (&array->modifiers, deadline_ns);
  if (r == 0)
    r = requests_drain (&array->failers, deadline_ns);
  return r < 0 ? r : requests_drain (&array->joiners, deadline_ns);
}

/* stop_lock held. */
static int
quiesce (struct array *array, uint64_t deadline_ns)
{
  int r, threads;

  keep_out (array);
  resync_ask_to_stop (array);
  worker_ask_to_stop (&array->rejoin);
  r = drain (array, deadline_ns);
  if (r < 0)
    r = drain (array, give_up (array));
  threads
    = stop_threads (array, MAX (deadline_ns,
                                ground_now () + STOP_GRACE_MS * GROUND_MS));
  if (r < 0 || threads < 0)
    return r < 0 ? r : threads;
  /* Remote legs have deadlines; a local one that has not stored by then what it
   * was sent is out, and that is on record where there is one.
   */
  hung_set_deadline (array, ground_now () + STOP_FLUSH_S * GROUND_S);
  r = flush_at_stop (array);
  hung_set_deadline (array, GROUND_NEVER);
  return r;
}

int
array_quiesce (struct array *array, uint64_t deadline_ns)
{
  int r;

  /* Not the state mutex: this one waits for I/O, and only those wait for it
   * who want to stop, too.
   */
  ground_mutex_lock (&array->stop_lock);
  if (!array->stopped)
    array->stop_result = quiesce (array, deadline_ns);
  array->stopped = true;
  r = array->stop_result;
  ground_mutex_unlock (&array->stop_lock);
  return r;
}

void
array_close (struct array *array)
{
  /* After an abort the last answers may still be on their way. */
  keep_out (array);
  drain (array, GROUND_NEVER);
  stop_threads (array, GROUND_NEVER);
  rejoin_stop (array);
  closer_stop (array);
  hung_stop (array);
  second_stop (array);
  for (unsigned i = 0; i < array->count; i++) {
    struct leg *leg = array->members[i]->leg;

    /* Its thread may still say that it is gone: then it has a leg. */
    if (leg != NULL)
      leg->ops->close (leg);
  }
  array_free (array);
}
