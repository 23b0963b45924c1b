/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients wrote lately: nothing is known of what was written again, and what
 * no flush has covered is not taken for stable.
 */
#include "engine/record/witness.h"
#include "ground/util.h"
#include "unit.h"

static struct witness *witness;
static struct evidence found;
static char data[4096];

static void
put (uint64_t offset, uint64_t length, char what)
{
  memset (data, what, sizeof data);
  witness_forget (witness, offset, length);
  witness_note (witness, data, offset, length);
}

static void
flush (void)
{
  witness_flush_begin (witness);
  witness_flush_end (witness);
}

static void
knows (bool flushed, unsigned count)
{
  witness_tell (witness, flushed, &found);
  ck_assert_uint_eq (found.count, count);
}

static void
begin (void)
{
  witness_free (witness);
  witness = witness_new (NULL);
}

START_TEST (a_flush_makes_stable_what_was_before_it)
{
  begin ();
  put (4096, 4096, 'a');
  knows (true, 0);
  knows (false, 1);
  witness_flush_begin (witness);
  put (8192, 4096, 'b');
  witness_flush_end (witness);
  knows (true, 1);
  ck_assert_uint_eq (found.sample[0].offset, 4096);
  knows (false, 1);
  ck_assert_uint_eq (found.sample[0].offset, 8192);
}
END_TEST

START_TEST (what_is_older_counts_until_it_is_written_again)
{
  static const struct evidence older
    = { .count = 2, .sample = { { 4096, 7 }, { 65536, 8 } } };

  witness_free (witness);
  witness = witness_new (&older);
  knows (true, 0);
  put (4096, 4096, 'a');
  witness_tell_all (witness, &found);
  ck_assert_uint_eq (found.count, 1);
  ck_assert_uint_eq (found.sample[0].offset, 65536);
  flush ();
  witness_tell_all (witness, &found);
  ck_assert_uint_eq (found.count, 2);
  ck_assert_uint_eq (found.sample[0].offset, 4096);
  witness_drop_older (witness);
  witness_tell_all (witness, &found);
  ck_assert_uint_eq (found.count, 1);
}
END_TEST

START_TEST (a_flush_that_failed_makes_nothing_stable)
{
  begin ();
  put (4096, 4096, 'a');
  witness_flush_begin (witness);
  knows (true, 0);
  flush ();
  knows (true, 1);
}
END_TEST

START_TEST (what_is_written_again_is_forgotten)
{
  begin ();
  put (4096, 4096, 'a');
  flush ();
  put (8192, 4096, 'b');
  witness_forget (witness, 4096 + 511, 1);
  knows (true, 0);
  witness_forget (witness, 0, 8193);
  knows (false, 0);
  put (4096, 4096, 'c');
  flush ();
  knows (true, 1);
  memset (data, 'c', sizeof data);
  ck_assert_uint_eq (found.sample[0].sum, evidence_sum (data));
}
END_TEST

START_TEST (only_whole_sectors_that_are_no_zeroes_count)
{
  begin ();
  put (1, 1022, 'a');
  knows (false, 0);
  put (1, 1023, 'a');
  knows (false, 1);
  ck_assert_uint_eq (found.sample[0].offset, 512);
  put (4096, 511, 'a');
  put (8192, 4096, 0);
  knows (false, 1);
}
END_TEST

START_TEST (the_newest_is_first_and_the_oldest_goes)
{
  begin ();
  for (unsigned i = 1; i <= 1000; i++) {
    put (i * UINT64_C (4096), 4096, 'a');
    if (i <= 500)
      flush ();
  }
  knows (true, WITNESS_FLUSHED);
  ck_assert_uint_eq (found.sample[0].offset, 500 * 4096);
  ck_assert_uint_eq (found.sample[WITNESS_FLUSHED - 1].offset,
                     (501 - WITNESS_FLUSHED) * UINT64_C (4096));
  knows (false, WITNESS_WRITTEN);
  ck_assert_uint_eq (found.sample[0].offset, 1000 * 4096);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_flush_makes_stable_what_was_before_it);
  tcase_add_test (tcase, what_is_older_counts_until_it_is_written_again);
  tcase_add_test (tcase, a_flush_that_failed_makes_nothing_stable);
  tcase_add_test (tcase, what_is_written_again_is_forgotten);
  tcase_add_test (tcase, only_whole_sectors_that_are_no_zeroes_count);
  tcase_add_test (tcase, the_newest_is_first_and_the_oldest_goes);
}

int
main (void)
{
  return unit_main ("witness", add);
}
