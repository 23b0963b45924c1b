/* SPDX-License-Identifier: BSD-3-Clause */
/* mirror-crash: md arrays in simulated worlds, cut short by crashes.
 *
 * mirror-crash [--first S] [--states N] [--known FILE] [--verbose]
 * mirror-crash --seed S [--verbose]
 *
 * --plant NAME    with a bug on purpose
 * --only CHECKER  that only this one is to find: O1, L5 ...
 *
 * The seeds of the known file, then those from S on, until N states have been
 * checked.  On failure the last
 * line of the output replays it:
 *
 *   mirror-crash --seed 12345: O2: ...
 *
 * Exit status 0 good, 1 a seed failed or something never happened, 2 usage.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crash-check.h"
#include "crash-explore.h"
#include "crash-marks.h"
#include "crash-world.h"
#include "ground/log.h"
#include "ground/util.h"
#include "sim-known.h"
#include "tests/hang-limit.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define MIRROR_SIM_ASAN
#endif

/* From so many states on every mark has to be reached. */
#define MARKS_STATES 50000

uint64_t crash_marks[CRASH_MARKS_COUNT];
const char *const crash_mark_texts[CRASH_MARKS_COUNT] = {
#define X(name, text) text,
  CRASH_MARKS (X)
#undef X
};

static uint64_t current_seed;

static void
swallow_log (enum log_level level, const char *message)
{
  (void)level;
  if (sim_is_running ())
    sim_log ("log: %s", message);
}

static void
print_crash (const char *how)
{
  char line[128];
  int n = snprintf (line, sizeof line, "mirror-crash --seed %llu: %s\n",
                    (unsigned long long)current_seed, how);

  if (write (STDOUT_FILENO, line, n) != n)
    _exit (2);
}

static void
on_signal (int number)
{
  print_crash (number == SIGALRM   ? "hangs"
               : number == SIGABRT ? "aborted, see above"
                                   : "crashed");
  _exit (1);
}

#ifdef MIRROR_SIM_ASAN
static void
on_sanitizer (void)
{
  print_crash ("sanitizer, see above");
}
#endif

/* On a stack of its own, since a fiber's may be what is exhausted. */
static void
catch_signals (void)
{
  static _Alignas (16) char memory[65536];
  const stack_t stack = { .ss_sp = memory, .ss_size = sizeof memory };
  const struct sigaction action
    = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

  sigaltstack (&stack, NULL);
  sigaction (SIGABRT, &action, NULL);
  sigaction (SIGALRM, &action, NULL);
#ifdef MIRROR_SIM_ASAN
  __sanitizer_set_death_callback (on_sanitizer);
#else
  sigaction (SIGSEGV, &action, NULL);
  sigaction (SIGBUS, &action, NULL);
  sigaction (SIGFPE, &action, NULL);
#endif
}

static bool
run_seed (uint64_t seed)
{
  char why[CRASH_WHY_MAX] = "";

  current_seed = seed;
  /* It hangs outside of the ground's calls. */
  alarm (hang_limit_s ());
  if (explore_seed (seed, why))
    return true;
  fflush (stderr);
  printf ("mirror-crash --seed %llu", (unsigned long long)seed);
  if (crash_plant != PLANT_NONE)
    printf (" --plant %s", crash_plant_names[crash_plant]);
  if (crash_only != NULL)
    printf (" --only %s", crash_only);
  printf (": %s\n", why);
  fflush (stdout);
  return false;
}

static bool
print_totals (double seconds)
{
  const struct explore_counts *e = &explore_counts;
  const struct crash_counts *c = &crash_counts;
  bool good = true;

  printf ("%llu states after %llu crashes, %llu seeds, in %.1f s (%.0f/s); "
          "%llu with legs missing\n",
          (unsigned long long)e->states, (unsigned long long)e->points,
          (unsigned long long)e->seeds, seconds, e->states / seconds,
          (unsigned long long)e->subsets);
  printf ("%llu restarts of the engine; %llu operations, %llu of them failed; "
          "%llu steps, %.0f s of virtual time\n",
          (unsigned long long)e->restarts, (unsigned long long)c->operations,
          (unsigned long long)c->errors, (unsigned long long)c->steps,
          c->virtual_s);
  for (unsigned i = 0; i < CRASH_MARKS_COUNT; i++) {
    if (e->states >= MARKS_STATES || crash_marks[i] > 0)
      printf ("%12llu  %s\n", (unsigned long long)crash_marks[i],
              crash_mark_texts[i]);
    good &= crash_marks[i] > 0;
  }
  if (!good && e->states >= MARKS_STATES) {
    printf ("something above never happened\n");
    return false;
  }
  printf ("0 violations\n");
  return true;
}

static enum crash_plant
plant_of (const char *name)
{
  for (enum crash_plant i = 0; i < CRASH_PLANTS; i++)
    if (strcmp (crash_plant_names[i], name) == 0)
      return i;
  return CRASH_PLANTS;
}

static void
usage (void)
{
  fputs ("usage: mirror-crash [--first S] [--states N] [--known FILE] "
         "[--seed S] [--plant NAME] [--only CHECKER] [--verbose]\n",
         stderr);
  exit (2);
}

int
main (int argc, char **argv)
{
  static const struct option options[] = {
    { "first", required_argument, NULL, 'f' },
    { "states", required_argument, NULL, 'n' },
    { "known", required_argument, NULL, 'k' },
    { "seed", required_argument, NULL, 's' },
    { "plant", required_argument, NULL, 'p' },
    { "only", required_argument, NULL, 'o' },
    { "verbose", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 },
  };
  uint64_t first = 1, states = 10000;
  const char *known = NULL;
  bool alone = false, good = true;
  struct timespec begin, end;
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case 's':
      alone = true;
      /* fall through */
    case 'f':
      first = strtoull (optarg, NULL, 10);
      break;
    case 'n':
      states = strtoull (optarg, NULL, 10);
      break;
    case 'k':
      known = optarg;
      break;
    case 'p':
      crash_plant = plant_of (optarg);
      if (crash_plant == CRASH_PLANTS)
        usage ();
      break;
    case 'o':
      crash_only = optarg;
      break;
    case 'v':
      sim_verbose = true;
      break;
    default:
      usage ();
    }
  if (optind != argc)
    usage ();

  log_set_sink (swallow_log);
  catch_signals ();
  clock_gettime (CLOCK_MONOTONIC, &begin);
  if (known != NULL)
    good = sim_run_known (known, run_seed);
  if (good)
    do
      good = run_seed (first++);
    while (good && !alone && explore_counts.states < states);
  clock_gettime (CLOCK_MONOTONIC, &end);
  if (!good)
    return 1;
  if (alone) {
    printf ("good\n");
    return 0;
  }
  return print_totals (end.tv_sec - begin.tv_sec
                       + (end.tv_nsec - begin.tv_nsec) / 1e9)
           ? 0
           : 1;
}
