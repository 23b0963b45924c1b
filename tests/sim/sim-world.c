/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-world: the fibers, who runs, what time it is, and how a world ends.
 *
 * Every thread is a fiber; one runs, and may be taken off at every call of
 * the ground.  Sets of fibers are 64-bit masks: those that can run, those
 * with a deadline, those that wait for a mutex or condition.
 *
 * The virtual clock moves only when nobody can run (or, if the options say
 * so, now and then in a hurry): then to the earliest deadline.  Nobody can
 * run and no deadline left is a deadlock, found the moment it happens.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "sim-world.h"

#define STEPS_DEFAULT UINT64_C (20000000)

/* Not 0: no real clock ever shows that. */
#define TIME_BEGIN GROUND_S

struct fiber world_fibers[SIM_FIBERS_MAX];
struct world world = { .current = -1 };

static struct fiber_stack home;

static inline void
trace (uint64_t word)
{
  world.result->hash
    = (world.result->hash ^ word) * UINT64_C (0x9e3779b97f4a7c15)
      + (world.result->hash >> 29);
}

/* --- the end of a world --- */

static const char *const state_names[] = {
  "free",   "runnable", "waits for mutex", "waits on condition", "joins",
  "parked", "naps",     "ended",
};

const char *
sim_verdict_name (enum sim_verdict verdict)
{
  static const char *const names[]
    = { "good", "deadlock", "livelock", "misuse", "failed" };

  return names[verdict];
}

/* An address that addr2line understands, wherever the program is loaded. */
unsigned long
world_address (const void *address)
{
  extern const char __executable_start[];

  return (const char *)address - __executable_start;
}

static void
dump_fiber (char *ret, size_t size, int i)
{
  const struct fiber *f = &world_fibers[i];
  const struct sim_mutex *mutex = f->on;
  const struct sim_cond *cond = f->on;
  char on[64] = "", until[64] = "";

  if (f->state == FIBER_LOCKING)
    snprintf (on, sizeof on, " %u held by %s", mutex->number,
              mutex->owner >= 0 ? world_fibers[mutex->owner].name : "nobody");
  else if (f->state == FIBER_WAITING)
    snprintf (on, sizeof on, " %u", cond->number);
  else if (f->state == FIBER_JOINING)
    snprintf (on, sizeof on, " %s", ((const struct fiber *)f->on)->name);
  if (f->deadline_ns != GROUND_NEVER && (world.timed & world_bit (i)))
    snprintf (until, sizeof until, " until %llu ns",
              (unsigned long long)f->deadline_ns);
  snprintf (ret, size, "  %-15s %s%s%s, holds %u, called from 0x%lx%s\n",
            f->name, state_names[f->state], on, until, f->held,
            world_address (f->caller), i == world.current ? " (running)" : "");
}

static void
dump (void)
{
  char *to = world.result->dump;
  size_t left = sizeof world.result->dump;

  for (int i = 0; i < SIM_FIBERS_MAX; i++)
    if (world_fibers[i].state != FIBER_FREE && left > 1) {
      dump_fiber (to, left, i);
      left -= strlen (to);
      to += strlen (to);
    }
}

static _Noreturn void
end_world (void)
{
  int current = world.current;

  world.result->end_ns = world.now_ns;
  world.is_running = false;
  world.previous = current;
  world.current = -1;
  fiber_leave (&world_fibers[current].stack, &home);
}

static _Noreturn void
fail_as (enum sim_verdict verdict, const char *format, va_list list)
{
  world.result->verdict = verdict;
  vsnprintf (world.result->reason, sizeof world.result->reason, format, list);
  dump ();
  end_world ();
}

void
sim_fail (const char *format, ...)
{
  va_list list;

  va_start (list, format);
  fail_as (SIM_FAILED, format, list);
}

void
world_fail (enum sim_verdict verdict, const char *format, ...)
{
  va_list list;

  va_start (list, format);
  fail_as (verdict, format, list);
}

/* --- the scheduler --- */

static void
wake (int i, bool is_late)
{
  struct fiber *f = &world_fibers[i];

  assert (f->state != FIBER_FREE && f->state != FIBER_ENDED);
  f->state = FIBER_RUNNABLE;
  f->is_late = is_late;
  world.runnable |= world_bit (i);
  world.timed &= ~world_bit (i);
  world.waiting &= ~world_bit (i);
}

void
world_wake (uint64_t set)
{
  for (; set != 0; set &= set - 1)
    wake (__builtin_ctzll (set), false);
}

