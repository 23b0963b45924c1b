/* SPDX-License-Identifier: BSD-3-Clause */
/* test-exchange: disks fail, leave, come back and are replaced while clients
 * write.
 *
 * An administrator gives orders at random and disks break at random, but one
 * that is in sync and good is always left: so no client may ever get an error,
 * each reads what it wrote last, the last copy never leaves, and no disk fails
 * that is good and was not ordered to.  At the end the members in sync are
 * alike and hold what was acknowledged, every leg was closed once with nothing
 * in flight (member-disk.h), and the array starts again with it.
 *
 * A world is a seed; it is printed when one is not good, and given as an
 * argument it is played alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "logic/create-plan.h"

void sim_preempt_begin (void);

struct exchange exchange;
unsigned reached[MARKS];

static uint64_t super_at; /* bytes of each disk */

static const char *const mark_names[MARKS] = {
  "fail",
  "remove",
  "add",
  "readd",
  "write-mostly",
  "read-as-others",
  "replace",
  "a disk breaks",
  "the last copy is refused",
  "a replacement ends",
  "back by bitmap",
  "all are in sync at the end",
  "an old member at the restart",
  "that is called a split brain",
};

static void
say_nothing (enum log_level level, const char *message)
{
  (void)level;
  sim_log ("%s", message);
}

/* ----------------------------------------------------------------- the array */

static void
lay_metadata (bool has_bitmap)
{
  static const uint8_t uuid[16] = "change";
  struct create_wish wish = {
    .layout
    = { .level = LEVEL_RAID1, .slots = exchange.slots, .near = 1, .far = 1 },
    .version = SB1_VERSION_1_0,
    .bitmap = has_bitmap,
    .bitmap_chunk = 4096,
    .assume_clean = true,
  };
  struct bitmap_super bitmap;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  for (unsigned i = 0; i < exchange.slots; i++)
    wish.member_bytes[i] = DISK_SIZE;
  if (!create_plan (&wish, &plan, why))
    sim_fail ("no plan: %s", why);
  for (unsigned i = 0; i < exchange.slots; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };
    struct sb1 sb;

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    super_at = sb.super_offset * SECTOR_SIZE;
    sb1_encode (&sb, disks[i].data + super_at);
    if (!has_bitmap)
      continue;
    create_bitmap (&plan, uuid, &bitmap);
    bitmap_encode (&bitmap, disks[i].data + bitmap_offset_bytes (&sb));
  }
}

/* False: some of @legs are said to have had another history. */
static bool
start (struct leg **legs, unsigned count, const char *const *absent)
{
  struct array_config config = { .legs = count,
                                 .opener = { .open = disk_opener },
                                 .retry_ms = 1,
                                 .quiet_ms = 5,
                                 .sync_span = 16384,
                                 .requests = 4,
                                 .sync_min = UINT64_C (1) << 30,
                                 .sync_max = UINT64_C (1) << 30 };
  char why[MESSAGE_MAX] = "";
  int r = array_create (&config, legs, absent, &exchange.array, why);

  if (r == -EEXIST && absent != NULL)
    return false;
  if (r < 0 || array_start (exchange.array) < 0
      || array_allow_writes (exchange.array) < 0)
    sim_fail ("no array: %s", why);
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

/* So that what was begun ends, or is seen to fail. */
static void
wait_for_rebuild (struct array_snapshot *now)
{
  uint64_t until = ground_now () + 60 * GROUND_S;

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
  reached[MARK_REPLACED] += orders_count_replaced (now);
}

static void
stop (bool is_good)
{
  int r = array_quiesce (exchange.array, ground_now () + 10 * GROUND_S);

  if (r < 0 && is_good)
    sim_fail ("no clean stop: %s", log_strerror (r));
  array_close (exchange.array);
  disks_check_closed ();
}

/* Those that are in sync at the end and good. */
static uint32_t
compare (const struct array_snapshot *now, bool *ret_good)
{
  const struct disk *first = NULL;
  uint32_t good = 0;

  *ret_good = true;
  for (unsigned i = 0; i < now->members; i++) {
    const struct array_member *member = &now->member[i];
    const struct disk *disk = disk_of (member);

    if (member->state != MEMBER_IN_SYNC)
      continue;
    if (disk->fault != DISK_GOOD) {
      *ret_good = false;
      continue;
    }
    good |= 1u << disk_number (member->name);
    if (first == NULL)
      first = disk;
    if (memcmp (first->data, disk->data, now->member_size) != 0)
      sim_fail ("%s differs at the end", member->name);
  }
  return good;
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

static bool
was_member (const struct disk *disk)
{
  struct sb1 sb;

  return sb1_decode (SB1_VERSION_1_0, disk->data + super_at, &sb);
}

/* With what was in sync, and as many others as there is room for: none of
 * those is believed before it was rebuilt.
 */
static void
start_again (uint32_t good)
{
  const char *absent[LEGS_MAX] = { "gone", "gone", "gone", "gone" };
  struct leg *legs[LEGS_MAX];
  struct array_snapshot now;
  unsigned count = 0, sure;
  bool is_good;

  for (uint32_t left = good; left != 0; left &= left - 1)
    legs[count++] = disk_open (__builtin_ctz (left));
  sure = count;
  /* Ids are new. */
  orders_reset ();
  for (unsigned i = 0; i < DISKS && count < exchange.slots; i++)
    if (!(good & 1u << i) && was_member (&disks[i])
        && random_one_in (&exchange.chance, 2)) {
      disks[i].fault = DISK_GOOD;
      legs[count++] = disk_open (i);
      reached[MARK_OLD]++;
    }
  while (count < exchange.slots)
    legs[count++] = NULL;
  if (!start (legs, count, absent)) {
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
  clients_check ();
  wait_for_rebuild (&now);
  stop (true);
  compare (&now, &is_good);
}

static void
world (void *argument)
{
  struct leg *legs[LEGS_MAX];
  struct array_snapshot now;
  uint32_t good;
  bool is_good;

  (void)argument;
  random_init (&exchange.chance, exchange.seed, 1);
  disks_reset (exchange.seed);
  clients_reset ();
  orders_reset ();
  exchange.slots = random_between (&exchange.chance, 2, 3);
  lay_metadata (random_one_in (&exchange.chance, 2));
  for (unsigned i = 0; i < exchange.slots; i++)
    legs[i] = disk_open (i);
  start (legs, exchange.slots, NULL);
  live ();
  wait_for_rebuild (&now);
  clients_check ();
  compare (&now, &is_good);
  stop (is_good);
  good = compare (&now, &is_good);
  start_again (good);
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

int
main (int argc, char **argv)
{
  const char *share = getenv ("EXCHANGE_SEEDS");
  uint64_t seeds = share != NULL ? strtoull (share, NULL, 10) : 1500;
  bool all = true;

  log_set_sink (say_nothing);
  if (argc > 1) {
    sim_verbose = true;
    return !play (strtoull (argv[1], NULL, 10));
  }
  for (uint64_t seed = 1; seed <= seeds; seed++)
    if (!play (seed))
      return 1;
  for (unsigned i = 0; i < MARKS; i++) {
    printf ("%-28s %u\n", mark_names[i], reached[i]);
    all &= reached[i] > 0 || i >= MARK_RARE;
  }
  if (!all)
    puts ("but one of these was never reached: this shows nothing");
  return !all;
}
