/* SPDX-License-Identifier: BSD-3-Clause */
/* ground-posix: the real body of ground.h, on pthreads. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ground/ground.h"
#include "ground/util.h"

struct posix_thread {
  pthread_t id;
  struct posix_start *start;
};

struct posix_start {
  void (*run) (void *argument);
  void *argument;
};

static_assert (sizeof (pthread_mutex_t) <= sizeof (struct ground_mutex),
               "room for a mutex");
static_assert (sizeof (pthread_cond_t) <= sizeof (struct ground_cond),
               "room for a condition");
static_assert (sizeof (struct posix_thread) <= sizeof (struct ground_thread),
               "room for a thread");

static pthread_mutex_t *
posix_mutex (struct ground_mutex *mutex)
{
  return (pthread_mutex_t *)mutex->room;
}

static pthread_cond_t *
posix_cond (struct ground_cond *cond)
{
  return (pthread_cond_t *)cond->room;
}

void
ground_mutex_init (struct ground_mutex *mutex)
{
  pthread_mutexattr_t attributes;
  int r;

  r = pthread_mutexattr_init (&attributes);
  assert (r == 0);
  /* Our mutexes are held for a few lines: whoever finds one taken had better
   * spin a little than sleep, which costs two switches of threads.
   */
  r = pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
  assert (r == 0);
  r = pthread_mutex_init (posix_mutex (mutex), &attributes);
  assert (r == 0);
  pthread_mutexattr_destroy (&attributes);
}

void
ground_mutex_destroy (struct ground_mutex *mutex)
{
  int r = pthread_mutex_destroy (posix_mutex (mutex));

  assert (r == 0);
}

void
ground_mutex_lock (struct ground_mutex *mutex)
{
  int r = pthread_mutex_lock (posix_mutex (mutex));

  assert (r == 0);
}

void
ground_mutex_unlock (struct ground_mutex *mutex)
{
  int r = pthread_mutex_unlock (posix_mutex (mutex));

  assert (r == 0);
}

bool
ground_mutex_try_lock (struct ground_mutex *mutex)
{
  int r = pthread_mutex_trylock (posix_mutex (mutex));

  assert (r == 0 || r == EBUSY);
  return r == 0;
}

void
ground_cond_init (struct ground_cond *cond)
{
  pthread_condattr_t attributes;
  int r;

  r = pthread_condattr_init (&attributes);
  assert (r == 0);
  /* Deadlines must not move when somebody sets the time of day. */
  r = pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  assert (r == 0);
  r = pthread_cond_init (posix_cond (cond), &attributes);
  assert (r == 0);
  pthread_condattr_destroy (&attributes);
}

void
ground_cond_destroy (struct ground_cond *cond)
{
  int r = pthread_cond_destroy (posix_cond (cond));

  assert (r == 0);
}

void
ground_cond_signal (struct ground_cond *cond)
{
  int r = pthread_cond_signal (posix_cond (cond));

  assert (r == 0);
}

void
ground_cond_broadcast (struct ground_cond *cond)
{
  int r = pthread_cond_broadcast (posix_cond (cond));

  assert (r == 0);
}

int
ground_cond_wait (struct ground_cond *cond, struct ground_mutex *mutex,
                  uint64_t deadline_ns)
{
  struct timespec deadline;
  int r;

  if (deadline_ns == GROUND_NEVER)
    r = pthread_cond_wait (posix_cond (cond), posix_mutex (mutex));
  else {
    deadline.tv_sec = deadline_ns / GROUND_S;
    deadline.tv_nsec = deadline_ns % GROUND_S;
    r = pthread_cond_timedwait (posix_cond (cond), posix_mutex (mutex),
                                &deadline);
  }
  assert (r == 0 || r == ETIMEDOUT);
  return -r;
}

static void *
posix_thread_main (void *opaque)
{
  struct posix_start *start = opaque;

  start->run (start->argument);
  return NULL;
}

int
ground_thread_start (struct ground_thread *thread, const char *name,
                     void (*run) (void *argument), void *argument)
{
  struct posix_thread *posix = (struct posix_thread *)thread->room;
  sigset_t all, before;
  int r;

  posix->start = malloc (sizeof *posix->start);
  if (posix->start == NULL)
    return -ENOMEM;
  *posix->start = (struct posix_start){ .run = run, .argument = argument };

  /* Signals belong to the server's main thread. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  r = pthread_create (&posix->id, NULL, posix_thread_main, posix->start);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (r != 0) {
    free (posix->start);
    return -r;
  }
  pthread_setname_np (posix->id, name);
  return 0;
}

void
ground_thread_join (struct ground_thread *thread)
{
  struct posix_thread *posix = (struct posix_thread *)thread->room;
  int r = pthread_join (posix->id, NULL);

  assert (r == 0);
  free (posix->start);
}

unsigned
ground_thread_number (void)
{
  static _Atomic unsigned given;
  /* Without this the first use in a thread would allocate. */
  static _Thread_local unsigned number
    __attribute__ ((tls_model ("initial-exec")));

  if (number == 0)
    number = atomic_fetch_add_explicit (&given, 1, memory_order_relaxed) + 1;
  return number;
}

uint64_t
ground_now (void)
{
  struct timespec now;
  int r = clock_gettime (CLOCK_MONOTONIC, &now);

  assert (r == 0);
  return now.tv_sec * GROUND_S + now.tv_nsec;
}

uint64_t
ground_utc_us (void)
{
  struct timespec now;

  if (clock_gettime (CLOCK_REALTIME, &now) == -1)
    assert (0);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
