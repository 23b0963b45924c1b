/* SPDX-License-Identifier: BSD-3-Clause */
/* ground-sim: the second body of ground.h, for the simulator.
 *
 * Each call below first gives the scheduler a chance to switch; the rest of
 * it then happens at once, since fibers are switched nowhere else.
 */
#include <errno.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "sim-world.h"

static_assert (sizeof (struct sim_mutex) <= sizeof (struct ground_mutex),
               "room for a mutex");
static_assert (sizeof (struct sim_cond) <= sizeof (struct ground_cond),
               "room for a condition");
static_assert (sizeof (struct sim_thread) <= sizeof (struct ground_thread),
               "room for a thread");

static struct sim_mutex *
sim_mutex (struct ground_mutex *mutex)
{
  struct sim_mutex *m = (struct sim_mutex *)mutex->room;

  if (m->magic != SIM_MAGIC_MUTEX)
    world_fail (SIM_MISUSE, "%s uses a mutex that is not initialised",
                world_self ()->name);
  return m;
}

static struct sim_cond *
sim_cond (struct ground_cond *cond)
{
  struct sim_cond *c = (struct sim_cond *)cond->room;

  if (c->magic != SIM_MAGIC_COND)
    world_fail (SIM_MISUSE, "%s uses a condition that is not initialised",
                world_self ()->name);
  return c;
}

void
ground_mutex_init (struct ground_mutex *mutex)
{
  struct sim_mutex *m = (struct sim_mutex *)mutex->room;

  assert (world.is_running);
  *m = (struct sim_mutex){ SIM_MAGIC_MUTEX, ++world.number, -1, 0 };
  world.objects++;
}

void
ground_mutex_destroy (struct ground_mutex *mutex)
{
  struct sim_mutex *m = sim_mutex (mutex);

  sim_point ();
  if (m->owner >= 0 || m->waiters != 0)
    world_fail (SIM_MISUSE, "mutex %u is destroyed while in use", m->number);
  m->magic = 0;
  world.objects--;
}

/* Without a chance to switch first, but it may have to wait. */
static void
take (struct sim_mutex *m, const void *caller)
{
  while (m->owner >= 0) {
    if (m->owner == world.current)
      world_fail (SIM_MISUSE, "%s locks mutex %u, which it holds (0x%lx)",
                  world_self ()->name, m->number, world_address (caller));
    m->waiters |= world_bit (world.current);
    world_block (FIBER_LOCKING, m, GROUND_NEVER, caller);
  }
  m->owner = world.current;
  world_self ()->held++;
}

static void
release (struct sim_mutex *m, const void *caller)
{
  uint64_t waiters = m->waiters;

  if (m->owner != world.current)
    world_fail (SIM_MISUSE, "%s unlocks mutex %u, not its own (0x%lx)",
                world_self ()->name, m->number, world_address (caller));
  m->owner = -1;
  m->waiters = 0;
  world_self ()->held--;
  world_wake (waiters);
}

void
ground_mutex_lock (struct ground_mutex *mutex)
{
  struct sim_mutex *m = sim_mutex (mutex);

  sim_point ();
  take (m, __builtin_return_address (0));
}

bool
ground_mutex_try_lock (struct ground_mutex *mutex)
{
  struct sim_mutex *m = sim_mutex (mutex);

  sim_point ();
  if (m->owner >= 0)
    return false;
  take (m, __builtin_return_address (0));
  return true;
}

/* Also after it, since a mutex may be destroyed by whoever locks it last:
 * that comes too early if this fiber still had to touch it.
 */
void
ground_mutex_unlock (struct ground_mutex *mutex)
{
  release (sim_mutex (mutex), __builtin_return_address (0));
  sim_point ();
}

void
ground_cond_init (struct ground_cond *cond)
{
  struct sim_cond *c = (struct sim_cond *)cond->room;

  assert (world.is_running);
  *c = (struct sim_cond){ SIM_MAGIC_COND, ++world.number, 0 };
  world.objects++;
}

void
ground_cond_destroy (struct ground_cond *cond)
{
  struct sim_cond *c = sim_cond (cond);

  sim_point ();
  if (c->waiters != 0)
    world_fail (SIM_MISUSE, "condition %u is destroyed with waiters",
                c->number);
  c->magic = 0;
  world.objects--;
}

void
ground_cond_signal (struct ground_cond *cond)
{
  struct sim_cond *c = sim_cond (cond);

  sim_point ();
  c = sim_cond (cond);
  if (c->waiters != 0) {
    uint64_t one = world_bit (world_pick (c->waiters));

    c->waiters &= ~one;
    world_wake (one);
  }
}

void
ground_cond_broadcast (struct ground_cond *cond)
{
  struct sim_cond *c = sim_cond (cond);
  uint64_t waiters;

  sim_point ();
  c = sim_cond (cond);
  waiters = c->waiters;
  c->waiters = 0;
  world_wake (waiters);
}

int
ground_cond_wait (struct ground_cond *cond, struct ground_mutex *mutex,
                  uint64_t deadline_ns)
{
  const void *caller = __builtin_return_address (0);
  struct sim_mutex *m = sim_mutex (mutex);
  struct sim_cond *c = sim_cond (cond);
  bool in_time;

  if (world.wait_hook != NULL)
    world.wait_hook ();
  /* Whoever changes what the caller has just looked at without the mutex,
   * and signals, does it now: a wakeup lost.
   */
  sim_point ();
  release (m, caller);
  if (deadline_ns <= world.now_ns) {
    sim_point ();
    in_time = false;
  }
  else {
    c->waiters |= world_bit (world.current);
    in_time = world_block (FIBER_WAITING, c, deadline_ns, caller);
  }
  take (m, caller);
  return in_time ? 0 : -ETIMEDOUT;
}

int
ground_thread_start (struct ground_thread *thread, const char *name,
                     void (*run) (void *argument), void *argument)
{
  struct sim_thread *t = (struct sim_thread *)thread->room;
  int i;

  assert (strlen (name) <= 15);
  i = world_fiber (name, run, argument);
  if (i < 0)
    return -EAGAIN;
  *t = (struct sim_thread){ SIM_MAGIC_THREAD, i };
  sim_point ();
  return 0;
}

void
ground_thread_join (struct ground_thread *thread)
{
  struct sim_thread *t = (struct sim_thread *)thread->room;
  struct fiber *f;

  if (t->magic != SIM_MAGIC_THREAD)
    world_fail (SIM_MISUSE, "%s joins a thread that was not started",
                world_self ()->name);
  f = &world_fibers[t->fiber];
  sim_point ();
  while (f->state != FIBER_ENDED) {
    f->joiners |= world_bit (world.current);
    world_block (FIBER_JOINING, f, GROUND_NEVER, __builtin_return_address (0));
  }
  f->state = FIBER_FREE;
  t->magic = 0;
}

unsigned
ground_thread_number (void)
{
  sim_point ();
  return world.current + 1;
}

uint64_t
ground_now (void)
{
  sim_point ();
  return world.now_ns;
}

uint64_t
ground_utc_us (void)
{
  return UINT64_C (1700000000000000) + ground_now () / 1000;
}

int
sim_thread_fiber (const struct ground_thread *thread)
{
  return ((const struct sim_thread *)thread->room)->fiber;
}
