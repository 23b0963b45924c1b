/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk of an md array that is lost again while it joins. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "memory-order.h"
#include "unit.h"

static bool is_lost_joining;

int __real_metadata_admit (struct array *array, const struct member *member);
int __wrap_metadata_admit (struct array *array, const struct member *member);

/* It has its place, and is not on record yet. */
int
__wrap_metadata_admit (struct array *array, const struct member *member)
{
  struct leg *leg = member->leg;

  if (is_lost_joining) {
    memory.other[1] = NULL;
    atomic_fetch_add (&leg->generation, 1);
    leg->gone (leg, -ENOTCONN);
  }
  return __real_metadata_admit (array, member);
}

/* What the second disk held, on another connection. */
static void
offer_second (unsigned number)
{
  memory_order_offer (number);
  memcpy (memory.other[number]->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
}

START_TEST (a_disk_that_is_lost_before_it_is_on_record_stops_nothing)
{
  struct array_answer answer;

  memory_array_prepare (_i);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  offer_second (0);
  is_lost_joining = true;
  refused (order (ARRAY_READD, 2, "memory:0", false), "not-recorded");
  is_lost_joining = false;
  /* It has left no trace, and comes back as before. */
  ck_assert_uint_eq (memory.other[0]->written, 0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 2 * AT, 0),
                    0);
  offer_second (1);
  answer = order (ARRAY_READD, 0, "memory:1", false);
  accepted (answer);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (state_of (answer.member), MEMBER_IN_SYNC);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[1]);
}
END_TEST

/* By itself: its server, "memory:1". */
static struct memory_leg *
serve_second (struct memory_leg *disk)
{
  memcpy (disk->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  disk->leg.rank = LEG_REMOTE;
  disk->leg.name = "memory:1";
  return disk;
}

/* The second disk is remote, and is lost. */
static void
start_and_lose (void)
{
  struct array_config config = { .legs = MEMBERS,
                                 .reconnect_s = 1,
                                 .reconnect_ms = 1,
                                 .opener = { .open = memory_array_open } };
  struct leg *legs[MEMBERS], *second;
  char why[MESSAGE_MAX];

  memory_array_plan (true);
  memory_array_write_supers ();
  second = &memory.leg[1]->leg;
  second->rank = LEG_REMOTE;
  second->name = "memory:1";
  legs[0] = &memory.leg[0]->leg;
  legs[1] = second;
  log_set_sink (memory_array_remember);
  ck_assert_msg (array_create (&config, legs, NULL, &memory.array, why) == 0,
                 "%s", why);
  ck_assert_int_eq (array_start (memory.array), 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  atomic_fetch_add (&second->generation, 1);
  second->gone (second, -ENOTCONN);
  while (!memory.leg[1]->closed)
    sched_yield ();
}

START_TEST (who_was_lost_joining_is_still_known)
{
  struct memory_leg *disk;
  struct sb1 sb;
  struct lost_disk lost;

  start_and_lose ();
  is_lost_joining = true;
  memory.other[1] = serve_second (memory_leg_new (5));
  while (!lost_find (&memory.array->lost, 0, 0, &lost))
    sched_yield ();
  is_lost_joining = false;
  /* Another disk of that array, which the array does not miss. */
  disk = serve_second (memory_leg_new (6));
  sb = memory.sb[1];
  sb.device_uuid[0] ^= 0x40;
  sb1_encode (&sb, (uint8_t *)disk->data + sb.super_offset * SECTOR_SIZE);
  memory.other[1] = disk;
  while (!disk->closed && disk->written == 0)
    sched_yield ();
  ck_assert_uint_eq (disk->written, 0);
  memory_array_unmake ();
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, who_was_lost_joining_is_still_known);
  tcase_add_loop_test (tcase,
                       a_disk_that_is_lost_before_it_is_on_record_stops_nothing,
                       false, true + 1);
}

int
main (void)
{
  return unit_main ("lost-joining", add_tests);
}
