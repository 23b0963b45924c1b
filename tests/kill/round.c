/* SPDX-License-Identifier: BSD-3-Clause */
/* round: see round.h. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "replay.h"
#include "round.h"
#include "sim/sim-stamp.h"

#define CRASHES_MAX 3u

/* What is to happen in one life. */
struct plan {
  unsigned life;
  bool is_last;
  uint32_t present;
  uint64_t kill_after;  /* events, from its start on; 0: not */
  uint64_t kill_stop;   /* events, from SIGTERM on; 0: not */
  bool power;           /* what comes after it is a power cut */
  uint64_t requests;
  bool pauses;          /* until the array is clean, then goes on */
  unsigned scans;
  const char *options[3];
  unsigned option_count;
  int failing_leg;      /* -1 */
  const char *failing;  /* kind of request */
  uint64_t fails_after, fails_times;
};

struct round {
  struct bench *bench;
  struct setup *setup;
  struct random_stream chance;
  uint64_t seed;
  struct client client;
  char *why;
  size_t size;
  uint64_t event;
};

static void
log_turn (struct round *round, enum event_kind kind, uint64_t request,
          uint32_t flags)
{
  struct reclog *log = round->bench->log;

  pthread_mutex_lock (&log->lock);
  reclog_append (log,
                 (struct event){ .kind = kind, .request = request,
                                 .flags = flags },
                 NULL);
  pthread_mutex_unlock (&log->lock);
}

/* Locked, or nobody writes. */
static void
judge_legs (const struct round *round, uint32_t present, struct verdict *ret)
{
  const uint8_t *image[RECLOG_LEGS] = { 0 };

  for (unsigned leg = 0; leg < round->setup->legs; leg++)
    if (present >> leg & 1)
      image[leg] = reclog_image (round->bench->log, leg);
  members_judge (&round->setup->geometry, image, ret);
}

/* ------------------------------------------------------------------ planning */

static uint32_t
all_legs (const struct round *round)
{
  return (1u << round->setup->legs) - 1;
}

/* A leg without which there is still one of everything; -1: none was found. */
static int
choose_leg (struct round *round, uint32_t present)
{
  unsigned leg = random_below (&round->chance, round->setup->legs);
  struct verdict verdict;

  judge_legs (round, present, &verdict);
  if (!(present >> leg & 1)
      || !geometry_is_enough (&round->setup->geometry,
                              verdict.in_sync & ~(1u << leg)))
    return -1;
  return leg;
}

static uint64_t
some_events (struct random_stream *chance)
{
  static const uint64_t most[] = { 12, 60, 200, 600 };

  return random_between (chance, 1, most[random_below (chance, 4)]);
}

static void
plan_trouble (struct round *round, struct plan *plan)
{
  static const char *const kinds[] = { "write", "flush", "zero" };
  struct random_stream *chance = &round->chance;
  int leg;

  if (plan->life > 0 && random_one_in (chance, 5)
      && (leg = choose_leg (round, plan->present)) >= 0)
    plan->present &= ~(1u << leg);
  if (random_one_in (chance, 6)
      && (leg = choose_leg (round, plan->present)) >= 0) {
    plan->failing_leg = leg;
    plan->failing = kinds[random_below (chance, 3)];
    plan->fails_after
        = random_below (chance, random_one_in (chance, 2) ? 4 : 40);
    plan->fails_times = random_one_in (chance, 2) ? 1 : 1000000;
  }
}

static void
plan_options (struct round *round, struct plan *plan)
{
  static const char *const smallest[] = { "pool=2", "pool=3", "pool=4" };

  plan->options[plan->option_count++] = "degraded=yes";
  if (random_one_in (&round->chance, 4))
    plan->options[plan->option_count++] = smallest[round->setup->legs - 2];
  if (!plan->is_last && random_one_in (&round->chance, 4))
    plan->options[plan->option_count++] = "sync_max=2M";
}

static struct plan
make_plan (struct round *round, unsigned life, bool is_last)
{
  struct random_stream *chance = &round->chance;
  struct plan plan = { .life = life,
                       .is_last = is_last,
                       .present = all_legs (round),
                       .failing_leg = -1 };

  if (round->setup->level != NULL)
    plan_options (round, &plan);
  plan.scans = is_last || life > 0
                       || (round->setup->differs && random_one_in (chance, 2))
                   ? 2
                   : 0;
  if (is_last) {
    plan.requests = random_one_in (chance, 2) ? 0 : 60;
    return plan;
  }
  plan.power = random_one_in (chance, 2);
  if (random_one_in (chance, 6)) {
    plan.requests = random_below (chance, 150);
    if (!random_one_in (chance, 4))
      plan.kill_stop = random_between (chance, 1, 24);
  }
  else {
    plan.requests = NEVER;
    plan.kill_after = some_events (chance);
  }
  if (round->setup->level == NULL)
    return plan;
  if (life == 0 && !round->setup->differs && random_one_in (chance, 8))
    plan.pauses = true;
  else
    plan_trouble (round, &plan);
  return plan;
}

/* ------------------------------------------------------------------ one life */

