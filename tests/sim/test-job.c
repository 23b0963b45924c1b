/* SPDX-License-Identifier: BSD-3-Clause */
/* test-job: whatever happens to it, each span of a job is handled once, none
 * is left out, what it says is done is done, and pause, cancel, stop and the
 * rates are obeyed.
 *
 * Spans take times out of chance, so that they end in any order, and the
 * engine switches at every atomic operation.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/array-internal.h"
#include "engine/sync/job.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "sim-random.h"

#define SPANS 40u
#define STEP 4096u
#define FAST (UINT64_C (1) << 40)

void sim_preempt_begin (void);

enum act { LET_IT_RUN, PAUSE, CANCEL, STOP, SLOW_DOWN, ACTS };

struct world {
  struct array array;
  struct requests requests;
  struct job job;
  struct random_stream chance;
  enum act act;
  uint32_t takes_us[SPANS];
  bool skipped[SPANS];      /* `next` has no need of it */
  int error[SPANS];
  bool stops_at_error;
  unsigned ends_at;         /* `next` fails there; SPANS: it does not */
  /* What became of it. */
  _Atomic bool choosing;
  _Atomic unsigned begun[SPANS], ended[SPANS];
  _Atomic unsigned in_flight, after_error;
  uint64_t advanced;
  bool quiet; /* no span may begin */
};

static struct world *world;

/* ----------------------------------------------------------------- a supplier */

static int
next (void *opaque, struct request *request, uint64_t at, struct span *ret)
{
  unsigned i = at / STEP;

  (void)request;
  if (opaque != world || atomic_exchange (&world->choosing, true))
    sim_fail ("two hands choose at once");
  while (i < SPANS && world->skipped[i])
    i++;
  sim_point ();
  atomic_store (&world->choosing, false);
  if (i == SPANS)
    return 0;
  if (i == world->ends_at)
    return -ENODEV;
  *ret = (struct span){ .at = (uint64_t)i * STEP,
                        .end = (uint64_t)(i + 1) * STEP,
                        .offset = (uint64_t)i * STEP,
                        .length = STEP };
  return 1;
}

static int
handle (void *opaque, struct request *request, const struct span *span,
        uint64_t *ret_moved)
{
  unsigned i = span->offset / STEP;

  (void)opaque;
  (void)ret_moved;
  if (world->quiet)
    sim_fail ("span %u began although the job rests", i);
  /* Those that were taken before are left. */
  if (atomic_load (&world->after_error) > 0 && world->stops_at_error
      && atomic_fetch_add (&world->after_error, 1) > world->requests.total)
    sim_fail ("it goes on after an error");
  if (request->asked++ != 0)
    sim_fail ("two hands have one request");
  if (atomic_fetch_add (&world->begun[i], 1) != 0)
    sim_fail ("span %u is handled twice", i);
  atomic_fetch_add (&world->in_flight, 1);
  sim_park (ground_now () + world->takes_us[i] * UINT64_C (1000));
  atomic_fetch_sub (&world->in_flight, 1);
  atomic_store (&world->ended[i], 1);
  request->asked--;
  if (world->error[i] != 0 && atomic_load (&world->after_error) == 0)
    atomic_store (&world->after_error, 1);
  return world->error[i];
}

/* All below @at was handled, and well. */
static void
advanced (void *opaque, uint64_t at)
{
  (void)opaque;
  if (at < world->advanced)
    sim_fail ("what is done became less");
  world->advanced = at;
  for (unsigned i = 0; i < SPANS && (uint64_t)i * STEP < at; i++)
    if (!world->skipped[i]
        && (world->ended[i] == 0 || world->error[i] != 0))
      sim_fail ("span %u is not done, but everything below %llu is said to be",
                i, (unsigned long long)at);
}

static uint64_t
left (void *opaque)
{
  uint64_t count = 0;

  (void)opaque;
  for (unsigned i = 0; i < SPANS; i++)
    count += !world->skipped[i] && world->ended[i] == 0;
  return count * STEP;
}

/* -------------------------------------------------------------------- a world */

static void
choose (void)
{
  struct random_stream *chance = &world->chance;
  bool fails = random_one_in (chance, 3);

  world->act = random_below (chance, ACTS);
  world->stops_at_error = random_one_in (chance, 2);
  world->ends_at = random_one_in (chance, 6) ? random_below (chance, SPANS)
                                             : SPANS;
  for (unsigned i = 0; i < SPANS; i++) {
    world->takes_us[i] = random_below (chance, 2000);
    world->skipped[i] = random_one_in (chance, 5);
    if (fails && random_one_in (chance, 8))
      world->error[i] = -EIO;
  }
  if (world->ends_at < SPANS)
    world->skipped[world->ends_at] = false;
}

