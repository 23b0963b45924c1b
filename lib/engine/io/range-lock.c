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

/* The counters of a range's windows: from the first on, *@ret of them.  One
 * that has more windows than there are counters has all of them.
 */
static uint64_t
windows (uint64_t offset, uint64_t length, unsigned *ret)
{
  uint64_t first = offset / RANGE_WINDOW;
  uint64_t last = (offset + length - 1) / RANGE_WINDOW;

  *ret = MIN (last - first + 1, (uint64_t)RANGE_COUNTERS);
  return first;
}

/* Lock held. */
static void
count_windows (struct range_locks *locks, const struct range *range, int change)
{
  unsigned count;
  uint64_t first = windows (range->offset, range->length, &count);

  for (unsigned i = 0; i < count; i++)
    atomic_fetch_add (&locks->in_window[(first + i) % RANGE_COUNTERS], change);
}

static bool
is_any_in_windows (const struct range_locks *locks, uint64_t offset,
                   uint64_t length)
{
  unsigned count;
  uint64_t first = windows (offset, length, &count);

  for (unsigned i = 0; i < count; i++)
    if (atomic_load (&locks->in_window[(first + i) % RANGE_COUNTERS]) != 0)
      return true;
  return false;
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
range_lock_look (struct range_locks *locks, uint64_t offset, uint64_t length,
                 uint64_t *ret_epoch)
{
  bool found;

  if (!is_any_in_windows (locks, offset, length))
    return false;
  ground_mutex_lock (&locks->lock);
  found = ranges_oldest_epoch (&locks->ranges, offset, length, ret_epoch);
  ground_mutex_unlock (&locks->lock);
  return found;
}
