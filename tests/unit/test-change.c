/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders that change the members of an md array of legs in memory. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "memory-order.h"
#include "unit.h"

static char back[4096];

START_TEST (a_failed_disk_is_replaced_by_a_new_one_while_clients_write)
{
  struct array_answer answer;

  memory_array_prepare (_i);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_int_eq (state_of (2), MEMBER_FAULTY);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 2 * AT, 0),
                    0);
  memory_order_offer (0);
  memory.other[0]->data[MEMORY_LEG_SIZE - 1] = 'x';
  refused (order (ARRAY_ADD, 0, "memory:0", false), "overwrites");
  memory_order_offer (0);
  answer = order (ARRAY_ADD, 0, "memory:0", _i == 1);
  accepted (answer);
  ck_assert_uint_ge (answer.to_copy, memory.sb[0].size * SECTOR_SIZE);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 3 * AT, 0),
                    0);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (state_of (answer.member), MEMBER_IN_SYNC);
  accepted (order (ARRAY_REMOVE, 2, NULL, false));
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

START_TEST (the_last_copy_can_be_neither_failed_nor_removed)
{
  memory_array_prepare (true);
  accepted (order (ARRAY_FAIL, 1, NULL, false));
  refused (order (ARRAY_FAIL, 2, NULL, false), "last-copy");
  refused (order (ARRAY_REMOVE, 2, NULL, false), "last-copy");
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_disk_that_comes_back_gets_what_it_missed_and_nothing_else)
{
  struct array_answer answer;
  struct memory_leg *leg;

  memory_array_prepare (true);
  leg = memory.leg[1];
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 4 * AT, 0),
                    0);
  /* What it holds, on another connection. */
  memory_order_offer (0);
  memcpy (memory.other[0]->data, leg->data, MEMORY_LEG_SIZE);
  answer = order (ARRAY_READD, 2, "memory:0", false);
  accepted (answer);
  ck_assert_uint_lt (answer.to_copy, memory.sb[0].size * SECTOR_SIZE);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (state_of (2), MEMBER_STATES);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

/* With the event count that the array still has. */
START_TEST (an_older_image_of_a_disk_gets_what_has_no_bit_any_more)
{
  static char image[MEMORY_LEG_SIZE];
  struct array_answer answer;

  memory_array_prepare (true);
  memcpy (image, memory.leg[1]->data, sizeof image);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 4 * AT, 0),
                    0);
  while (metadata_marked (memory.array) > 0)
    metadata_sweep (memory.array);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  memory_order_offer (0);
  memcpy (memory.other[0]->data, image, sizeof image);
  answer = order (ARRAY_READD, 2, "memory:0", false);
  accepted (answer);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

START_TEST (what_is_said_of_a_disk_that_joins_is_a_sentence)
{
  struct array_answer answer;

  memory_array_prepare (false);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  memory_order_offer (0);
  memcpy (memory.other[0]->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  answer = order (ARRAY_READD, 2, "memory:0", false);
  accepted (answer);
  ck_assert_msg (strstr (answer.text, " bytes: the array has no bitmap")
                   != NULL, "%s", answer.text);
  memory_order_wait_in_sync ();
  accepted (order (ARRAY_REMOVE, answer.member, NULL, false));
  memory_order_offer (1);
  answer = order (ARRAY_ADD, 0, "memory:1", true);
  accepted (answer);
  ck_assert_msg (strstr (answer.text, " bytes: it was no disk of this array")
                   != NULL, "%s", answer.text);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_replaced_disk_serves_until_the_new_one_has_everything)
{
  struct array_answer answer;

  memory_array_prepare (_i);
  memory_order_offer (0);
  answer = order (ARRAY_REPLACE, 1, "memory:0", true);
  accepted (answer);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (state_of (1), MEMBER_FAULTY);
  ck_assert_int_eq (state_of (answer.member), MEMBER_IN_SYNC);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 5 * AT, 0),
                    0);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_uint_eq (memory_array_super (1).roles[0], SB1_ROLE_FAULTY);
  ck_assert_mem_eq (memory.other[0]->data
                      + memory.sb[0].data_offset * SECTOR_SIZE + 5 * AT,
                    data, sizeof data);
}
END_TEST

