/* SPDX-License-Identifier: BSD-3-Clause */
/* bench-engine: how the engine scales with the threads that use it.
 *
 *   bench-engine [REQUESTS]    "make bench-engine"; make check sends few
 *
 * Sends so many random 4k requests through the engine, shared out among 1, 2,
 * 4 and 8 threads, and prints a table in Markdown.  There is no nbdkit, no
 * network and no disk: the members are memory (bench-mirror.h), so what does
 * not scale here is the engine or the machine.  The rows "no engine" show
 * which: they are the same random reads, straight from a member's memory.
 *
 * In the md array all bits are stored, and the array dirty, before the first
 * measurement, and stay so: a member that is asked for anything but data
 * meanwhile ends the program.  So do a read of the wrong block, a write that is
 * not on both members, and members that differ at the end.
 */
#include <pthread.h>

#include "bench-mirror.h"
#include "ground/log.h"
#include "sim-random.h"

#define ROUNDS 3
#define THREADS_MAX 8

static const unsigned thread_counts[] = { 1, 2, 4, THREADS_MAX };

/* --- measuring ------------------------------------------------------------ */

static struct mirror plain = { .name = "plain" }, md = { .name = "md" };

static const struct kind {
  const char *name;
  struct mirror *mirror; /* NULL: no engine */
  bool writing;
} kinds[] = {
  { "no engine, read", NULL, false },
  { "plain, read", &plain, false },
  { "plain, write", &plain, true },
  { "md, read", &md, false },
  { "md, write", &md, true },
};

struct client {
  _Alignas (128) struct ground_thread thread;
  const struct kind *kind;
  unsigned seed, requests;
  uint64_t run; /* a number of its own, in each block that it writes */
  uint64_t block; /* the last one */
  uint64_t start_ns, end_ns;
};

static pthread_barrier_t at_once;

static int
ask (const struct kind *kind, uint64_t *buffer, uint64_t offset)
{
  if (kind->mirror == NULL)
    memcpy (buffer, plain.member[0].data + offset, BLOCK);
  else if (kind->writing)
    return array_write (kind->mirror->array, buffer, BLOCK, offset, 0);
  else
    return array_read (kind->mirror->array, buffer, BLOCK, offset);
  return 0;
}

/* A block begins with its number, and the run that wrote it; its last word is
 * that of one write only.
 */
static void
client_run (void *argument)
{
  struct client *client = argument;
  uint64_t buffer[WORDS] = { 0, client->run };
  struct random_stream random;

  random_init (&random, client->seed, client->run);
  pthread_barrier_wait (&at_once);
  client->start_ns = ground_now ();
  for (unsigned i = 0; i < client->requests; i++) {
    client->block = random_below (&random, BLOCKS);
    if (client->kind->writing) {
      buffer[0] = client->block;
      buffer[WORDS - 1] = (uint64_t)client->seed << 32 | i;
    }
    if (ask (client->kind, buffer, client->block * BLOCK) != 0
        || buffer[0] != client->block)
      die ("%s: block %u failed", client->kind->name, (unsigned)client->block);
  }
  client->end_ns = ground_now ();
}

/* Is what a client wrote last on both members?  Another one of the same run
 * may have written there since.
 */
static void
check_written (const struct client *client)
{
  for (unsigned i = 0; i < MEMBERS; i++) {
    const char *data = client->kind->mirror->member[i].data;

    if (((const uint64_t *)(data + client->block * BLOCK))[1] != client->run)
      die ("%s: a write is not on member %u", client->kind->name, i);
  }
}

/* Requests a second. */
static double
measure (const struct kind *kind, unsigned threads, unsigned requests)
{
  static struct client clients[THREADS_MAX];
  static uint64_t run;
  uint64_t start_ns = UINT64_MAX, end_ns = 0;

  run++;
  pthread_barrier_init (&at_once, NULL, threads);
  for (unsigned i = 0; i < threads; i++) {
    clients[i] = (struct client){ .kind = kind, .seed = i + 1, .run = run,
                                  .requests = requests / threads };
    if (ground_thread_start (&clients[i].thread, "client", client_run,
                             &clients[i]) != 0)
      die ("cannot start a thread");
  }
  for (unsigned i = 0; i < threads; i++) {
    ground_thread_join (&clients[i].thread);
    start_ns = MIN (start_ns, clients[i].start_ns);
    end_ns = MAX (end_ns, clients[i].end_ns);
  }
  pthread_barrier_destroy (&at_once);
  for (unsigned i = 0; kind->writing && i < threads; i++)
    check_written (&clients[i]);
  return (double)(requests / threads * threads) * GROUND_S
         / (end_ns - start_ns);
}

/* --- the table ------------------------------------------------------------ */

#define KINDS ARRAY_LENGTH (kinds)
#define COUNTS ARRAY_LENGTH (thread_counts)

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static double
median (const double *values)
{
  double sorted[ROUNDS];

  memcpy (sorted, values, sizeof sorted);
  qsort (sorted, ROUNDS, sizeof sorted[0], compare);
  return sorted[ROUNDS / 2];
}

/* A ratio is the median of each round's own: neighbours in time saw the same
 * machine.
 */
static void
print_table (double found[KINDS][COUNTS][ROUNDS])
{
  printf ("| random 4k | threads | requests/s | for each thread "
          "| ratio to one thread |\n|---|--:|--:|--:|--:|\n");
  for (unsigned k = 0; k < KINDS; k++)
    for (unsigned c = 0; c < COUNTS; c++) {
      double rate = median (found[k][c]), ratio[ROUNDS];

      for (unsigned i = 0; i < ROUNDS; i++)
        ratio[i] = found[k][c][i] / found[k][0][i];
      printf ("| %s | %u | %.0f | %.0f | %.2f |\n", kinds[k].name,
              thread_counts[c], rate, rate / thread_counts[c],
              median (ratio));
    }
}

static void
show_message (enum log_level level, const char *message)
{
  if (level != LOG_LEVEL_DEBUG)
    fprintf (stderr, "bench-engine: %s\n", message);
}

int
main (int argc, char **argv)
{
  static double found[KINDS][COUNTS][ROUNDS];
  unsigned requests = argc > 1 ? strtoul (argv[1], NULL, 10) : 10000;

  if (argc > 2 || requests < THREADS_MAX)
    die ("usage: bench-engine [REQUESTS], at least %u", THREADS_MAX);
  log_set_sink (show_message);
  mirror_make (&plain, false);
  mirror_make (&md, true);
  only_data = true;
  for (unsigned i = 0; i < ROUNDS; i++)
    for (unsigned k = 0; k < KINDS; k++)
      for (unsigned c = 0; c < COUNTS; c++)
        found[k][c][i] = measure (&kinds[k], thread_counts[c], requests);
  only_data = false;
  mirror_finish (&plain);
  mirror_finish (&md);
  print_table (found);
  return 0;
}
