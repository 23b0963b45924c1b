/* SPDX-License-Identifier: BSD-3-Clause */
/* test-exchange: disks fail, leave, come back and are replaced while clients
 * write.
 *
 * An administrator gives orders at random and disks break at random, but of
 * everything a copy that is in sync and good is always left: so no client may
 * ever get an error, each reads what it wrote last, the last copy never leaves,
 * and no disk fails that is good and was not ordered to.  At the end the
 * members in sync are alike and hold what was acknowledged, every leg was
 * closed once with nothing in flight (member-disk.h), and the array starts
 * again with it.  Now and then it gets another bitmap, other slots, or grows.
 *
 * Remote disks are cut off most of the time, may lose what they had not flushed,
 * do late what they were sent, and come back by themselves, or as something
 * else (member-disk.h).  In some worlds the last copy is cut off, too; then
 * clients may get errors, and what was acknowledged and not flushed may be lost,
 * but no flush may succeed after that.
 *
 * The array has any layout, metadata or none, and perhaps a member with bad
 * blocks on record, which are never read.
 *
 * A world is a seed; it is printed when one is not good, and given as an
 * argument it is played alone.  EXCHANGE_SEEDS: how many, from EXCHANGE_FIRST
 * on; EXCHANGE_ONLY: worlds of remote disks only, "plain", "md", or "last",
 * where the last copy is lost, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"

void sim_preempt_begin (void);

/* So long after it is back a server may do what it was sent before. */
#define LATE_MS 10

struct exchange exchange;

static void
say_nothing (enum log_level level, const char *message)
{
  (void)level;
  sim_log ("%s", message);
}

/* ----------------------------------------------------------------- the array */

/* From the least that is legal up. */
static void
choose_pools (struct array_config *config)
{
  struct random_stream *chance = &exchange.chance;

  config->requests = random_between (chance, 1, 4);
  config->sync_spans = random_between (chance, 1, 4);
  if (random_one_in (chance, 2))
    config->pool = array_pool_minimum (config->legs)
                   + random_below (chance, 4);
  reached[MARK_POOL_LEAST] += config->pool == array_pool_minimum (config->legs);
  reached[MARK_REQUESTS_LEAST] += config->requests == 1;
  if (exchange.may_lose_last)
    config->no_leg_timeout_s = random_below (chance, 3);
  /* Bits are cleared while others are set. */
  if (random_one_in (chance, 2))
    config->sweep_ms = random_between (chance, 2, 12);
}

/* False: some of @legs are said to have had another history. */
static bool
start (struct leg **legs, unsigned count, const char *const *absent)
{
  struct array_config config = { .legs = count,
                                 .layout = exchange.layout,
                                 .opener = { .open = disk_opener },
                                 .retry_ms = 1,
                                 .quiet_ms = 5,
                                 .quarantine_ms = LATE_MS,
                                 .reconnect_s = 1,
                                 .reconnect_ms = 2,
                                 .missed_window = 4096,
                                 .sync_span = 16384,
                                 .sync_min = UINT64_C (1) << 30,
                                 .sync_max = UINT64_C (1) << 30 };
  struct array_snapshot now;
  char why[MESSAGE_MAX] = "";
  int r;

  choose_pools (&config);
  r = array_create (&config, legs, absent, &exchange.array, why);
  if (r == -EEXIST && absent != NULL)
    return false;
  if (r < 0 || array_start (exchange.array) < 0)
    sim_fail ("no array: %s", why);
  orders_look (&now);
  if (array_allow_writes (exchange.array) < 0)
    sim_fail ("no threads");
  return true;
}

/* ------------------------------------------------------------------ the world */

static unsigned
in_flight (const struct array_snapshot *now)
{
  unsigned count = 0;

  for (unsigned i = 0; i < now->members; i++)
    count += now->member[i].in_flight;
  return count;
}

/* Is one that is in sync not reached? */
static bool
lacks_copy (const struct array_snapshot *now)
{
  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].state == MEMBER_IN_SYNC
        && !disk_is_connected (disk_of (&now->member[i])))
      return true;
  return false;
}

