/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads, mutexes, conditions and the clock of the real ground.
 *
 * Nothing here is right or wrong because of how long it takes: a wait that
 * must time out is checked to have reached its deadline, never to have been
 * quick.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "unit.h"

#define THREADS 8
#define ROUNDS 20000

struct scene {
  struct ground_mutex mutex;
  struct ground_cond cond;
  unsigned count;
  unsigned waiting;
  bool go;
  bool timed_out;
};

static void
scene_init (struct scene *scene)
{
  memset (scene, 0, sizeof *scene);
  ground_mutex_init (&scene->mutex);
  ground_cond_init (&scene->cond);
}

static void
scene_destroy (struct scene *scene)
{
  ground_cond_destroy (&scene->cond);
  ground_mutex_destroy (&scene->mutex);
}

static void
start_all (struct ground_thread *threads, void (*run) (void *argument),
           void *argument)
{
  for (unsigned i = 0; i < THREADS; i++)
    ck_assert_int_eq (
      ground_thread_start (&threads[i], "test", run, argument), 0);
}

static void
join_all (struct ground_thread *threads)
{
  for (unsigned i = 0; i < THREADS; i++)
    ground_thread_join (&threads[i]);
}

static void
count_under_lock (void *argument)
{
  struct scene *scene = argument;

  for (unsigned i = 0; i < ROUNDS; i++) {
    ground_mutex_lock (&scene->mutex);
    scene->count++;
    ground_mutex_unlock (&scene->mutex);
  }
}

START_TEST (a_mutex_excludes)
{
  struct ground_thread threads[THREADS];
  struct scene scene;

  scene_init (&scene);
  start_all (threads, count_under_lock, &scene);
  join_all (threads);
  ck_assert_uint_eq (scene.count, THREADS * ROUNDS);
  scene_destroy (&scene);
}
END_TEST

/* Each in turn: even numbers are the main thread's.  check's assertions are
 * for the main thread only.
 */
static void
take_turns (struct scene *scene, unsigned parity)
{
  ground_mutex_lock (&scene->mutex);
  while (scene->count < ROUNDS) {
    if (scene->count % 2 == parity) {
      scene->count++;
      ground_cond_signal (&scene->cond);
    }
    else if (ground_cond_wait (&scene->cond, &scene->mutex, GROUND_NEVER)
             != 0)
      scene->timed_out = true;
  }
  ground_cond_signal (&scene->cond);
  ground_mutex_unlock (&scene->mutex);
}

static void
take_odd_turns (void *argument)
{
  take_turns (argument, 1);
}

START_TEST (a_signal_wakes)
{
  struct ground_thread thread;
  struct scene scene;

  scene_init (&scene);
  ck_assert_int_eq (
    ground_thread_start (&thread, "test", take_odd_turns, &scene), 0);
  take_turns (&scene, 0);
  ground_thread_join (&thread);
  ck_assert_uint_eq (scene.count, ROUNDS);
  ck_assert (!scene.timed_out);
  scene_destroy (&scene);
}
END_TEST

static void
wait_for_go (void *argument)
{
  struct scene *scene = argument;

  ground_mutex_lock (&scene->mutex);
  scene->waiting++;
  ground_cond_broadcast (&scene->cond);
  while (!scene->go)
    ground_cond_wait (&scene->cond, &scene->mutex, GROUND_NEVER);
  scene->count++;
  ground_mutex_unlock (&scene->mutex);
}

START_TEST (a_broadcast_wakes_all)
{
  struct ground_thread threads[THREADS];
  struct scene scene;

  scene_init (&scene);
  start_all (threads, wait_for_go, &scene);
  ground_mutex_lock (&scene.mutex);
  while (scene.waiting < THREADS)
    ground_cond_wait (&scene.cond, &scene.mutex, GROUND_NEVER);
  ck_assert_uint_eq (scene.count, 0);
  scene.go = true;
  ground_cond_broadcast (&scene.cond);
  ground_mutex_unlock (&scene.mutex);
  join_all (threads);
  ck_assert_uint_eq (scene.count, THREADS);
  scene_destroy (&scene);
}
END_TEST

/* Wait where nobody signals, as long as spurious wake-ups last. */
static void
wait_until (struct scene *scene, uint64_t deadline_ns)
{
  int r;

  do
    r = ground_cond_wait (&scene->cond, &scene->mutex, deadline_ns);
  while (r == 0);
  ck_assert_int_eq (r, -ETIMEDOUT);
  ck_assert_uint_ge (ground_now (), deadline_ns);
}

START_TEST (a_deadline_ends_the_wait)
{
  struct scene scene;

  scene_init (&scene);
  ground_mutex_lock (&scene.mutex);
  wait_until (&scene, 0);
  wait_until (&scene, ground_now () - 1);
  wait_until (&scene, ground_now ());
  wait_until (&scene, ground_now () + 20 * GROUND_MS);
  /* Across the border of a second: the fraction must carry. */
  wait_until (&scene, round_down (ground_now (), GROUND_S) + GROUND_S + 1);
  ground_mutex_unlock (&scene.mutex);
  scene_destroy (&scene);
}
END_TEST

