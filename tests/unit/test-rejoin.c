/* SPDX-License-Identifier: BSD-3-Clause */
/* Disks that come back by themselves, at bad moments. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "unit.h"

#define PIECE 4096u

static char data[PIECE];

static struct array_config
config_of (unsigned legs)
{
  return (struct array_config){ .legs = legs,
                                .retry_ms = 1,
                                .quarantine_ms = 1,
                                .reconnect_s = 1,
                                .reconnect_ms = 1,
                                .opener = { .open = memory_array_open } };
}

static void
start (const struct array_config *config, struct leg **legs)
{
  char why[MESSAGE_MAX];

  log_set_sink (memory_array_remember);
  ck_assert_msg (array_create (config, legs, NULL, &memory.array, why) == 0,
                 "%s", why);
  ck_assert_int_eq (array_start (memory.array), 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
}

/* Its server: "memory:NUMBER". */
static void
be_remote (struct memory_leg *disk, unsigned number)
{
  static const char *const names[] = { "memory:0", "memory:1", "memory:2" };

  disk->leg.rank = LEG_REMOTE;
  disk->leg.name = names[number];
}

static void
lose (struct memory_leg *disk)
{
  disk->leg.end = (struct leg_end){ .by_peer = true };
  for (unsigned i = 0; i < ARRAY_LENGTH (disk->error); i++)
    disk->error[i] = -ENOTCONN;
  atomic_fetch_add (&disk->leg.generation, 1);
  disk->leg.gone (&disk->leg, -ENOTCONN);
}

static void
wait_closed (const struct memory_leg *disk)
{
  while (!disk->closed)
    sched_yield ();
}

/* A server at the same address, with what is on @old. */
static struct memory_leg *
serve (const struct memory_leg *old, unsigned number)
{
  static unsigned next = OTHERS;
  struct memory_leg *disk = memory_leg_new (next++);

  memcpy (disk->data, old->data, MEMORY_LEG_SIZE);
  be_remote (disk, number);
  memory.other[number] = disk;
  return disk;
}

static void
wait_in_sync (void)
{
  struct array_snapshot snapshot;

  do {
    sched_yield ();
    array_get_snapshot (memory.array, &snapshot);
  } while (snapshot.lacking != 0);
}

/* ----------------------------------------------------- lost while it joins */

static struct memory_leg *joining;

static void
lose_joining (void)
{
  memory.other[1] = NULL;
  lose (joining);
}

