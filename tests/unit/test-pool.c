/* SPDX-License-Identifier: BSD-3-Clause */
/* The mempool: every slot owns one child, the rest is shared. */
#include <unistd.h>

#include "engine/io/pool.h"
#include "ground/util.h"
#include "tests/unit/unit.h"

START_TEST (a_slot_gets_its_own_child_and_all_shared_ones)
{
  struct pool pool;
  struct child *taken[3];

  ck_assert_int_eq (pool_init (&pool, 5, 3, 1), 0);
  for (unsigned i = 0; i < 3; i++) {
    taken[i] = pool_try (&pool, 0);
    ck_assert_ptr_nonnull (taken[i]);
  }
  ck_assert_ptr_null (pool_try (&pool, 0));
  for (unsigned i = 0; i < 3; i++)
    pool_give (&pool, taken[i]);
  pool_destroy (&pool);
}
END_TEST

START_TEST (a_greedy_slot_leaves_the_others_their_own_child)
{
  struct pool pool;
  struct child *greedy[3], *other[2];

  ck_assert_int_eq (pool_init (&pool, 5, 3, 1), 0);
  for (unsigned i = 0; i < 3; i++)
    greedy[i] = pool_try (&pool, 1);
  other[0] = pool_try (&pool, 0);
  other[1] = pool_try (&pool, 2);
  ck_assert_ptr_nonnull (other[0]);
  ck_assert_ptr_nonnull (other[1]);
  ck_assert_ptr_null (pool_try (&pool, 0));
  ck_assert_uint_eq (pool_free_count (&pool), 0);
  /* A shared one that comes back serves anybody. */
  pool_give (&pool, greedy[0]);
  greedy[0] = pool_try (&pool, 2);
  ck_assert_ptr_nonnull (greedy[0]);
  for (unsigned i = 0; i < 3; i++)
    pool_give (&pool, greedy[i]);
  pool_give (&pool, other[0]);
  pool_give (&pool, other[1]);
  pool_destroy (&pool);
}
END_TEST

START_TEST (one_leg_never_has_more_in_flight_than_it_can_take)
{
  struct pool pool;
  struct child *taken[LEG_IN_FLIGHT_MAX];

  ck_assert_int_eq (pool_init (&pool, 2 * LEG_IN_FLIGHT_MAX, 2, 1), 0);
  for (unsigned i = 0; i < LEG_IN_FLIGHT_MAX; i++) {
    taken[i] = pool_try (&pool, 0);
    ck_assert_ptr_nonnull (taken[i]);
  }
  ck_assert_ptr_null (pool_try (&pool, 0));
  for (unsigned i = 0; i < LEG_IN_FLIGHT_MAX; i++)
    pool_give (&pool, taken[i]);
  pool_destroy (&pool);
}
END_TEST

/* Whatever the order, a slot with nothing under way always gets one. */
START_TEST (an_idle_slot_never_waits)
{
  uint64_t seed = unit_seed ("an_idle_slot_never_waits");
  struct pool pool;
  struct child *held[64];
  unsigned held_count = 0, in_flight[4] = { 0 };

  ck_assert_int_eq (pool_init (&pool, 9, 4, 1), 0);
  for (unsigned step = 0; step < 100000; step++) {
    unsigned slot = unit_below (&seed, 4);

    if (unit_below (&seed, 2) == 0) {
      struct child *child = pool_try (&pool, slot);

      if (child == NULL) {
        UNIT_CHECK (in_flight[slot] > 0, "slot %u", slot);
        continue;
      }
      held[held_count++] = child;
      in_flight[slot]++;
    }
    else if (held_count > 0) {
      unsigned i = unit_below (&seed, held_count);

      in_flight[held[i]->place]--;
      pool_give (&pool, held[i]);
      held[i] = held[--held_count];
    }
    UNIT_CHECK (pool_free_count (&pool) == 9 - held_count, "count");
  }
  while (held_count > 0)
    pool_give (&pool, held[--held_count]);
  pool_destroy (&pool);
}
END_TEST

struct waiter {
  struct pool *pool;
  unsigned slot;
  struct child *child;
};

static void
wait_for_child (void *opaque)
{
  struct waiter *waiter = opaque;

  waiter->child = pool_wait (waiter->pool, waiter->slot);
}

/* Slot 0 began to wait first, but what comes back is slot 1's own. */
START_TEST (a_child_that_comes_back_wakes_who_can_use_it)
{
  struct ground_thread thread[2];
  struct pool pool;
  struct waiter waiter[2] = { { &pool, 0, NULL }, { &pool, 1, NULL } };
  struct child *taken[2];

  ck_assert_int_eq (pool_init (&pool, 2, 2, 1), 0);
  for (unsigned i = 0; i < 2; i++)
    taken[i] = pool_try (&pool, i);
  for (unsigned i = 0; i < 2; i++) {
    ground_thread_start (&thread[i], "waiter", wait_for_child, &waiter[i]);
    while (atomic_load (&pool.waiters) <= i)
      usleep (1000);
  }
  for (unsigned i = 2; i-- > 0;) {
    pool_give (&pool, taken[i]);
    ground_thread_join (&thread[i]);
    ck_assert_ptr_nonnull (waiter[i].child);
  }
  for (unsigned i = 0; i < 2; i++)
    pool_give (&pool, waiter[i].child);
  pool_destroy (&pool);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_child_that_comes_back_wakes_who_can_use_it);
  tcase_add_test (tcase, a_slot_gets_its_own_child_and_all_shared_ones);
  tcase_add_test (tcase, a_greedy_slot_leaves_the_others_their_own_child);
  tcase_add_test (tcase, one_leg_never_has_more_in_flight_than_it_can_take);
  tcase_add_test (tcase, an_idle_slot_never_waits);
}

int
main (void)
{
  return unit_main ("pool", add);
}
