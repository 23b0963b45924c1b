/* SPDX-License-Identifier: BSD-3-Clause */
/* The small arithmetic that everybody leans on. */

/* As in a release build: it must not matter. */
#define NDEBUG
#include "ground/util.h"
#include "unit.h"

START_TEST (min_and_max_evaluate_once)
{
  int a = 3, b = 5;

  ck_assert_int_eq (MIN (a++, b++), 3);
  ck_assert_int_eq (a, 4);
  ck_assert_int_eq (b, 6);
  ck_assert_int_eq (MAX (a++, b++), 6);
  ck_assert_int_eq (a, 5);
  ck_assert_int_eq (b, 7);
  ck_assert_int_eq (MIN (-1, 1), -1);
  ck_assert_int_eq (MAX (-1, 1), 1);
  ck_assert_uint_eq (MIN (UINT64_MAX, UINT64_C (1)), 1);
  ck_assert_uint_eq (MAX (MIN (UINT64_C (7), UINT64_C (9)), UINT64_C (8)), 8);
}
END_TEST

START_TEST (array_length_counts_entries)
{
  const uint64_t numbers[7] = { 0 };

  ck_assert_uint_eq (ARRAY_LENGTH (numbers), 7);
}
END_TEST

START_TEST (container_of_leads_back)
{
  struct {
    char before;
    uint64_t member;
  } container;

  ck_assert_ptr_eq (
    container_of (&container.member, typeof (container), member),
    &container);
}
END_TEST

START_TEST (powers_of_two)
{
  ck_assert (!is_power_of_2 (0));
  ck_assert (is_power_of_2 (1));
  ck_assert (!is_power_of_2 (3));
  ck_assert (!is_power_of_2 (UINT64_MAX));
  for (unsigned bit = 1; bit < 64; bit++) {
    uint64_t power = UINT64_C (1) << bit;

    ck_assert (is_power_of_2 (power));
    ck_assert (!is_power_of_2 (power + 1));
    ck_assert (!is_power_of_2 (power | power >> 1));
  }
}
END_TEST

START_TEST (rounding_and_alignment)
{
  for (uint64_t n = 0; n < 100; n++)
    for (uint64_t alignment = 1; alignment < 20; alignment++) {
      uint64_t down = n;

      while (down % alignment != 0)
        down--;
      UNIT_CHECK (round_down (n, alignment) == down, "%" PRIu64, n);
      UNIT_CHECK (is_aligned (n, alignment) == (down == n), "%" PRIu64, n);
      UNIT_CHECK (div_round_up (n, alignment)
                    == down / alignment + (down != n),
                  "%" PRIu64, n);
    }
  ck_assert_uint_eq (round_down (UINT64_MAX, 4096), UINT64_MAX - 4095);
  ck_assert_uint_eq (div_round_up (UINT64_MAX, 1), UINT64_MAX);
  ck_assert_uint_eq (div_round_up (UINT64_MAX, 2), UINT64_C (1) << 63);
  ck_assert_uint_eq (div_round_up (UINT64_MAX, UINT64_MAX), 1);
}
END_TEST

START_TEST (sums_that_do_not_fit_are_told)
{
  uint64_t sum = 77;

  ck_assert (!add_fits (UINT64_MAX, 1, &sum));
  ck_assert (!add_fits (UINT64_C (1) << 63, UINT64_C (1) << 63, &sum));
  ck_assert_uint_eq (sum, 77);
  ck_assert (add_fits (UINT64_MAX, 0, &sum));
  ck_assert_uint_eq (sum, UINT64_MAX);
  ck_assert (add_fits (2, 3, &sum));
  ck_assert_uint_eq (sum, 5);
}
END_TEST

START_TEST (products_that_do_not_fit_are_told)
{
  uint64_t product = 77;

  ck_assert (!mul_fits (UINT64_MAX, 2, &product));
  ck_assert (!mul_fits (UINT64_C (1) << 32, UINT64_C (1) << 32, &product));
  ck_assert_uint_eq (product, 77);
  ck_assert (mul_fits (UINT64_MAX, 1, &product));
  ck_assert_uint_eq (product, UINT64_MAX);
  ck_assert (mul_fits (UINT64_MAX, 0, &product));
  ck_assert_uint_eq (product, 0);
}
END_TEST

START_TEST (overlap_is_a_common_byte)
{
  for (uint64_t a = 0; a < 8; a++)
    for (uint64_t a_length = 1; a_length < 8; a_length++)
      for (uint64_t b = 0; b < 8; b++)
        for (uint64_t b_length = 1; b_length < 8; b_length++) {
          bool common = false;

          for (uint64_t at = a; at < a + a_length; at++)
            common |= at >= b && at < b + b_length;
          UNIT_CHECK (ranges_overlap (a, a_length, b, b_length) == common,
                      "%" PRIu64 "+%" PRIu64 " %" PRIu64 "+%" PRIu64, a,
                      a_length, b, b_length);
        }
}
END_TEST

START_TEST (assertions_stay_on_in_release)
{
  assert (_i != 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, min_and_max_evaluate_once);
  tcase_add_test (tcase, array_length_counts_entries);
  tcase_add_test (tcase, container_of_leads_back);
  tcase_add_test (tcase, powers_of_two);
  tcase_add_test (tcase, rounding_and_alignment);
  tcase_add_test (tcase, sums_that_do_not_fit_are_told);
  tcase_add_test (tcase, products_that_do_not_fit_are_told);
  tcase_add_test (tcase, overlap_is_a_common_byte);
  UNIT_ADD_ABORT_TEST (tcase, assertions_stay_on_in_release);
}

int
main (void)
{
  return unit_main ("util", add_tests);
}