/* All servers are there, and right. */
static void
end_outage (void)
{
  for (unsigned i = 0; i < DISKS; i++)
    if (disks[i].fault == DISK_CUT || disks[i].swap != SWAP_NONE) {
      disk_mend (&disks[i]);
      disk_put_right (&disks[i]);
    }
}

static void
wait_for_copies (struct array_snapshot *now)
{
  uint64_t until = ground_now () + 60 * GROUND_S;

  do {
    sim_park (ground_now () + 5 * GROUND_MS);
    orders_look (now);
  } while (lacks_copy (now) && ground_now () < until);
  if (lacks_copy (now))
    sim_fail ("the last copy is there and is not used");
}

/* So that what was begun ends, or is seen to fail. */
static void
wait_for_rebuild (struct array_snapshot *now)
{
  uint64_t until = ground_now () + 60 * GROUND_S;

  if (exchange.may_lose_last)
    wait_for_copies (now);
  exchange.is_stuck
    = exchange.last_was_cut && array_flush (exchange.array) < 0;
  if (exchange.is_stuck)
    return;
  do {
    sim_park (ground_now () + 5 * GROUND_MS);
    orders_look (now);
  } while ((orders_are_busy (now) || in_flight (now) > 0)
           && ground_now () < until);
  if (in_flight (now) > 0)
    sim_fail ("%u in flight, and nobody asks anything", in_flight (now));
  if (orders_are_busy (now))
    sim_fail ("what is to be rebuilt is not");
  reached[MARK_WAITED] += now->lacking == 0;
  reached[exchange.plain ? MARK_PLAIN_REPLACED : MARK_REPLACED]
    += orders_count_replaced (now);
}

/* @ret: how it was then. */
static void
stop (bool is_good, struct array_snapshot *ret)
{
  int r = array_quiesce (exchange.array, ground_now () + 10 * GROUND_S);

  if (r < 0 && is_good)
    sim_fail ("no clean stop: %s", log_strerror (r));
  orders_look (ret);
  array_close (exchange.array);
  disks_check_closed ();
}

static void
live (void)
{
  struct ground_thread thread[CLIENTS];
  unsigned orders = random_between (&exchange.chance, 4, 16);

  exchange.stop_clients = false;
  for (uintptr_t i = 0; i < CLIENTS; i++)
    ground_thread_start (&thread[i], "client", client, (void *)i);
  for (unsigned i = 0; i < orders; i++) {
    sim_park (ground_now ()
              + random_exponential (&exchange.chance, 4 * GROUND_MS));
    orders_give_one ();
  }
  if (random_one_in (&exchange.chance, 2))
    sim_park (ground_now () + 30 * GROUND_MS);
  exchange.stop_clients = true;
  for (unsigned i = 0; i < CLIENTS; i++)
    ground_thread_join (&thread[i]);
}

/* Those that are not NULL, one behind the other. */
static unsigned
open_disks (struct disk *const *kept, struct leg **ret)
{
  unsigned count = 0;

  for (unsigned slot = 0; slot < exchange.layout.slots; slot++)
    if (kept[slot] != NULL)
      ret[count++] = disk_open (kept[slot] - disks);
  return count;
}

static unsigned
count_kept (struct disk *const *kept)
{
  unsigned count = 0;

  for (unsigned slot = 0; slot < exchange.layout.slots; slot++)
    count += kept[slot] != NULL;
  return count;
}

static bool
is_kept (struct disk *const *kept, const struct disk *disk)
{
  for (unsigned slot = 0; slot < exchange.layout.slots; slot++)
    if (kept[slot] == disk)
      return true;
  return false;
}

/* As many others as there is room for: none of them is believed before it was
 * rebuilt.
 */
static unsigned
open_old (struct disk *const *kept, struct leg **legs, unsigned count)
{
  for (unsigned i = 0; i < DISKS && count < exchange.layout.slots; i++)
    if (!is_kept (kept, &disks[i]) && world_was_member (&disks[i])
        && random_one_in (&exchange.chance, 2)) {
      disks[i].fault = DISK_GOOD;
      legs[count++] = disk_open (i);
      reached[MARK_OLD]++;
    }
  return count;
}

