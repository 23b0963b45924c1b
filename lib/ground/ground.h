/* SPDX-License-Identifier: BSD-3-Clause */
/* ground: threads, mutexes, conditions and clock.
 *
 * One header with two bodies.  ground-posix.c is the real one;
 * tests/sim/ground-sim.c runs every thread as a fiber on one real thread
 * with a virtual clock and a seeded scheduler that may switch at every call
 * below.  The engine reaches all of these only through this header, so the
 * engine that ships is the engine that is simulated.
 *
 * Objects are storage of the caller; nothing here allocates except
 * ground_thread_start.  Calls on uninitialised objects, unlocking what is
 * not held and the like are bugs of ours and assert.
 */
#ifndef MIRROR_GROUND_H
#define MIRROR_GROUND_H

#include <stdbool.h>
#include <stdint.h>

#define GROUND_MS (UINT64_C (1000000))
#define GROUND_S (UINT64_C (1000000000))

/* No deadline.  Only where the waker cannot die before the waiter; the
 * comment at the call says who the waker is.
 */
#define GROUND_NEVER UINT64_MAX

/* Opaque, large enough for both bodies (each asserts so). */
struct ground_mutex {
  _Alignas (16) unsigned char room[48];
};
struct ground_cond {
  _Alignas (16) unsigned char room[64];
};
struct ground_thread {
  _Alignas (16) unsigned char room[32];
};

void ground_mutex_init (struct ground_mutex *mutex);
void ground_mutex_destroy (struct ground_mutex *mutex);
void ground_mutex_lock (struct ground_mutex *mutex);
void ground_mutex_unlock (struct ground_mutex *mutex);

/* False: somebody has it.  Does not wait. */
bool ground_mutex_try_lock (struct ground_mutex *mutex);

void ground_cond_init (struct ground_cond *cond);
void ground_cond_destroy (struct ground_cond *cond);
void ground_cond_signal (struct ground_cond *cond);
void ground_cond_broadcast (struct ground_cond *cond);

/* Wait with @mutex held until signalled, spuriously woken, or @deadline_ns
 * of ground_now has passed.  0, or -ETIMEDOUT after the deadline.  Callers
 * loop on their own condition.
 */
int ground_cond_wait (struct ground_cond *cond, struct ground_mutex *mutex,
                      uint64_t deadline_ns);

/* Start @run (@argument) with all signals blocked; @name (at most 15 bytes)
 * is seen in debuggers.  0 or -errno.  Every started thread is joined once.
 */
int ground_thread_start (struct ground_thread *thread, const char *name,
                         void (*run) (void *argument), void *argument);
void ground_thread_join (struct ground_thread *thread);

/* A small number, the calling thread's as long as it lives.  Threads that run
 * at the same time have different ones, mostly: with it they look for free
 * things in different places, instead of all in one.
 */
unsigned ground_thread_number (void);

/* Monotonic nanoseconds; never goes back, unrelated to the time of day. */
uint64_t ground_now (void);

/* The time of day, UTC: microseconds since 1970; may be set back.  For people
 * and for superblocks, never to wait by.
 */
uint64_t ground_utc_us (void);

#endif /* MIRROR_GROUND_H */
