/* SPDX-License-Identifier: BSD-3-Clause */
/* Spares of an md array of legs in memory, and replacements that a start goes on
 * with.
 */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-order.h"
#include "unit.h"

static void
write_at (uint64_t offset)
{
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, offset, 0),
                    0);
}

/* memory:0 is one.  Its id. */
static uint32_t
make_spare (void)
{
  struct array_answer answer;

  memory_order_offer (0);
  answer = order (ARRAY_SPARE, 0, "memory:0", false);
  accepted (answer);
  return answer.member;
}

static void
wait_for_state (uint32_t id, enum member_state state)
{
  while (state_of (id) != state)
    sched_yield ();
}

/* The same disks, but for those of @missing, are given to another start, and
 * memory:0 as well.
 */
static void
start_again (uint32_t missing)
{
  ck_assert_int_eq (memory_array_unmake (), 0);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.sb[i] = memory_array_super (i);
  if (memory.wish.bitmap)
    memory.bitmap = memory_array_bitmap (0);
  memory.others_given = 1;
  memory_array_make_without (missing);
}

static uint32_t
id_of (enum member_state state)
{
  struct array_snapshot snapshot;

  array_get_snapshot (memory.array, &snapshot);
  for (unsigned i = 0; i < snapshot.members; i++)
    if (snapshot.member[i].state == state)
      return snapshot.member[i].id;
  ck_abort_msg ("no member is in state %d", state);
  return 0;
}

START_TEST (a_spare_is_on_record_and_holds_nothing)
{
  uint64_t at;
  struct sb1 sb;

  memory_array_prepare (_i);
  ck_assert_int_eq (state_of (make_spare ()), MEMBER_SPARE);
  sb = memory_array_super_on (memory.other[0]);
  ck_assert_uint_eq (sb1_own_role (&sb), SB1_ROLE_SPARE);
  ck_assert_mem_eq (sb.set_uuid, memory.sb[0].set_uuid, 16);
  ck_assert_uint_ge (sb.dev_number, MEMBERS);
  if (_i != 0) {
    struct bitmap_super bitmap;

    bitmap_decode ((const uint8_t *)memory.other[0]->data
                     + bitmap_offset_bytes (&sb), &bitmap);
    ck_assert_uint_eq (bitmap.magic, BITMAP_MAGIC);
    ck_assert_uint_eq (bitmap.chunk, memory_array_bitmap (0).chunk);
  }
  write_at (2 * AT);
  ck_assert_int_eq (memory_array_unmake (), 0);
  sb = memory_array_super_on (memory.other[0]);
  ck_assert_uint_eq (sb1_own_role (&sb), SB1_ROLE_SPARE);
  ck_assert_uint_eq (sb.events, memory_array_super (0).events);
  at = sb.data_offset * SECTOR_SIZE;
  for (unsigned i = 0; i < 4 * AT; i++)
    ck_assert_int_eq (memory.other[0]->data[at + i], 0);
}
END_TEST

