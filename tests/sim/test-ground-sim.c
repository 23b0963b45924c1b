/* SPDX-License-Identifier: BSD-3-Clause */
/* test-ground-sim: the simulated ground finds what it is there to find. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "ground-sim.h"

static struct ground_mutex one, two;
static struct ground_cond cond;
static struct ground_thread thread;
static bool flag;
static unsigned count;

static struct sim_result
run_seed (uint64_t seed, void (*run) (void *argument))
{
  const struct sim_options options
    = { .seed = seed, .switches = 512, .steps_max = 100000 };
  struct sim_result result;

  flag = false;
  count = 0;
  sim_run (&options, run, NULL, &result);
  return result;
}

/* How many of 100 seeds end so. */
static unsigned
count_verdict (void (*run) (void *argument), enum sim_verdict verdict)
{
  unsigned n = 0;

  for (uint64_t seed = 0; seed < 100; seed++)
    n += run_seed (seed, run).verdict == verdict;
  return n;
}

static void
begin (void)
{
  ground_mutex_init (&one);
  ground_mutex_init (&two);
  ground_cond_init (&cond);
}

static void
end (void)
{
  ground_cond_destroy (&cond);
  ground_mutex_destroy (&two);
  ground_mutex_destroy (&one);
}

/* Two locks, taken in opposite orders. */

static void
two_then_one (void *argument)
{
  (void)argument;
  ground_mutex_lock (&two);
  ground_mutex_lock (&one);
  ground_mutex_unlock (&one);
  ground_mutex_unlock (&two);
}

static void
opposite_orders (void *argument)
{
  (void)argument;
  begin ();
  ground_thread_start (&thread, "other", two_then_one, NULL);
  ground_mutex_lock (&one);
  ground_mutex_lock (&two);
  ground_mutex_unlock (&two);
  ground_mutex_unlock (&one);
  ground_thread_join (&thread);
  end ();
}

static void
test_deadlock (void)
{
  unsigned n = count_verdict (opposite_orders, SIM_DEADLOCK);

  assert (n > 0 && n < 100);
  assert (n + count_verdict (opposite_orders, SIM_GOOD) == 100);
  for (uint64_t seed = 0; seed < 100; seed++) {
    struct sim_result r = run_seed (seed, opposite_orders);

    if (r.verdict == SIM_DEADLOCK) {
      assert (strstr (r.dump, "other") && strstr (r.dump, "held by main"));
      return;
    }
  }
}

/* A wakeup that comes between the look and the wait. */

static void
set_flag_unlocked (void *argument)
{
  (void)argument;
  flag = true;
  ground_cond_signal (&cond);
}

static void
look_then_wait (void *argument)
{
  bool seen;

  (void)argument;
  begin ();
  ground_thread_start (&thread, "setter", set_flag_unlocked, NULL);
  seen = flag;
  ground_mutex_lock (&one);
  if (!seen)
    ground_cond_wait (&cond, &one, GROUND_NEVER);
  ground_mutex_unlock (&one);
  ground_thread_join (&thread);
  end ();
}

static void
test_lost_wakeup (void)
{
  assert (count_verdict (look_then_wait, SIM_DEADLOCK) > 0);
}

/* The same, done right. */

static void
set_flag (void *argument)
{
  (void)argument;
  ground_mutex_lock (&one);
  flag = true;
  ground_cond_signal (&cond);
  ground_mutex_unlock (&one);
}

static void
wait_for_flag (void *argument)
{
  (void)argument;
  begin ();
  ground_thread_start (&thread, "setter", set_flag, NULL);
  ground_mutex_lock (&one);
  while (!flag)
    ground_cond_wait (&cond, &one, GROUND_NEVER);
  ground_mutex_unlock (&one);
  ground_thread_join (&thread);
  end ();
}

static void
test_good (void)
{
  assert (count_verdict (wait_for_flag, SIM_GOOD) == 100);
}

/* Deadlines fire at their virtual time, which costs no real one. */