static void
prepare_mirror (struct round *round, const struct plan *plan,
                struct server *server)
{
  const struct tools *tools = round->bench->tools;
  char legs[RECLOG_LEGS][128];
  const char *argv[RECLOG_LEGS + 8] = { tools->nbdkit, tools->mirror };
  unsigned n = 2;

  for (unsigned leg = 0; leg < round->setup->legs; leg++)
    if (plan->present >> leg & 1) {
      snprintf (legs[leg], sizeof legs[leg], "nbd+unix:///%u?socket=%s", leg,
                round->bench->recorder_socket);
      argv[n++] = legs[leg];
    }
  for (unsigned i = 0; i < plan->option_count; i++)
    argv[n++] = plan->options[i];
  argv[n] = NULL;
  server_prepare (server, (char *const *)argv, round->bench->mirror_socket,
                  round->bench->messages);
}

static void
make_client (struct round *round, const struct plan *plan)
{
  struct client *client = &round->client;
  struct random_stream *chance = &round->chance;

  memset (client, 0, offsetof (struct client, jobs));
  client->log = round->bench->log;
  client->history = &round->bench->history;
  client->sectors = round->setup->geometry.sectors;
  client->connections = random_between (chance, 1, CONNECTIONS_MAX);
  client->depth = random_between (chance, 1, 8);
  client->scans = plan->scans;
  client->requests = plan->requests;
  random_init (&client->chance, round->seed, 100 + plan->life);
  client_open (client);
}

/* Until every leg is in sync: resync of those that were away is nothing that
 * a client can see.
 */
static void
wait_until_settled (struct round *round, const struct plan *plan)
{
  struct reclog *log = round->bench->log;
  struct verdict verdict;

  pthread_mutex_lock (&log->lock);
  for (;;) {
    judge_legs (round, plan->present, &verdict);
    if (verdict.in_sync == plan->present)
      break;
    pthread_cond_wait (&log->changed, &log->lock);
  }
  pthread_mutex_unlock (&log->lock);
}

/* Nobody asks for anything until the array is clean, or the server dead. */
static void
pause_until_clean (struct round *round, const struct plan *plan)
{
  struct reclog *log = round->bench->log;
  struct verdict verdict;

  pthread_mutex_lock (&log->lock);
  for (;;) {
    judge_legs (round, plan->present, &verdict);
    if (verdict.clean || log->killed)
      break;
    pthread_cond_wait (&log->changed, &log->lock);
  }
  pthread_mutex_unlock (&log->lock);
}

static bool
serve_clients (struct round *round, const struct plan *plan)
{
  struct client *client = &round->client;

  if (plan->pauses) {
    client->requests = random_between (&round->chance, 1, 40);
    if (!client_run (client))
      return false;
    pause_until_clean (round, plan);
    client->requests = plan->requests;
  }
  return client_run (client);
}

static void
count (struct round *round, const struct plan *plan)
{
  struct statistics *statistics = &round->bench->statistics;
  const struct client *client = &round->client;

  statistics->lives++;
  statistics->degraded += plan->present != all_legs (round);
  statistics->pauses += plan->pauses;
  statistics->faults += plan->failing_leg >= 0;
  statistics->reads += client->reads;
  statistics->modifications += client->modifications;
  statistics->flushes += client->flushes;
  statistics->errors += client->errors;
}

