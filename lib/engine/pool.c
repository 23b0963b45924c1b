/* SPDX-License-Identifier: BSD-3-Clause */
/* pool: the fixed-size mempool of child requests. */
#include <errno.h>
#include <stdlib.h>

#include "engine/pool.h"
#include "ground/util.h"

int
pool_init (struct pool *pool, unsigned total, unsigned slots,
           unsigned private_per_slot)
{
  assert (slots <= LEGS_MAX && private_per_slot <= 1);
  assert (total >= 1 && total >= slots * private_per_slot);

  *pool = (struct pool){ .total = total,
                         .shared_free = total - slots * private_per_slot,
                         .private_per_slot = private_per_slot };
  ground_mutex_init (&pool->lock);
  ground_cond_init (&pool->freed);
  pool->items = calloc (total, sizeof *pool->items);
  if (pool->items == NULL)
    return -ENOMEM;
  for (unsigned i = 0; i < total; i++) {
    pool->items[i].pool = pool;
    pool->items[i].next = pool->free;
    pool->free = &pool->items[i];
  }
  return 0;
}

void
pool_destroy (struct pool *pool)
{
  assert (pool_free_count (pool) == pool->total);
  ground_cond_destroy (&pool->freed);
  ground_mutex_destroy (&pool->lock);
  free (pool->items);
}

/* Lock held. */
static struct child *
take (struct pool *pool, unsigned slot)
{
  struct child *child;
  bool is_private = pool->in_flight[slot] < pool->private_per_slot;

  /* A slot's own child is taken first; it comes back first, too. */
  if (!is_private && pool->shared_free == 0)
    return NULL;
  if (pool->in_flight[slot] >= LEG_IN_FLIGHT_MAX)
    return NULL;

  child = pool->free;
  assert (child != NULL);
  pool->free = child->next;
  child->next = NULL;
  if (!is_private)
    pool->shared_free--;
  pool->in_flight[slot]++;
  child->slot = slot;
  return child;
}

struct child *
pool_try (struct pool *pool, unsigned slot)
{
  struct child *child;

  ground_mutex_lock (&pool->lock);
  child = take (pool, slot);
  ground_mutex_unlock (&pool->lock);
  return child;
}

struct child *
pool_wait (struct pool *pool, unsigned slot)
{
  struct child *child;

  ground_mutex_lock (&pool->lock);
  while ((child = take (pool, slot)) == NULL) {
    pool->waiters++;
    /* No deadline here: the legs of those under way have theirs. */
    ground_cond_wait (&pool->freed, &pool->lock, GROUND_NEVER);
    pool->waiters--;
  }
  ground_mutex_unlock (&pool->lock);
  return child;
}

void
pool_give (struct pool *pool, struct child *child)
{
  unsigned slot = child->slot;
  bool wake;

  ground_mutex_lock (&pool->lock);
  assert (pool->in_flight[slot] > 0);
  /* As long as the slot has others under way, one of those stands for its
   * own share and this one was shared.
   */
  if (pool->in_flight[slot] > pool->private_per_slot)
    pool->shared_free++;
  pool->in_flight[slot]--;
  child->next = pool->free;
  pool->free = child;
  wake = pool->waiters > 0;
  ground_mutex_unlock (&pool->lock);
  /* All of them: they wait for different slots. */
  if (wake)
    ground_cond_broadcast (&pool->freed);
}

unsigned
pool_free_count (struct pool *pool)
{
  unsigned count = pool->total;

  ground_mutex_lock (&pool->lock);
  for (unsigned slot = 0; slot < LEGS_MAX; slot++)
    count -= pool->in_flight[slot];
  ground_mutex_unlock (&pool->lock);
  return count;
}
