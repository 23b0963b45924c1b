/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes on record after something went wrong, one by one.  (Orders and
 * crashes are mirror-crash's.)
 */
#include "engine/array-internal.h"
#include "engine/metadata.h"
#include "ground/ground.h"
#include "memory-array.h"

static char data[4096];

static void
set_error (enum child_op op, int first, int second)
{
  memory.leg[0]->error[op] = first;
  memory.leg[1]->error[op] = second;
}

/* Written to, and copies differ where a write failed. */
static void
make_different (void)
{
  memory_array_plan (true);
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  set_error (CHILD_WRITE, 0, -EINVAL);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0),
                    -EINVAL);
  set_error (CHILD_WRITE, 0, 0);
}

START_TEST (copies_that_differ_are_not_recorded_as_clean_when_a_member_goes)
{
  make_different ();
  /* Clean cannot be stored; that takes nobody out. */
  set_error (CHILD_WRITE, -EINVAL, -EINVAL);
  ck_assert_int_eq (metadata_clean (memory.array), -EINVAL);
  set_error (CHILD_WRITE, 0, 0);
  /* Now somebody goes without a write. */
  set_error (CHILD_FLUSH, 0, -EIO);
  ck_assert_int_eq (array_flush (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, 0);
  set_error (CHILD_FLUSH, 0, 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_member_that_goes_while_all_is_clean_leaves_it_clean)
{
  memory_array_plan (true);
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_int_eq (metadata_clean (memory.array), 0);
  set_error (CHILD_FLUSH, 0, -EIO);
  ck_assert_int_eq (array_flush (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, SB1_CLEAN);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* The resync's thread has tried and failed, more than once. */
static void
wait_for_errors (unsigned slot)
{
  struct array_status status;

  do
    array_get_status (memory.array, &status);
  while (status.errors[slot] < 3);
}

START_TEST (a_resync_that_met_a_passing_error_goes_on_by_itself)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  set_error (CHILD_WRITE, 0, -EAGAIN);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_errors (1);
  set_error (CHILD_WRITE, 0, 0);
  do
    array_get_status (memory.array, &status);
  while (status.resyncing);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
  /* It was said once that it could not begin. */
  ck_assert_ptr_null (strstr (strstr (memory.messages, "cannot begin") + 1,
                              "cannot begin"));
}
END_TEST

START_TEST (a_rebuild_that_met_a_passing_error_goes_on_by_itself)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  set_error (CHILD_READ, -ENOMEM, 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_errors (0);
  set_error (CHILD_READ, 0, 0);
  do
    array_get_status (memory.array, &status);
  while (status.in_sync != 3);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_resync_that_met_a_passing_error_goes_on_by_itself);
  tcase_add_test (tcase, a_rebuild_that_met_a_passing_error_goes_on_by_itself);
  tcase_add_test (
    tcase, copies_that_differ_are_not_recorded_as_clean_when_a_member_goes);
  tcase_add_test (tcase,
                  a_member_that_goes_while_all_is_clean_leaves_it_clean);
}

int
main (void)
{
  return unit_main ("metadata", add_tests);
}
