/* SPDX-License-Identifier: BSD-3-Clause */
/* pool: the fixed-size mempool of child requests.
 *
 * The rule this project exists for: never wait for an item of a fixed-size
 * pool while holding one that nobody can finish.  So a child is issued the
 * moment it is taken (request_issue is the only taker), and what was only
 * queued is kicked off before anybody waits here.  Then every child that is
 * out is on its way at some leg, comes back, and the waiter goes on: one
 * child is enough for any array and any number of writers.
 *
 * Every place owns one child of its own and shares the rest, so that a leg
 * that hangs with everything it could get leaves the others their share:
 *
 *   pool=5, 3 legs:   [place 0][place 1][place 2] + 2 shared
 *
 * To take one is two steps: a unit is reserved in the counts, then an item is
 * looked for.  An item comes back before its unit does, so who has a unit
 * finds an item.  Workers begin to look in different corners, where they find
 * the children that they had before.
 *
 * Locks: one mutex, a leaf, for those who wait and those who wake them.  May
 * block: pool_wait, until a child that is under way comes back: remote legs
 * have deadlines, local ones the kernel's.
 */
#ifndef MIRROR_POOL_H
#define MIRROR_POOL_H

#include <stdatomic.h>

#include "ground/ground.h"
#include "ground/limits.h"
#include "legs/leg.h"

struct pool {
  struct ground_mutex lock;
  struct ground_cond freed;
  struct child *items;
  unsigned total;
  unsigned places;
  unsigned private_per_place; /* 0 or 1 */
  uint32_t flags;             /* that all of its children have besides; 0 */
  _Atomic unsigned waiters;
  _Atomic unsigned shared_free; /* units that are nobody's own */
  _Atomic unsigned in_flight[LEGS_MAX];
};

/* @total items, @private_per_place of them for each of @places.  0 or
 * -ENOMEM; pool_destroy follows in any case.
 */
int pool_init (struct pool *pool, unsigned total, unsigned places,
               unsigned private_per_place);

/* Every item is back. */
void pool_destroy (struct pool *pool);

/* A child for @place, or NULL when it would have to wait. */
struct child *pool_try (struct pool *pool, unsigned place);

/* The same, waiting for one.  The caller holds no unissued child and has
 * kicked off what it queued.
 */
struct child *pool_wait (struct pool *pool, unsigned place);

/* Any thread. */
void pool_give (struct pool *pool, struct child *child);

/* How many are not under way. */
unsigned pool_free_count (const struct pool *pool);

#endif /* MIRROR_POOL_H */