static void
start_md (struct disk *const *kept)
{
  const char *absent[LEGS_MAX] = { "gone", "gone", "gone", "gone" };
  struct leg *legs[LEGS_MAX];
  unsigned sure = open_disks (kept, legs);
  unsigned count = open_old (kept, legs, sure);

  while (count < exchange.layout.slots)
    legs[count++] = NULL;
  if (start (legs, count, absent))
    return;
  /* All that it knew were exchanged since: nobody can tell. */
  reached[MARK_SPLIT]++;
  for (unsigned i = sure; i < count; i++) {
    if (legs[i] != NULL)
      legs[i]->ops->close (legs[i]);
    legs[i] = NULL;
  }
  if (!start (legs, count, absent))
    sim_fail ("members that are in sync are called a split brain");
}

/* With what was in sync; a plain array only with a disk for each slot. */
static void
start_again (struct disk *const *kept)
{
  struct disk *all[LEGS_MAX];
  struct leg *legs[LEGS_MAX];
  struct array_snapshot now;

  /* Of what is done late now no array could know. */
  for (unsigned i = 0; i < DISKS; i++) {
    disk_put_right (&disks[i]);
    disk_end_late (&disks[i]);
  }
  /* Ids are new. */
  orders_reset ();
  if (!exchange.plain)
    start_md (kept);
  else if (count_kept (kept) < exchange.layout.slots)
    return;
  else
    start (legs, open_disks (kept, legs), NULL);
  clients_check ();
  wait_for_rebuild (&now);
  stop (true, &now);
  world_compare (&now, all);
}

static void
world (void *argument)
{
  struct disk *kept[LEGS_MAX];
  struct leg *legs[LEGS_MAX];
  struct array_snapshot now;

  (void)argument;
  random_init (&exchange.chance, exchange.seed, 1);
  disks_reset (exchange.seed);
  clients_reset ();
  world_choose ();
  orders_reset ();
  for (unsigned i = 0; i < exchange.layout.slots; i++)
    legs[i] = disk_open (i);
  start (legs, exchange.layout.slots, NULL);
  live ();
  if (exchange.may_lose_last)
    end_outage ();
  if (!exchange.may_lose_last && random_one_in (&exchange.chance, 3))
    orders_look (&now);
  else
    wait_for_rebuild (&now);
  exchange.errors_allowed = false;
  clients_check ();
  stop (world_is_good (&now) && !exchange.last_was_cut, &now);
  world_compare (&now, kept);
  start_again (kept);
}

static bool
play (uint64_t seed)
{
  static struct sim_result result;
  const struct sim_options options = { .seed = seed,
                                       .switches = seed % 3 * 24,
                                       .spurious = seed % 5 == 0 ? 8 : 0,
                                       .steps_max = 20000000 };

  exchange.seed = seed;
  sim_preempt_begin ();
  sim_run (&options, world, NULL, &result);
  if (result.verdict == SIM_GOOD)
    return true;
  printf ("%stest-exchange %llu: %s: %s\n", result.dump,
          (unsigned long long)seed, sim_verdict_name (result.verdict),
          result.reason);
  return false;
}

/* An assertion has told why. */
static void
tell_abort (int number)
{
  (void)number;
  printf ("test-exchange %llu: failed: it was aborted\n",
          (unsigned long long)exchange.seed);
  fflush (stdout);
  _exit (1);
}

int
main (int argc, char **argv)
{
  const char *share = getenv ("EXCHANGE_SEEDS");
  const char *skip = getenv ("EXCHANGE_FIRST");
  uint64_t seeds = share != NULL ? strtoull (share, NULL, 10) : 2500;
  uint64_t first = skip != NULL ? strtoull (skip, NULL, 10) : 1;
  bool all = true;

  exchange.only = world_kind (getenv ("EXCHANGE_ONLY"));
  signal (SIGABRT, tell_abort);
  log_set_sink (say_nothing);
  log_set_event_sink (marks_count_event);
  disks_late_ns = LATE_MS * GROUND_MS;
  if (argc > 1) {
    sim_verbose = true;
    return !play (strtoull (argv[1], NULL, 10));
  }
  for (uint64_t seed = first; seed < first + seeds; seed++)
    if (!play (seed))
      return 1;
  all &= marks_tell ();
  all &= roster_marks_tell ();
  if (!all)
    puts ("but one of these was never reached: this shows nothing");
  return !all;
}
