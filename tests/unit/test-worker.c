/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker works when it is woken, by the clock, and not after the stop. */
#include <errno.h>
#include <sched.h>

#include "ground/worker.h"
#include "unit.h"

static struct worker worker;
static uint64_t sleep_ns; /* how long it sleeps unless woken */
static _Atomic unsigned rounds;

static void
setup (void)
{
  worker_init (&worker);
  sleep_ns = 0;
  rounds = 0;
}

static void
teardown (void)
{
  worker_stop (&worker);
  worker_destroy (&worker);
}

static uint64_t
deadline (void)
{
  return sleep_ns == 0 ? GROUND_NEVER : ground_now () + sleep_ns;
}

static void
count_rounds (void *argument)
{
  ck_assert_ptr_eq (argument, &rounds);
  while (worker_sleep (&worker, deadline ()))
    rounds++;
}

static void
start (void)
{
  ck_assert_int_eq (worker_start (&worker, "test", count_rounds, &rounds), 0);
}

/* Each is on its way. */
static void
wait_for_rounds (unsigned count)
{
  while (rounds < count)
    sched_yield ();
}

START_TEST (it_sleeps_until_it_is_woken)
{
  start ();
  worker_wake (&worker);
  wait_for_rounds (1);
  worker_wake (&worker);
  wait_for_rounds (2);
  ck_assert (worker_stop (&worker));
  ck_assert_uint_eq (rounds, 2);
}
END_TEST

START_TEST (a_wake_before_the_start_is_not_lost)
{
  worker_wake (&worker);
  start ();
  wait_for_rounds (1);
}
END_TEST

START_TEST (it_wakes_by_the_clock)
{
  sleep_ns = GROUND_MS;
  start ();
  wait_for_rounds (3);
}
END_TEST

START_TEST (it_does_nothing_after_the_stop)
{
  worker_ask_to_stop (&worker);
  worker_wake (&worker);
  start ();
  ck_assert_int_eq (worker_wait_end (&worker, GROUND_NEVER), 0);
  ck_assert_uint_eq (rounds, 0);
  ck_assert (worker_stop (&worker));
  ck_assert (!worker_stop (&worker));
}
END_TEST

START_TEST (who_waits_for_its_end_waits_no_longer_than_told)
{
  start ();
  ck_assert_int_eq (worker_wait_end (&worker, ground_now () + GROUND_MS),
                    -ETIMEDOUT);
  worker_ask_to_stop (&worker);
  ck_assert_int_eq (worker_wait_end (&worker, GROUND_NEVER), 0);
}
END_TEST

static _Atomic bool paused_long_enough;

static void
pause_once (void *argument)
{
  uint64_t until = ground_now () + 20 * GROUND_MS;

  (void)argument;
  worker_pause (&worker, until);
  paused_long_enough = ground_now () >= until;
  /* The wake was not used up. */
  ck_assert (worker_sleep (&worker, GROUND_NEVER));
}

START_TEST (a_pause_is_not_ended_by_a_wake)
{
  ck_assert_int_eq (worker_start (&worker, "test", pause_once, NULL), 0);
  worker_wake (&worker);
  ck_assert_int_eq (worker_wait_end (&worker, GROUND_NEVER), 0);
  ck_assert (paused_long_enough);
}
END_TEST

static void
pause_for_ever (void *argument)
{
  (void)argument;
  worker_pause (&worker, GROUND_NEVER);
}

START_TEST (a_pause_is_ended_by_the_stop)
{
  ck_assert_int_eq (worker_start (&worker, "test", pause_for_ever, NULL), 0);
  ck_assert (worker_stop (&worker));
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, it_sleeps_until_it_is_woken);
  tcase_add_test (tcase, a_wake_before_the_start_is_not_lost);
  tcase_add_test (tcase, it_wakes_by_the_clock);
  tcase_add_test (tcase, it_does_nothing_after_the_stop);
  tcase_add_test (tcase, who_waits_for_its_end_waits_no_longer_than_told);
  tcase_add_test (tcase, a_pause_is_not_ended_by_a_wake);
  tcase_add_test (tcase, a_pause_is_ended_by_the_stop);
}

int
main (void)
{
  return unit_main ("worker", add);
}