static void
make (uint64_t seed)
{
  world = calloc (1, sizeof *world);
  random_init (&world->chance, seed, 1);
  choose ();
  if (requests_init (&world->array.readers, 1, &world->array) < 0
      || requests_init (&world->array.modifiers, 1, &world->array) < 0
      || requests_init (&world->requests,
                        random_between (&world->chance, 1, SYNC_SPANS),
                        &world->array) < 0)
    sim_fail ("no memory");
  job_init (&world->job, &world->array, &world->requests);
  job_set_rates (&world->job, FAST, FAST);
  if (random_one_in (&world->chance, 2))
    job_fix_spans (&world->job);
}

static void
unmake (void)
{
  job_destroy (&world->job);
  requests_destroy (&world->requests);
  requests_destroy (&world->array.modifiers);
  requests_destroy (&world->array.readers);
  free (world);
}

static unsigned
begun (void)
{
  unsigned count = 0;

  for (unsigned i = 0; i < SPANS; i++)
    count += world->begun[i];
  return count;
}

/* Nothing begins from now on, as soon as what is in flight has ended. */
static void
see_it_rest (uint64_t for_ns)
{
  struct job_progress progress;

  /* One that was chosen has begun by then, and ended. */
  sim_park (ground_now () + 5 * GROUND_MS);
  world->quiet = true;
  sim_park (ground_now () + for_ns);
  job_get_progress (&world->job, &progress);
  if (world->in_flight != 0 || progress.in_flight != 0)
    sim_fail ("spans are in flight although the job rests");
  world->quiet = false;
}

/* One span lasts a second at the new rate. */
static void
slow_down (void)
{
  uint64_t from = ground_now ();
  unsigned before;

  job_set_rates (&world->job, STEP, STEP);
  before = begun ();
  sim_park (from + 3 * GROUND_S);
  /* Those that began at the old rate, just then, too. */
  if (begun () > before + 3 + 2)
    sim_fail ("%u spans in three seconds", begun () - before);
  job_set_rates (&world->job, FAST, FAST);
}

static void
disturb (void *argument)
{
  struct job_progress progress;
  uint64_t after = random_below (&world->chance, 8000) * 1000;

  (void)argument;
  sim_park (ground_now () + after);
  switch (world->act) {
  case PAUSE:
    job_pause (&world->job);
    job_get_progress (&world->job, &progress);
    if (!progress.paused)
      sim_fail ("it does not say that it is paused");
    see_it_rest (GROUND_S);
    job_resume (&world->job);
    break;
  case CANCEL:
    job_cancel (&world->job);
    break;
  case STOP:
    job_stop (&world->job);
    see_it_rest (GROUND_S);
    break;
  case SLOW_DOWN:
    slow_down ();
    break;
  default:
    break;
  }
  job_get_progress (&world->job, &progress);
  if (progress.done > progress.total)
    sim_fail ("%llu of %llu are done", (unsigned long long)progress.done,
              (unsigned long long)progress.total);
}

static bool
may_end_early (void)
{
  return world->act == CANCEL || world->act == STOP || world->ends_at < SPANS;
}

static void
judge (int r)
{
  bool failed = false;

  if (world->in_flight != 0)
    sim_fail ("it returned with spans in flight");
  for (unsigned i = 0; i < SPANS; i++) {
    if (world->begun[i] != world->ended[i])
      sim_fail ("span %u has not ended", i);
    failed |= world->ended[i] > 0 && world->error[i] != 0;
  }
  if (failed != (r == -EIO) && r != -ENODEV)
    sim_fail ("the result is %d", r);
  if (r == -ENODEV && world->ends_at == SPANS)
    sim_fail ("it ended for no reason");
  if (r == -ECANCELED && world->act != CANCEL && world->act != STOP)
    sim_fail ("nobody cancelled it");
  if (may_end_early () || (failed && world->stops_at_error))
    return;
  if (left (world) != 0)
    sim_fail ("%llu bytes were left out", (unsigned long long)left (world));
  if (!failed && world->advanced != UINT64_MAX)
    sim_fail ("its end was not told");
}

static void
run_one (void *argument)
{
  struct job_supply supply = { .next = next, .handle = handle,
                               .advanced = advanced, .left = left };
  struct ground_thread other;

  make (*(const uint64_t *)argument);
  supply.stops_at_error = world->stops_at_error;
  ground_thread_start (&other, "other", disturb, NULL);
  judge (job_run (&world->job, &supply, world, 0));
  ground_thread_join (&other);
  world->advanced = 0;
  if (world->act == STOP
      && job_run (&world->job, &supply, world, 0) != -ECANCELED)
    sim_fail ("it runs after the stop");
  unmake ();
}

int
main (void)
{
  static struct sim_result result;

  for (uint64_t seed = 1; seed <= 5000; seed++) {
    const struct sim_options options = { .seed = seed, .switches = 48 };

    sim_preempt_begin ();
    sim_run (&options, run_one, &seed, &result);
    if (result.verdict != SIM_GOOD) {
      printf ("seed %llu: %s\n%s", (unsigned long long)seed, result.reason,
              result.dump);
      return 1;
    }
  }
  puts ("good");
  return 0;
}
