/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders that change how many slots an array has, and its name. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "memory-order.h"
#include "unit.h"

static struct array_answer
grow (unsigned slots, const char *disk)
{
  return order_whole (&(struct array_order){
    .verb = ARRAY_GROW_LEGS, .slots = slots, .disk = disk });
}

static struct array_answer
call_it (const char *name)
{
  return order_whole (
    &(struct array_order){ .verb = ARRAY_RENAME, .name = name });
}

static void
check_slots (unsigned slots)
{
  struct array_status status;

  array_get_status (memory.array, &status);
  ck_assert_uint_eq (status.slots, slots);
  for (unsigned i = 0; i < MEMBERS; i++)
    ck_assert_uint_eq (memory_array_super (i).raid_disks, slots);
}

START_TEST (a_slot_more_is_on_record_and_empty)
{
  struct array_snapshot snapshot;

  memory_array_prepare (true);
  accepted (grow (3, NULL));
  check_slots (3);
  array_get_snapshot (memory.array, &snapshot);
  ck_assert_uint_eq (snapshot.lacking, 4);
  refused (grow (3, NULL), "already");
  /* Bits stay as long as somebody may come who lacks something. */
  ck_assert_uint_gt (metadata_marked (memory.array), 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_uint_eq (memory_array_super (0).raid_disks, 3);
}
END_TEST

START_TEST (a_disk_gets_the_new_slot_with_the_same_order)
{
  memory_array_prepare (_i);
  memory_order_offer (0);
  accepted (grow (3, "memory:0"));
  check_slots (3);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_mem_eq (memory.other[0]->data + AT, memory.leg[0]->data + AT,
                    sizeof data);
  ck_assert_uint_eq (memory_array_super (0).roles[2], 2);
}
END_TEST

START_TEST (a_disk_in_a_new_slot_can_be_the_last_copy)
{
  struct array_answer answer;
  static char back[sizeof data];

  memory_array_prepare (_i);
  memory_order_offer (0);
  answer = grow (3, "memory:0");
  accepted (answer);
  memory_order_wait_in_sync ();
  accepted (order (ARRAY_FAIL, 1, NULL, false));
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  refused (order (ARRAY_FAIL, answer.member, NULL, false), "last-copy");
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_disk_that_cannot_have_the_new_slot_leaves_all_as_it_was)
{
  memory_array_prepare (true);
  refused (grow (3, "memory:7"), "missing");
  check_slots (2);
  memory_order_offer (0);
  memory.other[0]->error[CHILD_WRITE] = -EIO;
  refused (grow (3, "memory:0"), "not-recorded");
  check_slots (2);
  refused (grow (2, "memory:1"), "bad-number");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_spare_that_waits_gets_the_new_slot)
{
  struct array_answer answer;

  memory_array_prepare (true);
  memory_order_offer (0);
  memory_order_offer (1);
  answer = order (ARRAY_SPARE, 0, "memory:0", false);
  accepted (answer);
  refused (grow (3, "memory:1"), "spare-waits");
  check_slots (2);
  accepted (grow (3, NULL));
  /* The answer does not wait for it. */
  while (state_of (answer.member) != MEMBER_IN_SYNC)
    sched_yield ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_mem_eq (memory.other[0]->data + AT, memory.leg[0]->data + AT,
                    sizeof data);
}
END_TEST

START_TEST (only_slots_without_a_disk_go_away)
{
  struct array_answer answer;

  memory_array_prepare (true);
  memory_order_offer (0);
  answer = grow (3, "memory:0");
  accepted (answer);
  memory_order_wait_in_sync ();
  refused (grow (2, NULL), "in-use");
  accepted (order (ARRAY_REMOVE, answer.member, NULL, false));
  accepted (grow (2, NULL));
  check_slots (2);
  refused (grow (0, NULL), "bad-number");
  refused (grow (1, NULL), "bad-number");
  refused (grow (LEGS_MAX + 1, NULL), "bad-number");
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, SB1_CLEAN);
}
END_TEST

