/* SPDX-License-Identifier: BSD-3-Clause */
/* request: one client operation: the descriptors of all that are under way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/request.h"
#include "ground/util.h"

int
requests_init (struct requests *requests, unsigned total, struct array *array)
{
  assert (total > 0);

  *requests = (struct requests){ .total = total };
  ground_mutex_init (&requests->lock);
  ground_cond_init (&requests->freed);
  requests->items = calloc (total, sizeof *requests->items);
  if (requests->items == NULL)
    return -ENOMEM;
  for (unsigned i = 0; i < total; i++) {
    struct request *request = &requests->items[i];

    request->array = array;
    range_ticket_init (&request->range);
    ground_mutex_init (&request->lock);
    ground_cond_init (&request->answered);
  }
  assert (array->groups < ARRAY_LENGTH (array->group));
  array->group[array->groups++] = requests;
  return 0;
}

static bool
is_busy (const struct request *request)
{
  return atomic_load (&request->state) & REQUEST_BUSY;
}

void
requests_destroy (struct requests *requests)
{
  for (unsigned i = 0; requests->items != NULL && i < requests->total; i++) {
    assert (!is_busy (&requests->items[i]));
    range_ticket_destroy (&requests->items[i].range);
    ground_cond_destroy (&requests->items[i].answered);
    ground_mutex_destroy (&requests->items[i].lock);
  }
  ground_cond_destroy (&requests->freed);
  ground_mutex_destroy (&requests->lock);
  free (requests->items);
}

static bool
change_state (struct request *request, unsigned from, unsigned to)
{
  return atomic_compare_exchange_strong (&request->state, &from, to);
}

/* One that is free; NULL: none was when we looked at it. */
static struct request *
find_free (struct requests *requests)
{
  unsigned at = ground_thread_number () % requests->total;

  for (unsigned i = 0; i < requests->total; i++) {
    struct request *request = &requests->items[at];

    if (atomic_load_explicit (&request->state, memory_order_relaxed)
          == REQUEST_FREE
        && change_state (request, REQUEST_FREE, REQUEST_BUSY))
      return request;
    at = at + 1 < requests->total ? at + 1 : 0;
  }
  return NULL;
}

/* Lock held.  What was its state? */
static unsigned
mark (struct request *request)
{
  return atomic_fetch_or (&request->state, REQUEST_CLOSED);
}

/* Lock held.  One that is free after all; else NULL, and each of them tells
 * when it ends.  One pass is enough: a mark stays until the request ends,
 * which takes the lock.
 */
static struct request *
take_or_mark (struct requests *requests)
{
  for (unsigned i = 0; i < requests->total; i++)
    if (mark (&requests->items[i]) == REQUEST_FREE) {
      requests->items[i].state = REQUEST_BUSY;
      return &requests->items[i];
    }
  return NULL;
}

static RARE struct request *
wait_for_free (struct requests *requests)
{
  struct request *request = NULL;

  ground_mutex_lock (&requests->lock);
  while (!requests->closed && (request = take_or_mark (requests)) == NULL)
    /* Woken by any of them that ends; their children have deadlines. */
    ground_cond_wait (&requests->freed, &requests->lock, GROUND_NEVER);
  ground_mutex_unlock (&requests->lock);
  return request;
}

/* Somebody may wait for the last one that has a view. */
static void
tell_closer (struct array *array)
{
  if (atomic_load (&array->views.retired_count) > 0)
    worker_wake (&array->views.closer);
}

void
request_pin_newest (struct request *request)
{
  struct array *array = request->array;
  struct view *view = atomic_load (&array->view);

  assert (request->remaining == 0);
  if (view == request_view (request))
    return;
  /* Once it is seen to be the newest after it was pinned, whoever retires it
   * sees the pin.
   */
  do {
    atomic_store (&request->view, view);
    view = atomic_load (&array->view);
  } while (view != request_view (request));
  tell_closer (array);
}

int
request_begin (struct requests *requests, struct request **ret)
{
  struct request *request = find_free (requests);
  uint64_t served;

  if (request == NULL)
    request = wait_for_free (requests);
  if (request == NULL)
    return -ESHUTDOWN;
  served = atomic_load_explicit (&request->served, memory_order_relaxed) + 1;
  atomic_store_explicit (&request->served, served, memory_order_relaxed);
  request->timed = served % LATENCY_SAMPLE == 1;
  hung_look (&request->array->hung);
  request_pin_newest (request);
  *ret = request;
  return 0;
}

void
request_end (struct requests *requests, struct request *request)
{
  assert (request->remaining == 0 && !request->range.running);
  assert (request->stable.number == 0);

  /* After this the array may be gone: the stop has seen that we are. */
  if (change_state (request, REQUEST_BUSY, REQUEST_FREE))
    return;
  ground_mutex_lock (&requests->lock);
  assert (request->state == REQUEST_WANTED);
  atomic_store (&request->state,
                requests->closed ? REQUEST_CLOSED : REQUEST_FREE);
  ground_cond_broadcast (&requests->freed);
  tell_closer (request->array);
  ground_mutex_unlock (&requests->lock);
}

/* Lock held.  Nobody begins with one that is marked; a busy one tells when it
 * ends; one that is closed may be used by the stop.
 */
static bool
keeps_view (struct request *request, const struct view *view)
{
  if (request_view (request) != view)
    return false;
  if (mark (request) != REQUEST_FREE)
    return true;
  atomic_store (&request->view, NULL);
  atomic_store (&request->state, REQUEST_FREE);
  return false;
}

bool
requests_release_view (struct requests *requests, const struct view *view)
{
  bool kept = false;

  ground_mutex_lock (&requests->lock);
  for (unsigned i = 0; i < requests->total; i++)
    kept |= keeps_view (&requests->items[i], view);
  ground_mutex_unlock (&requests->lock);
  return kept;
}

void
requests_close (struct requests *requests)
{
  ground_mutex_lock (&requests->lock);
  requests->closed = true;
  for (unsigned i = 0; i < requests->total; i++)
    mark (&requests->items[i]);
  /* Those who wait for a free one hear that there will be none. */
  ground_cond_broadcast (&requests->freed);
  ground_mutex_unlock (&requests->lock);
}

static bool
is_any_busy (const struct requests *requests)
{
  for (unsigned i = 0; i < requests->total; i++)
    if (is_busy (&requests->items[i]))
      return true;
  return false;
}

int
requests_drain (struct requests *requests, uint64_t deadline_ns)
{
  int r = 0;

  ground_mutex_lock (&requests->lock);
  assert (requests->closed);
  while (is_any_busy (requests) && r == 0)
    r = ground_cond_wait (&requests->freed, &requests->lock, deadline_ns);
  if (!is_any_busy (requests))
    r = 0;
  ground_mutex_unlock (&requests->lock);
  return r;
}

uint64_t
requests_served (const struct requests *requests)
{
  uint64_t served = 0;

  for (unsigned i = 0; i < requests->total; i++)
    served += atomic_load_explicit (&requests->items[i].served,
                                    memory_order_relaxed);
  return served;
}

unsigned
requests_free_count (const struct requests *requests)
{
  unsigned count = 0;

  for (unsigned i = 0; i < requests->total; i++)
    count += !is_busy (&requests->items[i]);
  return count;
}