/* Take a waiter off its condition: by deadline, or for no reason. */
static void
wake_waiter (int i, bool is_late)
{
  struct fiber *f = &world_fibers[i];

  if (f->state == FIBER_WAITING)
    ((struct sim_cond *)f->on)->waiters &= ~world_bit (i);
  wake (i, is_late);
}

int
world_pick (uint64_t set)
{
  unsigned n = random_below (&world.chance, __builtin_popcountll (set));

  while (n-- > 0)
    set &= set - 1;
  return __builtin_ctzll (set);
}

static int
choose (void)
{
  uint64_t set = world.runnable;
  int best;

  if (!world.options.priorities)
    return world_pick (set);
  best = __builtin_ctzll (set);
  for (set &= set - 1; set != 0; set &= set - 1)
    if (world_fibers[__builtin_ctzll (set)].priority
        > world_fibers[best].priority)
      best = __builtin_ctzll (set);
  return best;
}

/* To the earliest deadline, and wake all whose time has come. */
static void
advance_clock (void)
{
  uint64_t earliest = GROUND_NEVER, set;

  for (set = world.timed; set != 0; set &= set - 1)
    earliest = MIN (earliest, world_fibers[__builtin_ctzll (set)].deadline_ns);
  world.now_ns = MAX (world.now_ns, earliest);
  for (set = world.timed; set != 0; set &= set - 1)
    if (world_fibers[__builtin_ctzll (set)].deadline_ns <= world.now_ns)
      wake_waiter (__builtin_ctzll (set), true);
}

static unsigned
count_stuck (void)
{
  unsigned n = 0;

  for (int i = 0; i < SIM_FIBERS_MAX; i++)
    n += world_fibers[i].state >= FIBER_LOCKING
         && world_fibers[i].state < FIBER_PARKED;
  return n;
}

/* Let somebody run: perhaps the caller, if it still can. */
static void
reschedule (void)
{
  int from = world.current, to;

  while (world.runnable == 0) {
    if (world.timed == 0)
      world_fail (SIM_DEADLOCK, "%u fibers wait for each other for ever",
                  count_stuck ());
    world.idles += world.naps == 0;
    advance_clock ();
  }
  to = choose ();
  if (to == from)
    return;
  world.result->switches++;
  trace ((uint64_t)to << 32 | (world.now_ns & 0xffffffff));
  world.previous = from;
  world.current = to;
  fiber_switch (&world_fibers[from].stack, &world_fibers[to].stack);
}

/* Off the list until woken.  False: the deadline woke it. */
bool
world_block (enum fiber_state state, const void *on, uint64_t deadline_ns,
             const void *caller)
{
  struct fiber *f = &world_fibers[world.current];

  f->state = state;
  f->on = on;
  f->caller = caller;
  f->deadline_ns = deadline_ns;
  f->is_late = false;
  world.runnable &= ~world_bit (world.current);
  if (deadline_ns != GROUND_NEVER)
    world.timed |= world_bit (world.current);
  if (state == FIBER_WAITING)
    world.waiting |= world_bit (world.current);
  reschedule ();
  return !f->is_late;
}

/* The processor was given to somebody else. */
static void
nap (void)
{
  uint64_t ns = random_exponential (&world.chance, GROUND_MS);

  if (ns == 0)
    return;
  world.naps++;
  world_block (FIBER_NAPPING, NULL, world.now_ns + ns, NULL);
  world.naps--;
}

void
sim_point (void)
{
  uint64_t n;

  assert (world.is_running);
  if (++world.result->steps > world.options.steps_max)
    world_fail (SIM_LIVELOCK, "%llu steps and no end",
                (unsigned long long)world.options.steps_max);
  n = random_next (&world.chance);
  if (world.waiting != 0 && ((n >> 20) & 1023) < world.options.spurious
      && (n >> 60) == 0) {
    wake_waiter (world_pick (world.waiting), false);
    world.result->wakes++;
  }
  if (world.timed != 0 && ((n >> 30) & 1023) < world.options.hurry
      && ((n >> 56) & 15) == 0)
    advance_clock ();
  if (((n >> 40) & 65535) < world.options.naps)
    nap ();
  else if (world.options.priorities) {
    if (((n >> 10) & 1023) < world.options.switches)
      world_fibers[world.current].priority = --world.lowest;
    reschedule ();
  }
  else if ((n & 1023) < world.options.switches)
    reschedule ();
}

