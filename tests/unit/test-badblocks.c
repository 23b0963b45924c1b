/* SPDX-License-Identifier: BSD-3-Clause */
/* The bad block log: read in any order, asked, written back. */
#include "ground/limits.h"
#include "ground/util.h"
#include "logic/badblocks.h"
#include "logic/bytes.h"
#include "unit.h"

static void
put (uint8_t *log, unsigned i, uint64_t start, unsigned length)
{
  store_le64 (log + 8 * i, start << 10 | length);
}

/* As Linux stored it: out of order, one range in two pieces. */
static void
make_log (uint8_t *log)
{
  memset (log, 0xff, BADBLOCKS_LOG_MAX);
  put (log, 0, 3000, 16);
  put (log, 1, 4512, 88);
  put (log, 2, 4000, 512);
  put (log, 3, 9000, 1);
}

START_TEST (entries_are_sorted_and_merged)
{
  static const struct badblock wanted[]
    = { { 3000, 16 }, { 4000, 600 }, { 9000, 1 } };
  uint8_t log[BADBLOCKS_LOG_MAX];
  struct badblocks bad;
  char why[MESSAGE_MAX];

  make_log (log);
  ck_assert_uint_eq (load_le64 (log), 0x00000000002EE010u);
  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert_uint_eq (bad.count, 3);
  ck_assert_mem_eq (bad.range, wanted, sizeof wanted);
  /* What follows the end is nobody's business. */
  put (log, 5, 1, 0);
  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert_uint_eq (bad.count, 3);
}
END_TEST

/* As Linux reads it: zeroes are no entries, also between others. */
START_TEST (zeroes_are_no_entries)
{
  uint8_t log[BADBLOCKS_LOG_MAX] = { 0 };
  struct badblocks bad = { .count = 77 };
  char why[MESSAGE_MAX];

  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert_uint_eq (bad.count, 0);
  put (log, 7, 3000, 16);
  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert_uint_eq (bad.count, 1);
  ck_assert_uint_eq (bad.range[0].start, 3000);
  ck_assert_uint_eq (bad.range[0].length, 16);
}
END_TEST

START_TEST (corrupt_entries_are_refused)
{
  uint8_t log[BADBLOCKS_LOG_MAX];
  struct badblocks bad = { .count = 77 };
  char why[MESSAGE_MAX];

  make_log (log);
  put (log, 2, 4000, 0);
  ck_assert (!badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert_msg (strstr (why, "entry 2 0x00000000003e8000") != NULL, "%s",
                 why);
  put (log, 2, 4000, 513);
  ck_assert (!badblocks_parse (log, sizeof log, 0, &bad, why));
  put (log, 2, (UINT64_C (1) << 54) - 4, 8);
  ck_assert (!badblocks_parse (log, sizeof log, 0, &bad, why));
  put (log, 2, (UINT64_C (1) << 50), 8);
  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  bad.count = 77;
  ck_assert (!badblocks_parse (log, sizeof log, 9, &bad, why));
  ck_assert_uint_eq (bad.count, 77);
}
END_TEST

START_TEST (questions_are_answered)
{
  uint8_t log[BADBLOCKS_LOG_MAX];
  struct badblocks bad;
  struct badblock found;
  char why[MESSAGE_MAX];

  make_log (log);
  ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
  ck_assert (!badblocks_find (&bad, 0, 3000, &found));
  ck_assert (badblocks_find (&bad, 0, 3001, &found));
  ck_assert_uint_eq (found.start, 3000);
  ck_assert_uint_eq (found.length, 1);
  ck_assert (!badblocks_find (&bad, 3016, 984, &found));
  ck_assert (badblocks_find (&bad, 3015, 2000, &found));
  ck_assert_uint_eq (found.start, 3015);
  ck_assert_uint_eq (found.length, 1);
  ck_assert (badblocks_find (&bad, 4599, 1, &found));
  ck_assert (!badblocks_find (&bad, 4600, 4400, &found));
  ck_assert (!badblocks_find (&bad, 9000, 0, &found));
  ck_assert (!badblocks_find (&bad, 9001, UINT64_MAX - 9001, &found));
}
END_TEST

/* Random lists: after encode and parse they are the same, and every sector
 * is bad exactly if some entry said so.
 */
START_TEST (lists_survive_the_disk)
{
  uint64_t seed = unit_seed ("lists_survive_the_disk");
  uint8_t log[BADBLOCKS_LOG_MAX], again[BADBLOCKS_LOG_MAX];
  struct badblocks bad, read;
  char why[MESSAGE_MAX];

  for (unsigned round = 0; round < 300; round++) {
    bool truth[8192] = { false };
    unsigned entries = (unsigned)unit_below (&seed, 60);

    memset (log, 0xff, sizeof log);
    for (unsigned i = 0; i < entries; i++) {
      unsigned length = 1 + (unsigned)unit_below (&seed, 64);
      unsigned start = (unsigned)unit_below (&seed, 8192 - length);

      put (log, i, start, length);
      for (unsigned s = start; s < start + length; s++)
        truth[s] = true;
    }
    ck_assert (badblocks_parse (log, sizeof log, 0, &bad, why));
    for (unsigned s = 0; s < 8192; s++) {
      struct badblock found;

      UNIT_CHECK (badblocks_find (&bad, s, 1, &found) == truth[s],
                  "sector %u", s);
    }
    ck_assert (badblocks_encode (&bad, 0, again, sizeof again));
    ck_assert (badblocks_parse (again, sizeof again, 0, &read, why));
    ck_assert_uint_eq (read.count, bad.count);
    ck_assert_mem_eq (read.range, bad.range,
                      bad.count * sizeof bad.range[0]);
  }
}
END_TEST

START_TEST (a_full_log_says_so)
{
  uint8_t log[16];
  struct badblocks bad = { .count = 1, .range = { { 100, 1024 } } };

  memset (log, 7, sizeof log);
  ck_assert (badblocks_encode (&bad, 0, log, sizeof log));
  ck_assert_uint_eq (load_le64 (log + 8), UINT64_C (612) << 10 | 512);
  bad.range[0].length = 1025;
  memset (log, 7, sizeof log);
  ck_assert (!badblocks_encode (&bad, 0, log, sizeof log));
  ck_assert_uint_eq (log[0], 7);
  /* In units of 8 sectors: rounded outwards. */
  ck_assert (badblocks_encode (&bad, 3, log, sizeof log));
  ck_assert_uint_eq (load_le64 (log), UINT64_C (12) << 10 | 129);
  ck_assert_uint_eq (load_le64 (log + 8), UINT64_MAX);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, zeroes_are_no_entries);
  tcase_add_test (tcase, entries_are_sorted_and_merged);
  tcase_add_test (tcase, corrupt_entries_are_refused);
  tcase_add_test (tcase, questions_are_answered);
  tcase_add_test (tcase, lists_survive_the_disk);
  tcase_add_test (tcase, a_full_log_says_so);
}

int
main (void)
{
  return unit_main ("badblocks", add_tests);
}