START_TEST (a_spare_steps_in_for_a_disk_that_fails)
{
  uint32_t spare;

  memory_array_prepare (_i);
  spare = make_spare ();
  memory.leg[1]->error[CHILD_WRITE] = -EIO;
  write_at (2 * AT);
  wait_for_state (spare, MEMBER_IN_SYNC);
  ck_assert_int_eq (state_of (2), MEMBER_FAULTY);
  ck_assert_msg (strstr (memory.messages, "a spare, steps in for slot 1")
                   != NULL, "%s", memory.messages);
  write_at (3 * AT);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

START_TEST (a_start_without_a_disk_uses_the_spare)
{
  memory_array_prepare (true);
  make_spare ();
  start_again (1u << 1);
  ck_assert_int_eq (state_of (id_of (MEMBER_SPARE)), MEMBER_SPARE);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_state (2, MEMBER_IN_SYNC);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

START_TEST (a_spare_waits_as_long_as_it_was_told)
{
  uint32_t spare;

  memory_array_plan (true);
  memory.spare_delay_s = _i == 0 ? 1 : 100000;
  memory_array_make ();
  spare = make_spare ();
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  ck_assert_int_eq (state_of (spare), MEMBER_SPARE);
  if (_i == 0)
    wait_for_state (spare, MEMBER_IN_SYNC);
  else {
    /* The slot is free still. */
    memory_order_offer (1);
    accepted (order (ARRAY_ADD, 0, "memory:1", false));
    memory_order_wait_in_sync ();
    ck_assert_int_eq (state_of (spare), MEMBER_SPARE);
  }
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_disk_that_cannot_be_a_spare_is_refused)
{
  memory_array_prepare (true);
  memory_order_offer (0);
  memory.other[0]->error[CHILD_WRITE] = -EIO;
  refused (order (ARRAY_SPARE, 0, "memory:0", false), "not-recorded");
  memory_order_offer (1);
  memory.other[1]->leg.caps.size -= 65536 * 2;
  memory.other[1]->leg.caps.exact_size -= 65536 * 2;
  refused (order (ARRAY_SPARE, 0, "memory:1", false), "too-small");
  memory_order_offer (2);
  memory.other[2]->data[0] = 'x';
  refused (order (ARRAY_SPARE, 0, "memory:2", false), "overwrites");
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  memory_order_offer (3);
  memcpy (memory.other[3]->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  refused (order (ARRAY_SPARE, 0, "memory:3", false), "not-new");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_spare_is_none_before_its_metadata_are_flushed)
{
  memory_array_prepare (_i);
  memory_order_offer (0);
  memory.other[0]->leg.caps.fua = false;
  memory.other[0]->error[CHILD_FLUSH] = -EIO;
  refused (order (ARRAY_SPARE, 0, "memory:0", false), "not-recorded");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_spare_that_fails_is_told_and_no_loss)
{
  uint32_t spare;

  memory_array_prepare (true);
  spare = make_spare ();
  memory.other[0]->error[CHILD_WRITE] = -EIO;
  write_at (2 * AT);
  wait_for_state (spare, MEMBER_FAULTY);
  accepted (order (ARRAY_REMOVE, spare, NULL, false));
  ck_assert_int_eq (state_of (spare), MEMBER_STATES);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_msg (strstr (memory.messages, "a spare, is not kept any more")
                   != NULL, "%s", memory.messages);
  ck_assert (strstr (memory.messages, "DEGRADED") == NULL);
}
END_TEST

START_TEST (a_spare_that_cannot_be_written_when_it_steps_in_is_out)
{
  uint32_t spare;

  memory_array_prepare (true);
  spare = make_spare ();
  memory.other[0]->error[CHILD_WRITE] = -EIO;
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  wait_for_state (spare, MEMBER_FAULTY);
  write_at (2 * AT);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_spare_that_was_let_go_can_be_taken_in_again)
{
  struct memory_leg *leg;
  uint32_t spare;

  memory_array_prepare (true);
  spare = make_spare ();
  leg = memory.other[0];
  accepted (order (ARRAY_REMOVE, spare, NULL, false));
  for (unsigned i = 1; i <= 2; i++) {
    memory_order_offer (i);
    memcpy (memory.other[i]->data, leg->data, MEMORY_LEG_SIZE);
  }
  refused (order (ARRAY_ADD, 0, "memory:1", false), "spare");
  accepted (order (ARRAY_SPARE, 0, "memory:2", false));
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Nothing of it is copied before the stop. */
static void
begin_replacement (bool has_bitmap)
{
  memory_array_prepare (has_bitmap);
  array_sync_pause (memory.array);
  memory_order_offer (0);
  accepted (order (ARRAY_REPLACE, 2, "memory:0", false));
  write_at (2 * AT);
}

START_TEST (a_start_goes_on_with_a_replacement)
{
  uint32_t id;

  begin_replacement (_i);
  start_again (0);
  id = id_of (MEMBER_REPLACING);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  write_at (3 * AT);
  wait_for_state (id, MEMBER_IN_SYNC);
  ck_assert_int_eq (state_of (2), MEMBER_FAULTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
}
END_TEST

START_TEST (a_replacement_alone_is_rebuilt_in_its_slot)
{
  begin_replacement (_i);
  start_again (1u << 1);
  ck_assert_int_eq (state_of (2), MEMBER_RECOVERING);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_state (2, MEMBER_IN_SYNC);
  ck_assert_int_eq (memory_array_unmake (), 0);
  same_data (memory.other[0]);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, a_spare_is_on_record_and_holds_nothing, 0, 2);
  tcase_add_loop_test (tcase, a_spare_steps_in_for_a_disk_that_fails, 0, 2);
  tcase_add_test (tcase, a_start_without_a_disk_uses_the_spare);
  tcase_add_loop_test (tcase, a_spare_waits_as_long_as_it_was_told, 0, 2);
  tcase_add_test (tcase, a_disk_that_cannot_be_a_spare_is_refused);
  tcase_add_loop_test (tcase, a_spare_is_none_before_its_metadata_are_flushed, 0,
                       2);
  tcase_add_test (tcase, a_spare_that_fails_is_told_and_no_loss);
  tcase_add_test (tcase,
                  a_spare_that_cannot_be_written_when_it_steps_in_is_out);
  tcase_add_test (tcase, a_spare_that_was_let_go_can_be_taken_in_again);
  tcase_add_loop_test (tcase, a_start_goes_on_with_a_replacement, 0, 2);
  tcase_add_loop_test (tcase, a_replacement_alone_is_rebuilt_in_its_slot, 0, 2);
}

int
main (void)
{
  return unit_main ("spare", add_tests);
}