START_TEST (a_disk_comes_back_while_another_is_being_replaced)
{
  struct array_answer answer;

  memory_array_prepare (_i);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  array_sync_pause (memory.array);
  memory_order_offer (0);
  answer = order (ARRAY_REPLACE, 1, "memory:0", true);
  accepted (answer);
  ck_assert_int_eq (state_of (answer.member), MEMBER_REPLACING);
  memory_order_offer (1);
  memcpy (memory.other[1]->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  accepted (order (ARRAY_READD, 2, "memory:1", false));
  array_sync_resume (memory.array);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (state_of (answer.member), MEMBER_IN_SYNC);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
  same_data (memory.other[1]);
}
END_TEST

START_TEST (orders_that_make_no_sense_change_nothing)
{
  memory_array_prepare (true);
  memory_order_offer (0);
  refused (order (ARRAY_ADD, 0, "memory:7", true), "missing");
  refused (order (ARRAY_ADD, 0, "memory:0", true), "no-free-slot");
  refused (order (ARRAY_FAIL, 9, NULL, false), "unknown-member");
  refused (order (ARRAY_READD, 9, NULL, false), "unknown-member");
  memory_order_offer (0);
  strcpy (memory.other[0]->leg.identity, memory.leg[0]->leg.identity);
  refused (order (ARRAY_REPLACE, 1, "memory:0", true), "same-disk");
  accepted (order (ARRAY_FAIL, 1, NULL, false));
  refused (order (ARRAY_FAIL, 1, NULL, false), "already");
  memory_order_offer (0);
  refused (order (ARRAY_READD, 1, "memory:0", true), "no-member");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_new_disk_that_cannot_store_its_metadata_is_refused)
{
  memory_array_prepare (true);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  memory_order_offer (0);
  memory.other[0]->error[CHILD_WRITE] = -EIO;
  refused (order (ARRAY_ADD, 0, "memory:0", true), "not-recorded");
  ck_assert_int_eq (state_of (3), MEMBER_STATES);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (what_cannot_be_stored_of_a_mark_is_told)
{
  memory_array_prepare (true);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->error[CHILD_WRITE] = -EIO;
  refused (order (ARRAY_WRITE_MOSTLY, 1, NULL, false), "not-recorded");
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->error[CHILD_WRITE] = 0;
  memory_array_unmake ();
}
END_TEST

/* There is no entry left in the table of roles. */
START_TEST (a_new_disk_without_a_number_left_is_refused)
{
  memory_array_plan (true);
  for (unsigned i = 0; i < MEMBERS; i++) {
    memory.sb[i].max_dev = SB1_ROLES_MAX;
    for (unsigned n = MEMBERS; n < SB1_ROLES_MAX; n++)
      memory.sb[i].roles[n] = SB1_ROLE_FAULTY;
  }
  memory_array_make ();
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  memory_order_offer (0);
  refused (order (ARRAY_ADD, 0, "memory:0", true), "too-many-members");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_disk_that_is_written_mostly_is_read_only_if_no_other_can_be)
{
  memory_array_prepare (true);
  accepted (order (ARRAY_WRITE_MOSTLY, 1, NULL, false));
  ck_assert_uint_eq (memory_array_super (0).devflags, SB1_WRITE_MOSTLY);
  ck_assert_uint_eq (memory_array_super (1).devflags, 0);
  memory.leg[0]->count[CHILD_READ] = 0;
  for (unsigned i = 0; i < 8; i++)
    ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_uint_eq (memory.leg[0]->count[CHILD_READ], 0);
  memory.leg[1]->error[CHILD_READ] = -EIO;
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_uint_eq (memory.leg[0]->count[CHILD_READ], 1);
  refused (order (ARRAY_WRITE_MOSTLY, 1, NULL, false), "already");
  memory.leg[1]->error[CHILD_READ] = 0;
  ck_assert_int_eq (memory_array_unmake (), 0);

  /* It is remembered. */
  memory.sb[0] = memory_array_super (0);
  memory.sb[1] = memory_array_super (1);
  memory_array_make ();
  memory.leg[0]->count[CHILD_READ] = 0;
  for (unsigned i = 0; i < 8; i++)
    ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_uint_eq (memory.leg[0]->count[CHILD_READ], 0);
  accepted (order (ARRAY_READ_AS_OTHERS, 1, NULL, false));
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_uint_eq (memory_array_super (0).devflags, 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase,
                  an_older_image_of_a_disk_gets_what_has_no_bit_any_more);
  tcase_add_loop_test (
    tcase, a_failed_disk_is_replaced_by_a_new_one_while_clients_write, 0, 2);
  tcase_add_test (tcase, the_last_copy_can_be_neither_failed_nor_removed);
  tcase_add_test (tcase,
                  a_disk_that_comes_back_gets_what_it_missed_and_nothing_else);
  tcase_add_test (tcase, what_is_said_of_a_disk_that_joins_is_a_sentence);
  tcase_add_loop_test (
    tcase, a_replaced_disk_serves_until_the_new_one_has_everything, 0, 2);
  tcase_add_loop_test (
    tcase, a_disk_comes_back_while_another_is_being_replaced, 0, 2);
  tcase_add_test (tcase, orders_that_make_no_sense_change_nothing);
  tcase_add_test (
    tcase, a_disk_that_is_written_mostly_is_read_only_if_no_other_can_be);
  tcase_add_test (tcase, a_new_disk_that_cannot_store_its_metadata_is_refused);
  tcase_add_test (tcase, what_cannot_be_stored_of_a_mark_is_told);
  tcase_add_test (tcase, a_new_disk_without_a_number_left_is_refused);
}

int
main (void)
{
  return unit_main ("change", add_tests);
}