/* So a spare waits for as long as ever. */
START_TEST (a_slot_that_comes_again_is_empty_since_then)
{
  uint64_t gone;

  memory_array_prepare (true);
  accepted (grow (3, NULL));
  accepted (grow (2, NULL));
  gone = ground_now ();
  accepted (grow (3, NULL));
  ck_assert_uint_ge (memory.array->empty_since_ns[2], gone);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (what_is_only_asked_for_is_not_done)
{
  struct array_order ask = { .verb = ARRAY_GROW_LEGS, .slots = 3,
                             .dry_run = true };

  memory_array_prepare (true);
  accepted (order_whole (&ask));
  ask = (struct array_order){ .verb = ARRAY_RENAME, .name = "other",
                              .dry_run = true };
  accepted (order_whole (&ask));
  check_slots (2);
  ck_assert_str_eq (memory_array_super (0).name, "");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* The update reached one of them only, before a crash. */
START_TEST (a_crash_while_it_grows_leaves_both_in_sync)
{
  struct sb1 before;
  struct array_status status;

  memory_array_prepare (_i);
  before = memory_array_super (1);
  accepted (grow (3, NULL));
  ck_assert_uint_eq (memory_array_super (1).events, before.events + 1);
  ck_assert_int_eq (memory_array_unmake (), 0);

  memory.sb[0] = memory_array_super (0);
  memory.sb[0].events = before.events + 1;
  memory.sb[0].resync_offset = 0;
  memory.sb[1] = before;
  memory.bitmap = memory_array_bitmap (0);
  memory.bitmap.events = before.events + 1;
  memory_array_make ();
  array_get_status (memory.array, &status);
  ck_assert_uint_eq (status.in_sync, 3);
  ck_assert_uint_eq (status.slots, 3);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  check_slots (3);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_new_name_is_on_every_disk)
{
  struct array_identity identity;

  memory_array_prepare (true);
  accepted (call_it ("photos of 2026, all of them here"));
  for (unsigned i = 0; i < MEMBERS; i++)
    ck_assert_str_eq (memory_array_super (i).name,
                      "photos of 2026, all of them here");
  array_get_identity (memory.array, &identity);
  ck_assert_str_eq (identity.name, "photos of 2026, all of them here");
  refused (call_it ("photos of 2026, all of them here."), "bad-name");
  refused (call_it (""), "bad-name");
  refused (call_it ("a\nb"), "bad-name");
  refused (call_it ("a\x7f"), "bad-name");
  /* What else a terminal obeys, what turns the direction, and no UTF-8. */
  refused (call_it ("\xc2\x9b" "31m"), "bad-name");
  refused (call_it ("\xe2\x80\xae" "txt"), "bad-name");
  refused (call_it ("\xff"), "bad-name");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_slot_more_is_on_record_and_empty);
  tcase_add_loop_test (tcase, a_disk_gets_the_new_slot_with_the_same_order, 0,
                       2);
  tcase_add_loop_test (tcase, a_disk_in_a_new_slot_can_be_the_last_copy, 0, 2);
  tcase_add_test (tcase,
                  a_disk_that_cannot_have_the_new_slot_leaves_all_as_it_was);
  tcase_add_test (tcase, a_spare_that_waits_gets_the_new_slot);
  tcase_add_test (tcase, only_slots_without_a_disk_go_away);
  tcase_add_test (tcase, a_slot_that_comes_again_is_empty_since_then);
  tcase_add_test (tcase, what_is_only_asked_for_is_not_done);
  tcase_add_loop_test (tcase, a_crash_while_it_grows_leaves_both_in_sync, 0,
                       2);
  tcase_add_test (tcase, a_new_name_is_on_every_disk);
}

int
main (void)
{
  return unit_main ("grow", add_tests);
}
