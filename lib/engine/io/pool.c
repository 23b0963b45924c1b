/* SPDX-License-Identifier: BSD-3-Clause */
/* pool: the fixed-size mempool of child requests. */
#include <errno.h>
#include <stdlib.h>

#include "engine/io/pool.h"
#include "ground/util.h"

int
pool_init (struct pool *pool, unsigned total, unsigned places,
           unsigned private_per_place)
{
  assert (places <= LEGS_MAX && private_per_place <= 1);
  assert (total >= 1 && total >= places * private_per_place);

  *pool = (struct pool){ .total = total,
                         .places = places,
                         .shared_free = total - places * private_per_place,
                         .private_per_place = private_per_place };
  ground_mutex_init (&pool->lock);
  ground_cond_init (&pool->freed);
  pool->items = calloc (total, sizeof *pool->items);
  if (pool->items == NULL)
    return -ENOMEM;
  for (unsigned i = 0; i < total; i++)
    pool->items[i].pool = pool;
  return 0;
}

/* All children are back, and none is taken without being counted: such a one
 * would be missed by nobody until requests look for it for ever.
 */
static bool
is_complete (const struct pool *pool)
{
  bool taken = false;

  /* pool_init may have failed. */
  for (unsigned i = 0; pool->items != NULL && i < pool->total; i++)
    taken |= atomic_load (&pool->items[i].taken);
  return !taken && pool_free_count (pool) == pool->total;
}

void
pool_destroy (struct pool *pool)
{
  assert (is_complete (pool));
  ground_cond_destroy (&pool->freed);
  ground_mutex_destroy (&pool->lock);
  free (pool->items);
}

/* A unit has come back, after that was counted.  Who waits says so before it
 * looks at the counts, so one of us sees the other.
 */
static void
wake_waiters (struct pool *pool)
{
  if (atomic_load (&pool->waiters) == 0)
    return;
  ground_mutex_lock (&pool->lock);
  /* All of them: they wait for different places. */
  ground_cond_broadcast (&pool->freed);
  ground_mutex_unlock (&pool->lock);
}

static bool
reserve_shared (struct pool *pool)
{
  unsigned free = atomic_load (&pool->shared_free);

  while (free > 0)
    if (atomic_compare_exchange_weak (&pool->shared_free, &free, free - 1))
      return true;
  return false;
}

/* A place's own units are those below private_per_place: they are taken first
 * and come back last.  @locked: the lock is held, so nobody else looks and
 * waits without looking again.
 */
static inline bool
reserve (struct pool *pool, unsigned place, bool locked)
{
  _Atomic unsigned *in_flight = &pool->in_flight[place];
  unsigned n = atomic_load (in_flight);

  while (n < LEG_IN_FLIGHT_MAX) {
    bool shared = n >= pool->private_per_place;

    if (shared && !reserve_shared (pool))
      return false;
    if (atomic_compare_exchange_strong (in_flight, &n, n + 1))
      return true;
    /* It may be one of the place's own that is free now. */
    if (shared) {
      atomic_fetch_add (&pool->shared_free, 1);
      /* Who did not get it while we held it in passing. */
      if (!locked)
        wake_waiters (pool);
    }
  }
  return false;
}

static void
release (struct pool *pool, unsigned place)
{
  unsigned before = atomic_fetch_sub (&pool->in_flight[place], 1);

  assert (before > 0);
  if (before > pool->private_per_place)
    atomic_fetch_add (&pool->shared_free, 1);
  wake_waiters (pool);
}

/* One item is free as long as we have a unit without one. */
static inline struct child *
find_free (struct pool *pool)
{
  unsigned at = ground_thread_number () * pool->places % pool->total;

  for (;;) {
    struct child *child = &pool->items[at];

    if (!atomic_load_explicit (&child->taken, memory_order_relaxed)
        && !atomic_exchange (&child->taken, true))
      return child;
    at = at + 1 < pool->total ? at + 1 : 0;
  }
}

struct child *
pool_try (struct pool *pool, unsigned place)
{
  struct child *child;

  if (!reserve (pool, place, false))
    return NULL;
  child = find_free (pool);
  child->place = place;
  return child;
}

struct child *
pool_wait (struct pool *pool, unsigned place)
{
  struct child *child;

  ground_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->waiters, 1);
  /* No deadline here: the legs of those under way have theirs. */
  while (!reserve (pool, place, true))
    ground_cond_wait (&pool->freed, &pool->lock, GROUND_NEVER);
  atomic_fetch_sub (&pool->waiters, 1);
  ground_mutex_unlock (&pool->lock);
  child = find_free (pool);
  child->place = place;
  return child;
}

void
pool_give (struct pool *pool, struct child *child)
{
  unsigned place = child->place;

  assert (child->taken);
  atomic_store (&child->taken, false);
  release (pool, place);
}

unsigned
pool_free_count (const struct pool *pool)
{
  unsigned count = pool->total;

  for (unsigned place = 0; place < LEGS_MAX; place++)
    count -= atomic_load (&pool->in_flight[place]);
  return count;
}
