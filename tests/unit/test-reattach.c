/* SPDX-License-Identifier: BSD-3-Clause */
/* The last copy comes back by another connection, at a bad moment. */
#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/life/newcomer.h"
#include "engine/life/reattach.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "memory-order.h"
#include "unit.h"

static void (*before_settling) (void);

int __real_failure_settle (struct request *request, const char *what,
                           uint32_t excused);
int __wrap_failure_settle (struct request *request, const char *what,
                           uint32_t excused);

/* All have answered. */
int
__wrap_failure_settle (struct request *request, const char *what,
                       uint32_t excused)
{
  void (*now) (void) = before_settling;

  before_settling = NULL;
  if (now != NULL && request->failed != 0)
    now ();
  return __real_failure_settle (request, what, excused);
}

/* The first disk, whose server is there again. */
static void
come_back (void)
{
  struct newcomer newcomer;
  struct array_answer answer;

  memory_order_offer (0);
  memcpy (memory.other[0]->data, memory.leg[0]->data, MEMORY_LEG_SIZE);
  ck_assert_int_eq (newcomer_open (memory.array, "memory:0", 1, &newcomer,
                                   &answer), 0);
  ck_assert_msg (reattach (memory.array, 1, 0, &newcomer, &answer) == 0, "%s",
                 answer.text);
  newcomer_drop (&newcomer);
}

/* It is lost before anybody knows that it is a member. */
static int
start_and_lose (struct leg *leg)
{
  atomic_fetch_add (&leg->generation, 1);
  leg->gone (leg, -ENOTCONN);
  return 0;
}

START_TEST (one_that_is_lost_again_at_once_is_sought_again)
{
  struct newcomer newcomer;
  struct array_answer answer;
  struct lost_disk sought;
  struct leg_ops ops;

  memory_array_prepare (true);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  atomic_fetch_add (&memory.leg[0]->leg.generation, 1);
  memory_order_offer (0);
  memcpy (memory.other[0]->data, memory.leg[0]->data, MEMORY_LEG_SIZE);
  memory.other[0]->leg.rank = LEG_REMOTE;
  ops = *memory.other[0]->leg.ops;
  ops.start = start_and_lose;
  memory.other[0]->leg.ops = &ops;
  memory.array->lost.pause_max_ns = GROUND_S;
  ck_assert_int_eq (newcomer_open (memory.array, "memory:0", 1, &newcomer,
                                   &answer), 0);
  ck_assert_int_eq (reattach (memory.array, 1, 0, &newcomer, &answer), 0);
  newcomer_drop (&newcomer);
  ck_assert (lost_find (&memory.array->lost, 3, 0, &sought));
  ck_assert_str_eq (sought.name, "memory:0");
  memory_array_unmake ();
}
END_TEST

/* The first disk is the last copy, and its connection is lost in the middle of
 * what comes next.
 */
static void
prepare_and_lose (void)
{
  memory_array_prepare (true);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  for (unsigned i = 0; i < ARRAY_LENGTH (memory.leg[0]->error); i++)
    memory.leg[0]->error[i] = -ENOTCONN;
  memory.leg[0]->leg.end = (struct leg_end){ .by_peer = true };
  atomic_fetch_add (&memory.leg[0]->leg.generation, 1);
  before_settling = come_back;
}

START_TEST (what_the_old_connection_failed_is_not_acknowledged)
{
  char back[sizeof data];

  prepare_and_lose ();
  memset (data, 'e', sizeof data);
  ck_assert_int_lt (array_write (memory.array, data, sizeof data, AT, 0), 0);
  ck_assert_ptr_null (before_settling);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  memory_array_unmake ();
}
END_TEST

START_TEST (a_flush_of_the_old_connection_is_no_success)
{
  prepare_and_lose ();
  ck_assert_int_lt (array_flush (memory.array), 0);
  ck_assert_ptr_null (before_settling);
  memory_array_unmake ();
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, what_the_old_connection_failed_is_not_acknowledged);
  tcase_add_test (tcase, one_that_is_lost_again_at_once_is_sought_again);
  tcase_add_test (tcase, a_flush_of_the_old_connection_is_no_success);
}

int
main (void)
{
  return unit_main ("reattach", add_tests);
}
