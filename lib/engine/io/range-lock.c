/* SPDX-License-Identifier: BSD-3-Clause */
/* range-lock: overlapping modifying operations run in order of arrival. */
#include <stdatomic.h>

#include "engine/io/range-lock.h"
#include "ground/util.h"

void
range_locks_init (struct range_locks *locks, const _Atomic uint64_t *epoch)
{
  *locks = (struct range_locks){ .epoch = epoch };
  ground_mutex_init (&locks->lock);
}

void
range_locks_destroy (struct range_locks *locks)
{
  assert (locks->ranges.first == NULL);
  for (unsigned i = 0; i < RANGE_COUNTERS; i++)
    assert (locks->in_window[i] == 0);
  ground_mutex_destroy (&locks->lock);
}

void
range_ticket_init (struct range_ticket *ticket)
{
  *ticket = (struct range_ticket){ .running = false };
  ground_cond_init (&ticket->granted);
}

void
range_ticket_destroy (struct range_ticket *ticket)
{
  assert (!ticket->running);
  ground_cond_destroy (&ticket->granted);
}

/* Lock held. */
static void
count_windows (struct range_locks *locks, const struct range *range, int change)
{
  uint64_t window = range->offset / RANGE_WINDOW;
  uint64_t last = range_last_window (range->offset, range->length);

  do
    atomic_fetch_add (&locks->in_window[window % RANGE_COUNTERS], change);
  while (window++ < last);
}

/* Lock held. */
static void
grant (struct range_locks *locks, struct range_ticket *ticket)
{
  assert (!ticket->running);
  ticket->running = true;
  ticket->range.epoch = atomic_load (locks->epoch);
}

void
range_lock (struct range_locks *locks, struct range_ticket *ticket,
            uint64_t offset, uint64_t length)
{
  assert (!ticket->running && length > 0);

  ground_mutex_lock (&locks->lock);
  ticket->range = (struct range){ .offset = offset, .length = length };
  count_windows (locks, &ticket->range, 1);
  if (ranges_add (&locks->ranges, &ticket->range))
    grant (locks, ticket);
  /* Woken by whoever holds an earlier range; its children have deadlines. */
  while (!ticket->running)
    ground_cond_wait (&ticket->granted, &locks->lock, GROUND_NEVER);
  ground_mutex_unlock (&locks->lock);
}

static void
grant_waiter (void *opaque, struct range *range)
{
  struct range_ticket *ticket
    = container_of (range, struct range_ticket, range);

  grant (opaque, ticket);
  ground_cond_signal (&ticket->granted);
}

void
range_unlock (struct range_locks *locks, struct range_ticket *ticket)
{
  ground_mutex_lock (&locks->lock);
  assert (ticket->running);
  ticket->running = false;
  ranges_remove (&locks->ranges, &ticket->range, grant_waiter, locks);
  count_windows (locks, &ticket->range, -1);
  ground_mutex_unlock (&locks->lock);
}

bool
range_lock_look_closer (struct range_locks *locks, uint64_t offset,
                        uint64_t length, uint64_t *ret_epoch)
{
  bool found;

  ground_mutex_lock (&locks->lock);
  found = ranges_oldest_epoch (&locks->ranges, offset, length, ret_epoch);
  ground_mutex_unlock (&locks->lock);
  return found;
}
