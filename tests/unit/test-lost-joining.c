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

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase,
                       a_disk_that_is_lost_before_it_is_on_record_stops_nothing,
                       false, true + 1);
}

int
main (void)
{
  return unit_main ("lost-joining", add_tests);
}
