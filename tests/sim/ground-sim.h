/* SPDX-License-Identifier: BSD-3-Clause */
/* ground-sim: control of the simulated ground.
 *
 * The second body of lib/ground/ground.h runs every thread as a fiber on one
 * real thread.  sim_run is a whole world: it begins with one fiber, ends
 * when that fiber returns, and judges what happened.  Everything below
 * sim_run is called from inside a world only.
 */
#ifndef MIRROR_GROUND_SIM_H
#define MIRROR_GROUND_SIM_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_FIBERS_MAX 64

enum sim_verdict {
  SIM_GOOD,
  SIM_DEADLOCK, /* nothing can run and no deadline is left */
  SIM_LIVELOCK, /* too many steps */
  SIM_MISUSE,   /* the ground was used wrongly, or something was left over */
  SIM_FAILED,   /* sim_fail: an oracle or the model of a leg says so */
};

/* How the scheduler behaves; chances are parts of 1024. */
struct sim_options {
  uint64_t seed;
  unsigned switches;  /* switch to another fiber at a call of the ground */
  unsigned spurious;  /* wake somebody's wait for no reason */
  unsigned naps;      /* take this fiber off for long, wherever it is (of
                         65536) */
  unsigned hurry;     /* the clock reaches the next deadline although
                         somebody could still run */
  bool priorities;    /* the runnable fiber with the highest priority runs;
                         @switches: how often priorities change */
  uint64_t steps_max; /* calls of the ground; 0: a default */
};

struct sim_result {
  enum sim_verdict verdict;
  char reason[512];                /* one line, empty when good */
  char dump[8192];                 /* who waits where, several lines */
  uint64_t hash;                   /* of everything that happened */
  uint64_t steps, switches, wakes; /* wakes: spurious ones */
  uint64_t end_ns;                 /* virtual time at the end */
};

/* Run a world of which @run is the first fiber.  Not reentrant.  A world
 * that is not good is abandoned as it stands: its memory is lost.
 */
void sim_run (const struct sim_options *options, void (*run) (void *argument),
              void *argument, struct sim_result *ret);

/* "deadlock" and so on. */
const char *sim_verdict_name (enum sim_verdict verdict);

/* End this world. */
_Noreturn void sim_fail (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

struct ground_thread;

bool sim_is_running (void); /* inside a world? */
int sim_self (void);        /* this fiber, 0 .. SIM_FIBERS_MAX - 1 */
const char *sim_name (int fiber);
uint64_t sim_time (void);       /* ground_now without a chance to switch */
void sim_point (void);          /* a chance to switch */
unsigned sim_held (void);       /* mutexes held by this fiber */
void sim_trace (uint64_t word); /* into the hash */

/* A line for whoever watches one seed. */
extern bool sim_verbose;
#define sim_log(...)              \
  do {                            \
    if (sim_verbose)              \
      sim_log_line (__VA_ARGS__); \
  } while (0)
void sim_log_line (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* The fiber of a started thread. */
int sim_thread_fiber (const struct ground_thread *thread);

/* How often the clock moved on because nobody could run, and not because of
 * a nap.
 */
uint64_t sim_idles (void);

/* Sleep until unparked (true) or @until_ns has come (false).  An unpark that
 * comes early is kept.
 */
bool sim_park (uint64_t until_ns);
void sim_unpark (int fiber);

/* Called whenever a fiber is about to wait on a condition. */
void sim_set_wait_hook (void (*hook) (void));

#endif /* MIRROR_GROUND_SIM_H */
