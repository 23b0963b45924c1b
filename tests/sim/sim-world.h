/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-world: the fibers, who runs, what time it is, and how a world ends.
 *
 * What ground-sim.c needs of sim-world.c, and nobody else: tests and models
 * include ground-sim.h.
 */
#ifndef MIRROR_SIM_WORLD_H
#define MIRROR_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "ground-sim.h"
#include "sim-fiber.h"
#include "sim-random.h"

#define SIM_MAGIC_MUTEX 0x6d757478u
#define SIM_MAGIC_COND 0x636f6e64u
#define SIM_MAGIC_THREAD 0x74687264u

struct sim_mutex {
  uint32_t magic;
  uint32_t number; /* for people */
  int owner;       /* a fiber; -1: free */
  uint64_t waiters;
};

struct sim_cond {
  uint32_t magic;
  uint32_t number;
  uint64_t waiters;
};

struct sim_thread {
  uint32_t magic;
  int fiber;
};

enum fiber_state {
  FIBER_FREE,
  FIBER_RUNNABLE,
  FIBER_LOCKING, /* @on: a mutex */
  FIBER_WAITING, /* @on: a condition */
  FIBER_JOINING, /* @on: a fiber */
  FIBER_PARKED,
  FIBER_NAPPING,
  FIBER_ENDED, /* and not yet joined */
};

struct fiber {
  struct fiber_stack stack;
  enum fiber_state state;
  char name[16];
  void (*run) (void *argument);
  void *argument;
  const void *on;
  const void *caller; /* who called the ground to wait */
  uint64_t deadline_ns;
  bool is_late;  /* woken by the deadline */
  bool unparked; /* before it parked */
  unsigned held; /* mutexes */
  uint64_t joiners;
  uint64_t priority;
};

struct world {
  bool is_running;
  struct sim_options options;
  struct sim_result *result;
  struct random_stream chance;  /* the scheduler's */
  int current;                  /* a fiber; -1: the real thread */
  int previous;
  uint64_t runnable, timed, waiting; /* sets of fibers */
  uint64_t now_ns;
  uint64_t idles;
  unsigned naps;    /* fibers that nap */
  uint64_t lowest;  /* next priority below all others */
  unsigned objects; /* mutexes and conditions alive */
  uint32_t number;  /* of the latest one */
  void (*wait_hook) (void);
};

extern struct fiber world_fibers[SIM_FIBERS_MAX];
extern struct world world;

static inline uint64_t
world_bit (int fiber)
{
  return UINT64_C (1) << fiber;
}

static inline struct fiber *
world_self (void)
{
  return &world_fibers[world.current];
}

/* A number for addr2line, wherever the program is loaded. */
unsigned long world_address (const void *address);

_Noreturn void world_fail (enum sim_verdict verdict, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* A runnable fiber; -1: there are too many. */
int world_fiber (const char *name, void (*run) (void *argument),
                 void *argument);

/* Off the list until woken.  False: the deadline woke it. */
bool world_block (enum fiber_state state, const void *on, uint64_t deadline_ns,
                  const void *caller);

/* One of a set that is not empty. */
int world_pick (uint64_t set);

void world_wake (uint64_t set);

#endif /* MIRROR_SIM_WORLD_H */
