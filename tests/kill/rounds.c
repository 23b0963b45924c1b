/* SPDX-License-Identifier: BSD-3-Clause */
/* rounds: kills the real mirror, again and again.
 *
 *     rounds --mirror SO --reclegs SO --nbdmirror PROGRAM
 *            [--rounds N] [--seed N] [--setup NAME] [--log N] [--all] [--plant]
 *
 * Round i has seed N + i.  A round that fails ends the program with status 1
 * (with --all: at the end), and its seed and the N (60) events before what
 * was wrong are printed.  The same seed makes
 * the same plan; which thread is how far when the axe falls is up to the
 * machine, so a failure may need several tries.  With --plant one write of
 * each round is lost by the recorder: that must be found.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hang-limit.h"
#include "round.h"

struct options {
  struct tools tools;
  uint64_t rounds, seed;
  const char *setup;
  unsigned log;
  bool all, plant;
};

static struct bench bench;
static uint64_t current_seed;

static void
hangs (int signal)
{
  char text[128];
  int n = snprintf (text, sizeof text, "round with seed %" PRIu64 " hangs\n",
                    current_seed);

  (void)signal;
  (void)!write (2, text, n);
  bench_print_log (&bench, bench.log->sequence, 60);
  fflush (stdout);
  _exit (1);
}

static struct options
parse (int argc, char **argv)
{
  static const struct option known[] = {
    { "mirror", required_argument, NULL, 'm' },
    { "reclegs", required_argument, NULL, 'r' },
    { "nbdmirror", required_argument, NULL, 't' },
    { "rounds", required_argument, NULL, 'n' },
    { "seed", required_argument, NULL, 's' },
    { "setup", required_argument, NULL, 'a' },
    { "log", required_argument, NULL, 'l' },
    { "all", no_argument, NULL, 'c' },
    { "plant", no_argument, NULL, 'p' },
    { NULL, 0, NULL, 0 },
  };
  struct options options = { .tools.nbdkit = "nbdkit", .rounds = 100,
                             .seed = 1, .log = 60 };
  int c;

  while ((c = getopt_long (argc, argv, "", known, NULL)) != -1)
    switch (c) {
    case 'm':
      options.tools.mirror = optarg;
      break;
    case 'r':
      options.tools.reclegs = optarg;
      break;
    case 't':
      options.tools.nbdmirror = optarg;
      break;
    case 'n':
      options.rounds = strtoull (optarg, NULL, 0);
      break;
    case 's':
      options.seed = strtoull (optarg, NULL, 0);
      break;
    case 'a':
      options.setup = optarg;
      break;
    case 'l':
      options.log = strtoul (optarg, NULL, 0);
      break;
    case 'c':
      options.all = true;
      break;
    case 'p':
      options.plant = true;
      break;
    default:
      exit (2);
    }
  if (options.tools.mirror == NULL || options.tools.reclegs == NULL
      || options.tools.nbdmirror == NULL) {
    fprintf (stderr, "%s: --mirror, --reclegs and --nbdmirror are needed\n",
             argv[0]);
    exit (2);
  }
  return options;
}

static bool
is_wanted (const struct setup *setup, const char *pattern)
{
  return pattern == NULL || strstr (setup->name, pattern) != NULL;
}

static struct setup *
choose_setup (const struct options *options, uint64_t seed)
{
  unsigned wanted = 0;

  for (unsigned i = 0; i < setup_count; i++)
    wanted += is_wanted (&setups[i], options->setup);
  if (wanted == 0) {
    fprintf (stderr, "no setup is called %s\n", options->setup);
    exit (2);
  }
  wanted = seed % wanted;
  for (unsigned i = 0;; i++)
    if (is_wanted (&setups[i], options->setup) && wanted-- == 0)
      return &setups[i];
}

static void
print_messages (void)
{
  FILE *file = fopen (bench.messages, "r");
  char line[1024];

  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    printf ("    %s", line);
  if (file != NULL)
    fclose (file);
}

static void
print_statistics (double seconds)
{
  const struct statistics *s = &bench.statistics;

  printf ("%" PRIu64 " rounds in %.1f s: %" PRIu64 " lives, %" PRIu64
          " kills, %" PRIu64 " power cuts, %" PRIu64 " clean stops, %" PRIu64
          " with a leg missing, %" PRIu64 " with a leg failing, %" PRIu64
          " with a pause\n",
          s->rounds, seconds, s->lives, s->kills, s->power_cuts, s->stops,
          s->degraded, s->faults, s->pauses);
  printf ("%" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
          " flushes, %" PRIu64 " errors seen by clients; %" PRIu64
          " events judged\n",
          s->reads, s->modifications, s->flushes, s->errors, s->events);
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static bool
play (const struct options *options, uint64_t seed)
{
  struct setup *setup = choose_setup (options, seed);
  uint64_t event;
  char why[1024];
  bool good;

  current_seed = seed;
  if (truncate (bench.messages, 0) == -1)
    perror (bench.messages);
  alarm (hang_limit_s ());
  good = round_run (&bench, setup, seed, why, sizeof why, &event);
  alarm (0);
  if (!good) {
    bench_print_log (&bench, event, options->log);
    print_messages ();
    printf ("FAILED: --seed %" PRIu64 ", %s: %s\n", seed, setup->name, why);
  }
  return good;
}

int
main (int argc, char **argv)
{
  struct options options = parse (argc, argv);
  double start = now ();
  uint64_t failed = 0;

  signal (SIGPIPE, SIG_IGN);
  signal (SIGALRM, hangs);
  setvbuf (stdout, NULL, _IOLBF, 0);
  bench_open (&bench, &options.tools);
  bench.plant = options.plant;
  for (uint64_t i = 0; i < options.rounds && (failed == 0 || options.all); i++)
    failed += !play (&options, options.seed + i);
  print_statistics (now () - start);
  bench_close (&bench);
  return failed == 0 ? 0 : 1;
}
