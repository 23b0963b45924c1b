/* SPDX-License-Identifier: BSD-3-Clause */
/* What real members are given to do, which logic/assemble alone cannot see. */
#include "engine/array.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"

static void
wait_for_rebuild (void)
{
  struct array_status status;

  do
    memory_array_look (&status);
  while (status.in_sync != 3);
}

START_TEST (a_rebuild_by_bitmap_without_a_bitmap_copies_all)
{
  uint64_t bytes;

  memory_array_plan (false);
  bytes = memory.plan.size * SECTOR_SIZE;
  memory.sb[1].features
    |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_RECOVERY_BITMAP;
  memset (memory.leg[0]->data, 'x', bytes);
  memory_array_make ();
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_rebuild ();
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, bytes);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Others may have stopped in the middle of a block of ours. */
START_TEST (a_rebuild_goes_on_at_a_whole_block)
{
  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memory.sb[1].recovery_offset = 9;
  memory.leg[1]->leg.caps.block_minimum = 4096;
  memset (memory.leg[0]->data, 'x', 3 * 4096);
  memory_array_make ();
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_rebuild ();
  /* Sector 9 is in the second block. */
  ck_assert_mem_eq (memory.leg[1]->data + 4096, memory.leg[0]->data + 4096,
                    8192);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_rebuild_goes_on_at_a_whole_block);
  tcase_add_test (tcase, a_rebuild_by_bitmap_without_a_bitmap_copies_all);
}

int
main (void)
{
  return unit_main ("members", add_tests);
}