/* The server has ended: as it should have? */
static bool
judge_end (struct round *round, const struct plan *plan, int status, bool ran)
{
  const struct reclog *log = round->bench->log;

  count (round, plan);
  if (round->client.why[0] != '\0')
    snprintf (round->why, round->size, "%s", round->client.why);
  else if (log->killed && WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    return true;
  else if (WIFSIGNALED (status))
    snprintf (round->why, round->size, "the mirror died of signal %d",
              WTERMSIG (status));
  else if (WEXITSTATUS (status) != 0 || !ran)
    snprintf (round->why, round->size, "the mirror ended with status %d",
              WEXITSTATUS (status));
  else {
    log_turn (round, EVENT_END, 0, plan->is_last ? EVENT_SETTLED : 0);
    round->bench->statistics.stops++;
    return true;
  }
  return false;
}

static bool
live (struct round *round, const struct plan *plan)
{
  struct bench *bench = round->bench;
  struct server server;
  bool ran = false;
  int status;

  make_client (round, plan);
  log_turn (round, EVENT_BEGIN, plan->present, 0);
  prepare_mirror (round, plan, &server);
  if (plan->kill_after > 0)
    bench_tell (bench, "kill %d %" PRIu64, server.pid, plan->kill_after);
  if (plan->failing_leg >= 0)
    bench_tell (bench, "fail %d %s %" PRIu64 " %" PRIu64, plan->failing_leg,
                plan->failing, plan->fails_after, plan->fails_times);
  server_go (&server);
  if (client_connect (&round->client, bench->mirror_socket))
    ran = serve_clients (round, plan);
  if (ran && plan->is_last)
    wait_until_settled (round, plan);
  if (ran && plan->kill_stop > 0)
    bench_tell (bench, "kill %d %" PRIu64, server.pid, plan->kill_stop);
  else if (ran)
    bench_tell (bench, "disarm");
  if (round->client.why[0] != '\0')
    kill (server.pid, SIGKILL);
  client_disconnect (&round->client);
  if (ran)
    kill (server.pid, SIGTERM);
  status = server_wait (&server);
  bench_tell (bench, "disarm");
  bench_tell (bench, "heal");
  client_close (&round->client);
  return judge_end (round, plan, status, ran);
}

/* -------------------------------------------------------------- between lives */

/* O2: every leg in sync could be the only one that is left. */
static bool
judge_images (struct round *round, const char *when)
{
  const struct geometry *geometry = &round->setup->geometry;
  struct verdict verdict;
  char why[256];

  judge_legs (round, all_legs (round), &verdict);
  for (unsigned copy = 0; copy < geometry->copies; copy++)
    for (uint64_t s = 0; s < geometry->sectors; s++) {
      const struct place *place = geometry_copy (geometry, copy, s);
      const uint8_t *sector = reclog_image (round->bench->log, place->leg)
                              + geometry->data_at
                              + place->sector * (uint64_t)SECTOR;
      uint64_t value;

      if (!(verdict.in_sync >> place->leg & 1))
        continue;
      if (!stamp_read (sector, s, &value))
        snprintf (why, sizeof why, "no whole sector of its place");
      else if (history_may_hold (&round->bench->history, s, value, why,
                                 sizeof why))
        continue;
      snprintf (round->why, round->size, "%s leg %u holds in sector %" PRIu64
                ": %s", when, place->leg, s, why);
      return false;
    }
  return true;
}

static bool
crash (struct round *round, const struct plan *plan)
{
  struct bench *bench = round->bench;
  bool killed = bench->log->killed;

  if (!killed && !plan->power)
    return true;
  bench->statistics.kills += killed;
  bench->statistics.power_cuts += plan->power;
  bench_tell (bench, "crash %s %" PRIu64, plan->power ? "power" : "process",
              random_next (&round->chance) >> 1);
  history_crash (&bench->history, plan->power);
  return judge_images (round, "after the crash");
}

static bool
replay (struct round *round)
{
  struct replay replay;
  bool good;

  replay_open (&replay, &round->setup->geometry,
               (const uint8_t *const *)round->setup->image, round->setup->size);
  good = replay_run (&replay, round->bench->log);
  if (!good)
    snprintf (round->why, round->size, "%s", replay.why);
  round->event = replay.failed_at;
  for (unsigned leg = 0; leg < round->setup->legs && good; leg++)
    if (memcmp (replay.cache[leg].current,
                reclog_image (round->bench->log, leg), round->setup->size[leg])
        != 0) {
      good = false;
      snprintf (round->why, round->size, "the log does not explain leg %u",
                leg);
    }
  round->bench->statistics.events += replay.events;
  replay_close (&replay);
  return good;
}

/* Plain arrays have nothing that would make the legs equal after a crash. */
static bool
live_all (struct round *round)
{
  unsigned crashes = random_below (&round->chance, CRASHES_MAX + 1);

  if (round->setup->level == NULL)
    crashes = MIN (crashes, 1u);
  for (unsigned life = 0; life <= crashes; life++) {
    struct plan plan = make_plan (round, life, life == crashes);

    if (round->setup->level == NULL && life > 0)
      break;
    round->bench->history.is_part
        |= plan.present != all_legs (round) || plan.failing_leg >= 0;
    if (!live (round, &plan))
      return false;
    if (plan.is_last)
      return judge_images (round, "in the end");
    if (!crash (round, &plan))
      return false;
  }
  return true;
}

bool
round_run (struct bench *bench, struct setup *setup, uint64_t seed, char *why,
           size_t size, uint64_t *event)
{
  struct round *round = calloc (1, sizeof *round);
  char files[RECLOG_LEGS * 130] = "";
  bool good, lints;

  assert (round != NULL);
  round->bench = bench;
  round->setup = setup;
  round->seed = seed;
  round->why = why;
  round->size = size;
  random_init (&round->chance, seed, 0);
  for (unsigned leg = 0; leg < setup->legs; leg++) {
    strcat (files, " ");
    strcat (files, setup->file[leg]);
  }
  bench_tell (bench, "load%s", files);
  bench_tell (bench, "jitter %" PRIu64,
              random_one_in (&round->chance, 3)
                  ? 0
                  : random_between (&round->chance, 1, 300));
  if (bench->plant)
    bench_tell (bench, "plant %" PRIu64,
                random_between (&round->chance, 1, 60));
  history_open (&bench->history, setup->geometry.sectors);
  history_begin (&bench->history, setup->differs ? setup->legs : 0);
  good = live_all (round);
  /* The log often says more. */
  round->why = malloc (size);
  round->why[0] = '\0';
  lints = replay (round);
  if (!lints) {
    size_t n = good ? 0 : strlen (why);

    snprintf (why + n, size - n, "%s%s", good ? "" : "; ", round->why);
  }
  *event = round->event != 0 ? round->event : bench->log->sequence;
  free (round->why);
  history_close (&bench->history);
  bench->statistics.rounds++;
  free (round);
  return good && lints;
}