START_TEST (a_plain_disk_that_is_lost_before_it_is_marked_comes_back)
{
  struct array_config config = config_of (2);
  struct leg *legs[2];

  memset (&memory, 0, sizeof memory);
  config.layout
    = (struct layout){ .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 };
  for (unsigned i = 0; i < 2; i++) {
    memory.leg[i] = memory_leg_new (i);
    memset (memory.leg[i]->data, 'a', MEMORY_LEG_SIZE);
    legs[i] = &memory.leg[i]->leg;
  }
  be_remote (memory.leg[1], 1);
  start (&config, legs);
  lose (memory.leg[1]);
  wait_closed (memory.leg[1]);
  memset (data, 'b', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  joining = memory_leg_new (7);
  memcpy (joining->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  be_remote (joining, 1);
  joining->meanwhile[CHILD_WRITE] = lose_joining;
  memory.other[1] = joining;
  wait_closed (joining);
  serve (joining, 1);
  wait_in_sync ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_mem_eq (memory.other[1]->data, memory.leg[0]->data,
                    MEMORY_LEG_SIZE);
}
END_TEST

/* --------------------------------------- while a local disk hangs for ever */

static void
be_inside (struct leg *leg)
{
  (void)leg;
}

/* What is sent to it does not come back before the test says so. */
static struct leg_ops
hang (struct memory_leg *disk)
{
  struct leg_ops ops = *disk->leg.ops;

  ops.abort = be_inside;
  disk->hold = true;
  return ops;
}

static void
write_one (void *argument)
{
  (void)argument;
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
}

static void
fail_third (void)
{
  const struct array_order order = { .verb = ARRAY_FAIL, .member = 3 };
  struct array_answer answer;

  ck_assert_int_eq (array_change (memory.array, &order, &answer), 0);
}

static void
wait_for (uint32_t lacking, uint32_t recovering)
{
  struct array_snapshot snapshot;

  do {
    sched_yield ();
    array_get_snapshot (memory.array, &snapshot);
  } while (snapshot.lacking != lacking || snapshot.recovering != recovering);
}

START_TEST (a_request_that_is_stuck_in_another_disk_keeps_none_from_coming_back)
{
  struct array_config config = config_of (3);
  struct memory_leg *disk[3];
  struct ground_thread writer;
  struct leg_ops hangs;
  struct child *stuck;
  struct leg *legs[3];

  memset (&memory, 0, sizeof memory);
  config.layout
    = (struct layout){ .level = LEVEL_RAID1, .slots = 3, .near = 1, .far = 1 };
  for (unsigned i = 0; i < 3; i++) {
    disk[i] = memory_leg_new (i);
    memset (disk[i]->data, 'a', MEMORY_LEG_SIZE);
    legs[i] = &disk[i]->leg;
  }
  be_remote (disk[1], 1);
  hangs = hang (disk[2]);
  disk[2]->leg.ops = &hangs;
  start (&config, legs);
  memset (data, 'b', sizeof data);
  ck_assert_int_eq (ground_thread_start (&writer, "writer", write_one, NULL),
                    0);
  while ((stuck = atomic_load (&disk[2]->held)) == NULL)
    sched_yield ();
  fail_third ();
  lose (disk[1]);
  serve (disk[1], 1);
  wait_for (6, 2);
  /* The place of that write is copied when it has ended. */
  stuck->done (stuck, -EIO);
  ground_thread_join (&writer);
  wait_for (4, 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_mem_eq (memory.other[1]->data, disk[0]->data, MEMORY_LEG_SIZE);
}
END_TEST

/* ------------------------------------------- while the last copy is awaited */

static void
order_a_change (void *argument)
{
  const struct array_order order
    = { .verb = ARRAY_WRITE_MOSTLY, .member = 1 };
  struct array_answer answer;

  (void)argument;
  array_change (memory.array, &order, &answer);
}

/* The range is locked by who waits. */
static void
wait_until_it_waits (unsigned descriptors)
{
  uint64_t epoch;

  while (requests_free_count (&memory.array->modifiers) > descriptors - 1
         || !range_lock_look (&memory.array->ranges, 0, PIECE, &epoch))
    sched_yield ();
}

/* Both disks are lost, the second one first. */
static void
lose_both (unsigned requests, bool is_active)
{
  struct array_config config = config_of (MEMBERS);
  struct leg *legs[MEMBERS];

  memory_array_plan (true);
  memory_array_write_supers ();
  for (unsigned i = 0; i < MEMBERS; i++) {
    be_remote (memory.leg[i], i);
    legs[i] = &memory.leg[i]->leg;
  }
  config.requests = requests;
  config.no_leg_timeout_s = NO_LEG_TIMEOUT_MAX_S;
  start (&config, legs);
  if (is_active)
    ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  lose (memory.leg[1]);
  lose (memory.leg[0]);
}

/* All descriptors are with those who wait, or an order waits for them. */
START_TEST (another_disk_that_answers_first_keeps_no_last_copy_away)
{
  bool is_ordered = _i > 0;
  unsigned requests = is_ordered ? 2 : 1;
  struct ground_thread writer, other;
  char back[PIECE];

  lose_both (requests, true);
  memset (data, 'c', sizeof data);
  ck_assert_int_eq (ground_thread_start (&writer, "writer", write_one, NULL),
                    0);
  wait_until_it_waits (requests);
  if (is_ordered) {
    ck_assert_int_eq (ground_thread_start (&other, "order", order_a_change,
                                           NULL),
                      0);
    while (requests_free_count (&memory.array->modifiers) > 0)
      sched_yield ();
  }
  wait_closed (serve (memory.leg[1], 1));
  serve (memory.leg[0], 0);
  ground_thread_join (&writer);
  if (is_ordered)
    ground_thread_join (&other);
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, 0), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  memory_array_unmake ();
}
END_TEST

/* ------------------------------------------------------------- one removed */

static bool
is_sought (uint32_t id)
{
  struct lost_disk sought;

  return lost_find (&memory.array->lost, id, 0, &sought);
}

static void
wait_reattached (void)
{
  while (is_sought (1))
    sched_yield ();
}

/* The metadata could not be made active when it answered, which is no fault of
 * its own.
 */
START_TEST (one_that_was_removed_is_sought_no_more)
{
  struct array_order remove = { .verb = ARRAY_REMOVE, .member = 2 };
  struct array_snapshot snapshot;
  struct array_answer answer;

  lose_both (4, false);
  wait_closed (serve (memory.leg[1], 1));
  memory.other[1] = NULL;
  serve (memory.leg[0], 0);
  wait_reattached ();
  ck_assert_int_eq (array_change (memory.array, &remove, &answer), 0);
  serve (memory.leg[1], 1);
  while (is_sought (2) || is_sought (0))
    sched_yield ();
  array_get_snapshot (memory.array, &snapshot);
  ck_assert_uint_eq (snapshot.members, 1);
  memory_array_unmake ();
}
END_TEST

/* ------------------------------------------- one that hangs while it joins */

/* The pause before the next attempt, at least half of what is meant. */
static uint64_t
lose_as (struct lost *lost, struct leg *leg, uint32_t id, int error)
{
  struct member *member = member_new (leg);
  struct lost_disk sought;
  uint64_t before = ground_now ();

  ck_assert_ptr_nonnull (member);
  member->id = id;
  ck_assert (lost_note (lost, member, 0, error));
  member_free (member);
  lost_refused (lost, leg->name, "not-recorded", "it hangs");
  ck_assert (lost_find (lost, id, 0, &sought));
  return (sought.next_ns - before) / GROUND_S;
}

START_TEST (a_disk_that_hangs_whenever_it_is_let_in_is_let_in_seldom)
{
  struct memory_leg *disk = memory_leg_new (0);
  struct lost lost;

  be_remote (disk, 0);
  lost_init (&lost, GROUND_S, 30 * GROUND_S);
  ck_assert_uint_lt (lose_as (&lost, &disk->leg, 1, -ETIMEDOUT), 30);
  ck_assert_uint_ge (lose_as (&lost, &disk->leg, 2, -ETIMEDOUT), 30);
  ck_assert_uint_ge (lose_as (&lost, &disk->leg, 3, -ETIMEDOUT), 60);
  for (uint32_t id = 4; id < 12; id++)
    lose_as (&lost, &disk->leg, id, -ETIMEDOUT);
  ck_assert_uint_ge (lose_as (&lost, &disk->leg, 12, -ETIMEDOUT),
                     RECONNECT_MAX_S / 2);
  /* Its server is another one, or it only lost its connection. */
  ck_assert_uint_lt (lose_as (&lost, &disk->leg, 13, -ENOTCONN), 31);
  lose_as (&lost, &disk->leg, 14, -ETIMEDOUT);
  lost_back (&lost, disk->leg.name, 14);
  ck_assert_uint_lt (lose_as (&lost, &disk->leg, 15, -ETIMEDOUT), 31);
  lost_destroy (&lost);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, one_that_was_removed_is_sought_no_more);
  tcase_add_test (tcase,
                  a_disk_that_hangs_whenever_it_is_let_in_is_let_in_seldom);
  tcase_add_loop_test (
    tcase, another_disk_that_answers_first_keeps_no_last_copy_away, false,
    true + 1);
  tcase_add_test (
    tcase,
    a_request_that_is_stuck_in_another_disk_keeps_none_from_coming_back);
  tcase_add_test (tcase,
                  a_plain_disk_that_is_lost_before_it_is_marked_comes_back);
}

int
main (void)
{
  return unit_main ("rejoin", add_tests);
}
