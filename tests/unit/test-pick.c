/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of several copies is read. */
#include "ground/util.h"
#include "logic/pick.h"
#include "unit.h"

START_TEST (nobody_usable_nobody_picked)
{
  const struct candidate candidates[2] = { { .usable = false } };

  ck_assert_int_eq (pick_read (candidates, 2), -1);
  ck_assert_int_eq (pick_fixed (candidates, 2), -1);
  ck_assert_int_eq (pick_read (NULL, 0), -1);
  ck_assert_int_eq (pick_fixed (NULL, 0), -1);
}
END_TEST

START_TEST (the_unusable_is_passed_over)
{
  const struct candidate candidates[] = {
    { .usable = false, .outstanding = 0, .offset = 8, .head = 8 },
    { .usable = true, .outstanding = 50, .offset = 8, .head = 4096 },
    { .usable = false, .outstanding = 0, .offset = 8, .head = 8 },
  };

  ck_assert_int_eq (pick_read (candidates, 3), 1);
  ck_assert_int_eq (pick_fixed (candidates, 3), 1);
}
END_TEST

START_TEST (the_least_busy_wins_however_far_its_head)
{
  const struct candidate candidates[] = {
    { .usable = true, .outstanding = 2, .offset = 0, .head = 0 },
    { .usable = true, .outstanding = 1, .offset = 0, .head = UINT64_MAX },
    { .usable = true, .outstanding = 3, .offset = 0, .head = 0 },
  };

  ck_assert_int_eq (pick_read (candidates, 3), 1);
}
END_TEST

START_TEST (a_sequential_reader_stays)
{
  const struct candidate candidates[] = {
    { .usable = true, .offset = 65536, .head = 65535 },
    { .usable = true, .offset = 65536, .head = 65537 },
    { .usable = true, .offset = 65536, .head = 65536 },
  };

  ck_assert_int_eq (pick_read (candidates, 3), 2);
}
END_TEST

START_TEST (the_nearest_head_wins_before_or_behind)
{
  struct candidate candidates[] = {
    { .usable = true, .offset = 1000, .head = 700 },
    { .usable = true, .offset = 1000, .head = 1200 },
  };

  ck_assert_int_eq (pick_read (candidates, 2), 1);
  candidates[0].head = 900;
  ck_assert_int_eq (pick_read (candidates, 2), 0);
  /* Distances of more than half the number space. */
  candidates[0] = (struct candidate){ .usable = true, .offset = 0,
                                      .head = UINT64_MAX };
  candidates[1] = (struct candidate){ .usable = true, .offset = 4096,
                                      .head = 0 };
  ck_assert_int_eq (pick_read (candidates, 2), 1);
  candidates[1].outstanding = 1;
  ck_assert_int_eq (pick_read (candidates, 2), 0);
}
END_TEST

START_TEST (among_equals_the_first)
{
  const struct candidate candidates[] = {
    { .usable = false },
    { .usable = true, .offset = 1000, .head = 1200 },
    { .usable = true, .offset = 1000, .head = 800 },
  };

  ck_assert_int_eq (pick_read (candidates, 3), 1);
}
END_TEST

START_TEST (the_fixed_one_ignores_load)
{
  const struct candidate candidates[] = {
    { .usable = true, .outstanding = 9, .offset = 0, .head = 1 << 30 },
    { .usable = true, .outstanding = 0, .offset = 0, .head = 0 },
  };

  ck_assert_int_eq (pick_fixed (candidates, 2), 0);
  ck_assert_int_eq (pick_fixed (candidates + 1, 1), 0);
}
END_TEST

/* Two slow members and a fast one, a crowd of readers: the fast one answers
 * each request at once.
 */
START_TEST (slow_members_share_what_they_get)
{
  struct candidate candidates[] = {
    { .usable = true, .offset = 0, .head = 0 },
    { .usable = true, .offset = 0, .head = 1 },
    { .usable = true, .offset = 0, .head = 2 },
  };
  unsigned reads[3] = { 0 };

  for (unsigned i = 0; i < 100; i++) {
    int picked = pick_read (candidates, 3);

    reads[picked]++;
    if (picked != 2)
      candidates[picked].outstanding++;
  }
  ck_assert_uint_eq (reads[0], 1);
  ck_assert_uint_eq (reads[1], 1);
  ck_assert_uint_eq (reads[2], 98);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, nobody_usable_nobody_picked);
  tcase_add_test (tcase, the_unusable_is_passed_over);
  tcase_add_test (tcase, the_least_busy_wins_however_far_its_head);
  tcase_add_test (tcase, a_sequential_reader_stays);
  tcase_add_test (tcase, the_nearest_head_wins_before_or_behind);
  tcase_add_test (tcase, among_equals_the_first);
  tcase_add_test (tcase, the_fixed_one_ignores_load);
  tcase_add_test (tcase, slow_members_share_what_they_get);
}

int
main (void)
{
  return unit_main ("pick", add_tests);
}