/* --- fibers --- */

static void
check_nothing_left (void)
{
  for (int i = 1; i < SIM_FIBERS_MAX; i++)
    if (world_fibers[i].state != FIBER_FREE)
      world_fail (SIM_MISUSE, "thread %s was never joined",
                  world_fibers[i].name);
  if (world_fibers[0].held != 0)
    world_fail (SIM_MISUSE, "the world ends with a mutex held");
  if (world.objects != 0)
    world_fail (SIM_MISUSE, "%u mutexes or conditions were never destroyed",
                world.objects);
}

static void
fiber_main (void)
{
  struct fiber *f;

  fiber_entered (world.previous < 0 ? &home
                                    : &world_fibers[world.previous].stack);
  f = &world_fibers[world.current];
  f->run (f->argument);

  f = &world_fibers[world.current];
  if (world.current == 0) {
    check_nothing_left ();
    end_world ();
  }
  if (f->held != 0)
    world_fail (SIM_MISUSE, "thread %s ends with a mutex held", f->name);
  world_wake (f->joiners);
  f->joiners = 0;
  f->state = FIBER_ENDED;
  world.runnable &= ~world_bit (world.current);
  reschedule ();
  abort ();
}

int
world_fiber (const char *name, void (*run) (void *argument), void *argument)
{
  struct fiber *f;
  int i = 0;

  while (i < SIM_FIBERS_MAX && world_fibers[i].state != FIBER_FREE)
    i++;
  if (i == SIM_FIBERS_MAX)
    return -1;
  f = &world_fibers[i];
  f->state = FIBER_RUNNABLE;
  snprintf (f->name, sizeof f->name, "%s", name);
  f->run = run;
  f->argument = argument;
  f->on = f->caller = NULL;
  f->unparked = false;
  f->held = 0;
  f->joiners = 0;
  f->priority = (random_next (&world.chance) >> 2) | UINT64_C (1) << 62;
  fiber_prepare (&f->stack, fiber_main);
  world.runnable |= world_bit (i);
  return i;
}

void
sim_run (const struct sim_options *options, void (*run) (void *argument),
         void *argument, struct sim_result *ret)
{
  assert (!world.is_running);
  memset (ret, 0, sizeof *ret);
  memset (&world, 0, sizeof world);
  world.options = *options;
  if (world.options.steps_max == 0)
    world.options.steps_max = STEPS_DEFAULT;
  world.result = ret;
  world.now_ns = TIME_BEGIN;
  world.lowest = UINT64_C (1) << 62;
  random_init (&world.chance, options->seed, 1);
  for (int i = 0; i < SIM_FIBERS_MAX; i++)
    world_fibers[i].state = FIBER_FREE;
  world_fiber ("main", run, argument);
  world.is_running = true;
  world.previous = -1;
  fiber_switch (&home, &world_fibers[0].stack);
}

/* --- control --- */

bool
sim_is_running (void)
{
  return world.is_running;
}

int
sim_self (void)
{
  return world.current;
}

const char *
sim_name (int fiber)
{
  return world_fibers[fiber].name;
}

uint64_t
sim_time (void)
{
  return world.now_ns;
}

unsigned
sim_held (void)
{
  return world_fibers[world.current].held;
}

void
sim_trace (uint64_t word)
{
  trace (word);
}

uint64_t
sim_idles (void)
{
  return world.idles;
}

bool
sim_park (uint64_t until_ns)
{
  struct fiber *f = &world_fibers[world.current];
  bool unparked;

  sim_point ();
  if (f->unparked)
    unparked = true;
  else if (until_ns <= world.now_ns)
    unparked = false;
  else
    unparked = world_block (FIBER_PARKED, NULL, until_ns,
                            __builtin_return_address (0));
  f->unparked = false;
  return unparked;
}

void
sim_unpark (int fiber)
{
  if (world_fibers[fiber].state == FIBER_PARKED)
    wake (fiber, false);
  else
    world_fibers[fiber].unparked = true;
}

void
sim_set_wait_hook (void (*hook) (void))
{
  world.wait_hook = hook;
}

bool sim_verbose;

void
sim_log_line (const char *format, ...)
{
  va_list list;

  fprintf (stderr, "%12.6f %-10s ", world.now_ns / 1e9,
           world.current >= 0 ? world_self ()->name : "-");
  va_start (list, format);
  vfprintf (stderr, format, list);
  va_end (list);
  fputc ('\n', stderr);
}