static void
wait_an_hour (void *argument)
{
  uint64_t until = ground_now () + 3600 * GROUND_S;
  int r;

  (void)argument;
  begin ();
  ground_mutex_lock (&one);
  r = ground_cond_wait (&cond, &one, until);
  assert (r == -ETIMEDOUT);
  assert (ground_now () == until);
  r = ground_cond_wait (&cond, &one, until);
  assert (r == -ETIMEDOUT);
  ground_mutex_unlock (&one);
  assert (!sim_park (until + 1));
  assert (ground_now () == until + 1);
  sim_unpark (sim_self ());
  assert (sim_park (GROUND_NEVER));
  end ();
}

static void
test_deadlines (void)
{
  assert (count_verdict (wait_an_hour, SIM_GOOD) == 100);
}

/* Two fibers add to a counter without a lock: one seed always ends the same
 * way, different seeds do not.
 */

static void
add_racily (void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < 10; i++) {
    unsigned n = count;

    ground_now ();
    count = n + 1;
  }
}

static void
race (void *argument)
{
  ground_thread_start (&thread, "adder", add_racily, NULL);
  add_racily (argument);
  ground_thread_join (&thread);
}

static void
test_same_seed_same_run (void)
{
  unsigned results = 0, different = 0, before = 0;

  for (uint64_t seed = 0; seed < 50; seed++) {
    struct sim_result a = run_seed (seed, race);
    unsigned counted = count;
    struct sim_result b = run_seed (seed, race);

    assert (a.verdict == SIM_GOOD && b.verdict == SIM_GOOD);
    assert (a.hash == b.hash && a.steps == b.steps && count == counted);
    results += counted < 20;
    different += counted != before;
    before = counted;
  }
  assert (results > 0 && different > 5);
}

/* Misuse. */

static void
spin (void *argument)
{
  (void)argument;
  for (;;)
    ground_now ();
}

static void
relock (void *argument)
{
  (void)argument;
  begin ();
  ground_mutex_lock (&one);
  ground_mutex_lock (&one);
}

static void
unlock_free (void *argument)
{
  (void)argument;
  begin ();
  ground_mutex_unlock (&one);
}

static void
forget_objects (void *argument)
{
  (void)argument;
  begin ();
}

static void
nothing (void *argument)
{
  (void)argument;
}

static void
forget_thread (void *argument)
{
  (void)argument;
  ground_thread_start (&thread, "orphan", nothing, NULL);
}

static void
use_destroyed (void *argument)
{
  (void)argument;
  begin ();
  end ();
  ground_mutex_lock (&one);
}

static void
fail_by_hand (void *argument)
{
  (void)argument;
  sim_fail ("number %d", 7);
}

static void
test_misuse (void)
{
  assert (count_verdict (spin, SIM_LIVELOCK) == 100);
  assert (count_verdict (relock, SIM_MISUSE) == 100);
  assert (count_verdict (unlock_free, SIM_MISUSE) == 100);
  assert (count_verdict (forget_objects, SIM_MISUSE) == 100);
  assert (count_verdict (forget_thread, SIM_MISUSE) == 100);
  assert (count_verdict (use_destroyed, SIM_MISUSE) == 100);
  assert (count_verdict (fail_by_hand, SIM_FAILED) == 100);
  assert (strcmp (run_seed (1, fail_by_hand).reason, "number 7") == 0);
}

/* Spurious wakeups, priorities and a hurrying clock. */

static void
wait_once (void *argument)
{
  (void)argument;
  begin ();
  ground_thread_start (&thread, "setter", set_flag, NULL);
  ground_mutex_lock (&one);
  if (!flag)
    ground_cond_wait (&cond, &one, GROUND_NEVER);
  count = flag;
  ground_mutex_unlock (&one);
  ground_thread_join (&thread);
  end ();
}

static void
test_options (void)
{
  unsigned woken_early = 0;

  for (uint64_t seed = 0; seed < 2000; seed++) {
    const struct sim_options options = { .seed = seed,
                                         .switches = 256,
                                         .spurious = 1023,
                                         .hurry = seed % 2 ? 1023 : 0,
                                         .priorities = seed % 3 == 0 };
    struct sim_result result;

    flag = false;
    sim_run (&options, wait_once, NULL, &result);
    assert (result.verdict == SIM_GOOD);
    woken_early += !count;
  }
  assert (woken_early > 0);
}

int
main (void)
{
  test_deadlock ();
  test_lost_wakeup ();
  test_good ();
  test_deadlines ();
  test_same_seed_same_run ();
  test_misuse ();
  test_options ();
  puts ("good");
  return 0;
}
