/* SPDX-License-Identifier: BSD-3-Clause */
/* second: a write whose thread is inside a local disk that has left the array is
 * done by another thread.
 *
 * The kernel may keep that thread for ever, with the range locked and the other
 * copies not written yet.  So this one sends all of it once more, to the members
 * of now, and ends what the first one held; only the client's answer waits until
 * the kernel lets go, since its buffer is with the kernel.
 *
 *   its thread        OUTSIDE -- go_inside --> a number -- come_out --> OUTSIDE
 *                                                |
 *   this thread        has it no child left but on disks that have left?
 *                                                v
 *                                              TAKEN    it sends nothing more
 *                      write_second; done  -->          and returns with that
 *
 * A number is never the same twice, so nothing has changed if it is still there
 * when the request is taken; and while it is there no child is added.  Whoever
 * comes out first has it, and who comes too late waits until it is done.
 *
 * Locks: state_lock, in which members are looked at; none otherwise.  May block
 * on: what a write may block on behind the range lock.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/io/second-thread.h"
#include "engine/io/second.h"
#include "ground/util.h"

int
second_init (struct second *second, struct array *array, uint32_t bounce)
{
  int failed = 0;

  worker_init (&second->worker);
  failed |= requests_init (&second->requests, SECOND_REQUESTS, array);
  failed |= bounce_init (&second->bounces, bounce > 0 ? SECOND_REQUESTS : 0,
                         bounce);
  return failed != 0 ? -ENOMEM : 0;
}

void
second_destroy (struct second *second)
{
  bounce_destroy (&second->bounces);
  requests_destroy (&second->requests);
  worker_destroy (&second->worker);
}

/* state_lock held.  One that the array does not know any more has answered. */
static bool
has_left (const struct array *array, const struct member *member)
{
  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i] == member)
      return atomic_load (&member->left);
  return false;
}

/* state_lock held.  Is a child of @request under way, on somebody who has left
 * (or not)?
 */
static bool
has_child (const struct array *array, const struct pool *pool,
           const struct request *request, bool left)
{
  for (unsigned i = 0; i < pool->total; i++) {
    const struct child *child = &pool->items[i];

    if (atomic_load (&child->taken) && child->owner == request
        && has_left (array, child->member) == left)
      return true;
  }
  return false;
}

/* state_lock held.  What is seen here counts if @request is still where it was
 * afterwards.
 */
static bool
is_stuck (const struct array *array, const struct request *request)
{
  const struct member *of = atomic_load (&request->inside_of);

  if (has_child (array, &array->pool, request, false)
      || has_child (array, &array->retries, request, false))
    return false;
  return of != NULL ? has_left (array, of)
                    : has_child (array, &array->pool, request, true)
                        || has_child (array, &array->retries, request, true);
}

static bool
take (struct array *array, struct request *request)
{
  uint64_t inside = atomic_load (&request->inside);
  bool taken;

  if (inside == REQUEST_OUTSIDE || inside == REQUEST_TAKEN)
    return false;
  ground_mutex_lock (&array->state_lock);
  taken = is_stuck (array, request) && request_take (request, inside);
  ground_mutex_unlock (&array->state_lock);
  return taken;
}

static void
go_on_with (struct array *array, struct request *taken)
{
  struct second *second = &array->second;
  struct request *own;
  int r = request_begin (&second->requests, &own);

  /* There is one, and nobody closes it. */
  assert (r == 0);
  write_second (own, taken);
  request_end (&second->requests, own);
}

static void
be_second (void *argument)
{
  struct array *array = argument;

  /* Woken once a second, as long as something is stuck. */
  do
    for (unsigned i = 0; i < array->modifiers.total; i++)
      if (take (array, &array->modifiers.items[i]))
        go_on_with (array, &array->modifiers.items[i]);
  while (worker_sleep (&array->second.worker, GROUND_NEVER));
}

int
second_start (struct array *array)
{
  return worker_start (&array->second.worker, "mirror-second", be_second,
                       array);
}

void
second_stop (struct array *array)
{
  worker_stop (&array->second.worker);
}
