/* SPDX-License-Identifier: BSD-3-Clause */
/* mirror-sim: the engine in many simulated worlds, one for each seed.
 *
 * mirror-sim [--first S] [--seeds N] [--known FILE] [--verbose]
 * mirror-sim --seed S [--verbose]
 *
 * On failure the last line of the output replays it:
 *
 *   mirror-sim --seed 12345: deadlock: ...
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

#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "sim-config.h"
#include "sim-known.h"
#include "tests/hang-limit.h"
#include "sim-marks.h"
#include "workload.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define MIRROR_SIM_ASAN
#endif

/* From so many seeds on every mark has to be reached. */
#define MARKS_SEEDS 10000

uint64_t sim_marks[SIM_MARKS_COUNT];
const char *const sim_mark_texts[SIM_MARKS_COUNT] = {
#define X(name, text) text,
  SIM_MARKS (X)
#undef X
};

static struct {
  uint64_t seed;
  uint64_t seeds, twice, steps, switches, wakes;
  double virtual_s;
} total;

static void
swallow_log (enum log_level level, const char *message)
{
  (void)level;
  sim_log ("log: %s", message);
}

static void
print_crash (const char *how)
{
  char line[128];
  int n = snprintf (line, sizeof line, "mirror-sim --seed %llu: %s\n",
                    (unsigned long long)total.seed, how);

  if (write (STDOUT_FILENO, line, n) != n)
    _exit (2);
}

/* An assertion, a crash, or a hang between two calls of the ground. */
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

/* sim-preempt, in the program that has it. */
void __attribute__ ((weak)) sim_preempt_begin (void);

static void
run_world (uint64_t seed, struct sim_result *ret)
{
  static struct sim_config config;

  total.seed = seed;
  /* It hangs outside of the ground's calls. */
  alarm (hang_limit_s ());
  sim_config_expand (seed, &config);
  if (sim_verbose) {
    sim_config_print (&config);
    fflush (stdout);
  }
  if (sim_preempt_begin != NULL)
    sim_preempt_begin ();
  sim_run (&config.ground, workload_run, &config, ret);
  if (ret->wakes > 0)
    SOMETIMES (SPURIOUS_WAKE);
}

static void
report (uint64_t seed, const char *verdict, const struct sim_result *result)
{
  fflush (stderr);
  if (result->dump[0] != '\0')
    printf ("virtual time %.6f s, step %llu:\n%s", result->end_ns / 1e9,
            (unsigned long long)result->steps, result->dump);
  printf ("mirror-sim --seed %llu: %s: %s\n", (unsigned long long)seed, verdict,
          result->reason);
  fflush (stdout);
}

static bool
run_seed (uint64_t seed)
{
  static struct sim_result result, again;

  run_world (seed, &result);
  total.seeds++;
  total.steps += result.steps;
  total.switches += result.switches;
  total.wakes += result.wakes;
  total.virtual_s += result.end_ns / 1e9;
  if (result.verdict != SIM_GOOD) {
    report (seed, sim_verdict_name (result.verdict), &result);
    return false;
  }
  if (seed % 100 != 0 || sim_verbose)
    return true;
  run_world (seed, &again);
  total.twice++;
  if (again.hash == result.hash && again.steps == result.steps)
    return true;
  snprintf (again.reason, sizeof again.reason,
            "two runs differ: %llu and %llu steps",
            (unsigned long long)result.steps, (unsigned long long)again.steps);
  report (seed, "not deterministic", &again);
  return false;
}

static bool
print_totals (double seconds)
{
  const struct workload_counts *c = &workload_counts;
  bool good = true;

  printf ("%llu seeds in %.1f s (%.0f/s), %llu of them twice; %.0f s of "
          "virtual time\n",
          (unsigned long long)total.seeds, seconds, total.seeds / seconds,
          (unsigned long long)total.twice, total.virtual_s);
  printf ("%llu steps, %llu switches, %llu spurious wakeups\n",
          (unsigned long long)total.steps, (unsigned long long)total.switches,
          (unsigned long long)total.wakes);
  printf ("%llu requests: %llu errors, %llu refused; %llu children: %llu hard "
          "and %llu harmless errors; %llu legs out\n",
          (unsigned long long)c->operations, (unsigned long long)c->errors,
          (unsigned long long)c->refused, (unsigned long long)c->children,
          (unsigned long long)c->hard_faults,
          (unsigned long long)c->harmless_faults,
          (unsigned long long)c->legs_out);
  printf ("%llu flushes checked, %llu sectors compared\n",
          (unsigned long long)c->flushes_checked,
          (unsigned long long)c->sectors_compared);
  for (unsigned i = 0; i < SIM_MARKS_COUNT; i++) {
    if (total.seeds >= MARKS_SEEDS || sim_marks[i] > 0)
      printf ("%12llu  %s\n", (unsigned long long)sim_marks[i],
              sim_mark_texts[i]);
    good &= sim_marks[i] > 0;
  }
  printf ("0 deadlocks, 0 violations, 0 runs that differed\n");
  if (!good && total.seeds >= MARKS_SEEDS) {
    printf ("something above never happened\n");
    return false;
  }
  return true;
}

static void
usage (void)
{
  fputs ("usage: mirror-sim [--first S] [--seeds N] [--seed S] "
         "[--known FILE] [--verbose]\n",
         stderr);
  exit (2);
}

int
main (int argc, char **argv)
{
  static const struct option options[] = {
    { "first", required_argument, NULL, 'f' },
    { "seeds", required_argument, NULL, 'n' },
    { "seed", required_argument, NULL, 's' },
    { "known", required_argument, NULL, 'k' },
    { "verbose", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 },
  };
  uint64_t first = 1, seeds = 1000;
  const char *known = NULL;
  bool alone = false, good = true;
  struct timespec begin, end;
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case 'f':
      first = strtoull (optarg, NULL, 10);
      break;
    case 'n':
      seeds = strtoull (optarg, NULL, 10);
      break;
    case 's':
      first = strtoull (optarg, NULL, 10);
      seeds = 1;
      alone = true;
      break;
    case 'k':
      known = optarg;
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
  for (uint64_t i = 0; good && i < seeds; i++)
    good = run_seed (first + i);
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
