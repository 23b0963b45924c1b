/* SPDX-License-Identifier: BSD-3-Clause */
/* worker: a thread of ours that works when it is woken, when its time has
 * come, and until it is told to stop.
 *
 *   init - start - (wake, sleep, pause)... - ask_to_stop - stop - destroy
 *
 * What it runs is a loop around worker_sleep.  Only the worker itself sleeps
 * and pauses; everybody may wake it and ask it to stop, before the start, too.
 *
 * Locks: its own mutex, a leaf.  May block: sleep and pause, until the worker
 * is woken or asked to stop, or the deadline; wait_end and stop, for what the
 * worker is doing just then.
 */
#ifndef MIRROR_WORKER_H
#define MIRROR_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"

struct worker {
  struct ground_thread thread;
  struct ground_mutex lock; /* for the three flags */
  struct ground_cond changed;
  void (*run) (void *argument);
  void *argument;
  bool started, woken, ended;
  _Atomic bool stopping;
};

void worker_init (struct worker *worker);

/* It was never started, or it was stopped. */
void worker_destroy (struct worker *worker);

/* Run @run (@argument) in a thread called @name (at most 15 bytes).  0 or
 * -errno.  Not while it runs.
 */
int worker_start (struct worker *worker, const char *name,
                  void (*run) (void *argument), void *argument);

static inline bool
worker_is_started (const struct worker *worker)
{
  return worker->started;
}

/* There may be something to do: its next sleep, or the one that it is in,
 * ends.
 */
void worker_wake (struct worker *worker);

/* Until it is woken or @deadline_ns (of ground_now).  False: it is time to
 * end.
 */
bool worker_sleep (struct worker *worker, uint64_t deadline_ns);

/* Until @deadline_ns or the stop, whoever wakes it: for a later sleep. */
void worker_pause (struct worker *worker, uint64_t deadline_ns);

static inline bool
worker_is_stopping (const struct worker *worker)
{
  return atomic_load (&worker->stopping);
}

/* It should end after what it is doing now.  Does not wait for that. */
void worker_ask_to_stop (struct worker *worker);

/* Until it has come to its end: 0, or -ETIMEDOUT at @deadline_ns. */
int worker_wait_end (struct worker *worker, uint64_t deadline_ns);

/* Ask it to stop and wait for its end.  False: it was not running. */
bool worker_stop (struct worker *worker);

#endif /* MIRROR_WORKER_H */