START_TEST (after_a_deadline_the_mutex_is_held)
{
  struct ground_thread threads[THREADS];
  struct scene scene;

  scene_init (&scene);
  start_all (threads, count_under_lock, &scene);
  for (unsigned i = 0; i < 100; i++) {
    unsigned before;

    ground_mutex_lock (&scene.mutex);
    wait_until (&scene, ground_now () + GROUND_MS / 10);
    before = scene.count;
    scene.count = before + 1;
    ground_mutex_unlock (&scene.mutex);
  }
  join_all (threads);
  ck_assert_uint_eq (scene.count, THREADS * ROUNDS + 100);
  scene_destroy (&scene);
}
END_TEST

static void
say_go (void *argument)
{
  struct scene *scene = argument;

  ground_mutex_lock (&scene->mutex);
  scene->go = true;
  ground_cond_signal (&scene->cond);
  ground_mutex_unlock (&scene->mutex);
}

START_TEST (a_signal_before_the_deadline_is_no_timeout)
{
  const uint64_t deadlines[]
    = { ground_now () + 3600 * GROUND_S, INT64_MAX, GROUND_NEVER - 1 };

  for (unsigned i = 0; i < ARRAY_LENGTH (deadlines); i++) {
    struct ground_thread thread;
    struct scene scene;

    scene_init (&scene);
    ck_assert_int_eq (ground_thread_start (&thread, "test", say_go, &scene),
                      0);
    ground_mutex_lock (&scene.mutex);
    while (!scene.go)
      ck_assert_int_eq (
        ground_cond_wait (&scene.cond, &scene.mutex, deadlines[i]), 0);
    ground_mutex_unlock (&scene.mutex);
    ground_thread_join (&thread);
    scene_destroy (&scene);
  }
}
END_TEST

/* What a thread finds when it looks at itself. */
struct look {
  struct scene scene;
  char name[16];
  sigset_t blocked;
  pthread_t self;
};

static void
look_at_myself (void *argument)
{
  struct look *look = argument;

  wait_for_go (&look->scene);
  look->self = pthread_self ();
  pthread_getname_np (look->self, look->name, sizeof look->name);
  pthread_sigmask (SIG_SETMASK, NULL, &look->blocked);
}

START_TEST (a_thread_has_its_name_and_no_signals)
{
  static const int signals[]
    = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD, SIGALRM, SIGUSR1 };
  struct ground_thread thread;
  struct look look;
  sigset_t before, after;

  scene_init (&look.scene);
  sigemptyset (&before);
  sigaddset (&before, SIGUSR2);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  ck_assert_int_eq (ground_thread_start (&thread, "fifteen-letters",
                                         look_at_myself, &look), 0);
  pthread_sigmask (SIG_SETMASK, NULL, &after);
  say_go (&look.scene);
  ground_thread_join (&thread);
  scene_destroy (&look.scene);

  ck_assert_str_eq (look.name, "fifteen-letters");
  for (unsigned i = 0; i < ARRAY_LENGTH (signals); i++) {
    ck_assert_int_eq (sigismember (&look.blocked, signals[i]), 1);
    ck_assert_int_eq (sigismember (&after, signals[i]), 0);
  }
  ck_assert_int_eq (sigismember (&after, SIGUSR2), 1);
  ck_assert (!pthread_equal (look.self, pthread_self ()));
}
END_TEST

START_TEST (time_never_goes_back)
{
  uint64_t before = ground_now ();

  for (unsigned i = 0; i < 100000; i++) {
    uint64_t now = ground_now ();

    UNIT_CHECK (now >= before, "%" PRIu64 " after %" PRIu64, now, before);
    before = now;
  }
}
END_TEST

START_TEST (time_is_in_monotonic_nanoseconds)
{
  struct timespec lower, upper;
  uint64_t now;

  clock_gettime (CLOCK_MONOTONIC, &lower);
  now = ground_now ();
  clock_gettime (CLOCK_MONOTONIC, &upper);
  ck_assert_uint_ge (now, lower.tv_sec * GROUND_S + lower.tv_nsec);
  ck_assert_uint_le (now, upper.tv_sec * GROUND_S + upper.tv_nsec);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_mutex_excludes);
  tcase_add_test (tcase, a_signal_wakes);
  tcase_add_test (tcase, a_broadcast_wakes_all);
  tcase_add_test (tcase, a_deadline_ends_the_wait);
  tcase_add_test (tcase, after_a_deadline_the_mutex_is_held);
  tcase_add_test (tcase, a_signal_before_the_deadline_is_no_timeout);
  tcase_add_test (tcase, a_thread_has_its_name_and_no_signals);
  tcase_add_test (tcase, time_never_goes_back);
  tcase_add_test (tcase, time_is_in_monotonic_nanoseconds);
}

int
main (void)
{
  return unit_main ("ground-posix", add_tests);
}
