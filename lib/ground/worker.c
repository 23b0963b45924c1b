/* SPDX-License-Identifier: BSD-3-Clause */
/* worker: a thread of ours that works when it is woken, when its time has
 * come, and until it is told to stop.
 */
#include "ground/util.h"
#include "ground/worker.h"

void
worker_init (struct worker *worker)
{
  worker->started = worker->woken = worker->ended = false;
  atomic_init (&worker->stopping, false);
  ground_mutex_init (&worker->lock);
  ground_cond_init (&worker->changed);
}

void
worker_destroy (struct worker *worker)
{
  assert (!worker->started);
  ground_cond_destroy (&worker->changed);
  ground_mutex_destroy (&worker->lock);
}

static void
run (void *argument)
{
  struct worker *worker = argument;

  worker->run (worker->argument);
  ground_mutex_lock (&worker->lock);
  worker->ended = true;
  ground_cond_broadcast (&worker->changed);
  ground_mutex_unlock (&worker->lock);
}

int
worker_start (struct worker *worker, const char *name,
              void (*what) (void *argument), void *argument)
{
  int r;

  assert (!worker->started);
  worker->run = what;
  worker->argument = argument;
  worker->ended = false;
  r = ground_thread_start (&worker->thread, name, run, worker);
  worker->started = r == 0;
  return r;
}

void
worker_wake (struct worker *worker)
{
  ground_mutex_lock (&worker->lock);
  worker->woken = true;
  ground_cond_broadcast (&worker->changed);
  ground_mutex_unlock (&worker->lock);
}

bool
worker_sleep (struct worker *worker, uint64_t deadline_ns)
{
  ground_mutex_lock (&worker->lock);
  /* Without a deadline: woken by worker_wake or by the stop, and the stop
   * always comes.
   */
  while (!worker_is_stopping (worker) && !worker->woken
         && ground_cond_wait (&worker->changed, &worker->lock, deadline_ns)
              == 0)
    ;
  worker->woken = false;
  ground_mutex_unlock (&worker->lock);
  return !worker_is_stopping (worker);
}

void
worker_pause (struct worker *worker, uint64_t deadline_ns)
{
  ground_mutex_lock (&worker->lock);
  while (!worker_is_stopping (worker)
         && ground_cond_wait (&worker->changed, &worker->lock, deadline_ns)
              == 0)
    ;
  ground_mutex_unlock (&worker->lock);
}

void
worker_ask_to_stop (struct worker *worker)
{
  ground_mutex_lock (&worker->lock);
  atomic_store (&worker->stopping, true);
  ground_cond_broadcast (&worker->changed);
  ground_mutex_unlock (&worker->lock);
}

int
worker_wait_end (struct worker *worker, uint64_t deadline_ns)
{
  int r = 0;

  ground_mutex_lock (&worker->lock);
  while (worker->started && !worker->ended && r == 0)
    r = ground_cond_wait (&worker->changed, &worker->lock, deadline_ns);
  ground_mutex_unlock (&worker->lock);
  return r;
}

bool
worker_stop (struct worker *worker)
{
  if (!worker->started)
    return false;
  worker_ask_to_stop (worker);
  ground_thread_join (&worker->thread);
  worker->started = false;
  return true;
}
