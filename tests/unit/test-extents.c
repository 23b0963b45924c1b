/* SPDX-License-Identifier: BSD-3-Clause */
/* Merging what members say, against a merge byte by byte. */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/extents.h"
#include "unit.h"

#define BYTES_MAX 2048
#define BOTH (EXTENT_HOLE | EXTENT_ZERO)

static uint64_t
extents_length (const struct extents *extents)
{
  uint64_t length = 0;

  for (unsigned i = 0; i < extents->count; i++)
    length += extents->entry[i].length;
  return length;
}

static void
check_well_formed (const struct extents *extents)
{
  UNIT_CHECK (extents->count <= EXTENTS_ROUND, "%u", extents->count);
  for (unsigned i = 0; i < extents->count; i++) {
    UNIT_CHECK (extents->entry[i].length > 0, "entry %u", i);
    UNIT_CHECK (i == 0
                  || extents->entry[i].flags != extents->entry[i - 1].flags,
                "entry %u goes on as the one before", i);
  }
}

START_TEST (a_fresh_list_is_one_entry)
{
  struct extents extents;

  extents_init (&extents, 4096, EXTENT_ZERO);
  ck_assert_uint_eq (extents.count, 1);
  ck_assert_uint_eq (extents.entry[0].length, 4096);
  ck_assert_uint_eq (extents.entry[0].flags, EXTENT_ZERO);
  ck_assert_uint_eq (extents_length (&extents), 4096);

  extents_init (&extents, 0, EXTENT_ZERO);
  ck_assert_uint_eq (extents.count, 0);
  ck_assert_uint_eq (extents_length (&extents), 0);
}
END_TEST

START_TEST (equal_neighbours_become_one)
{
  struct extents extents;

  extents_init (&extents, 10, 0);
  ck_assert (extents_append (&extents, 5, 0));
  ck_assert (extents_append (&extents, 0, BOTH));
  ck_assert (extents_append (&extents, 1, 0));
  ck_assert (extents_append (&extents, 7, BOTH));
  ck_assert (extents_append (&extents, 8, EXTENT_HOLE));
  ck_assert_uint_eq (extents.count, 3);
  ck_assert_uint_eq (extents.entry[0].length, 16);
  ck_assert_uint_eq (extents.entry[1].length, 7);
  ck_assert_uint_eq (extents.entry[2].length, 8);
  ck_assert_uint_eq (extents_length (&extents), 31);
}
END_TEST

START_TEST (a_full_list_takes_no_more)
{
  struct extents extents;

  extents_init (&extents, 1, 0);
  for (unsigned i = 1; i < EXTENTS_ROUND; i++)
    ck_assert (extents_append (&extents, 1, i % 2 ? BOTH : 0));
  ck_assert_uint_eq (extents.count, EXTENTS_ROUND);
  ck_assert (!extents_append (&extents, 1, 0));
  ck_assert_uint_eq (extents_length (&extents), EXTENTS_ROUND);
  /* Going on as the last one needs no entry; nothing needs none. */
  ck_assert (extents_append (&extents, 3, BOTH));
  ck_assert (extents_append (&extents, 0, 0));
  ck_assert_uint_eq (extents.count, EXTENTS_ROUND);
  ck_assert_uint_eq (extents_length (&extents), EXTENTS_ROUND + 3);
}
END_TEST

START_TEST (a_hole_is_one_only_if_all_say_so)
{
  static const uint32_t flags[] = { 0, EXTENT_HOLE, EXTENT_ZERO, BOTH };

  for (unsigned i = 0; i < 4; i++)
    for (unsigned j = 0; j < 4; j++) {
      struct extents a, b;

      extents_init (&a, 4096, flags[i]);
      extents_init (&b, 4096, flags[j]);
      extents_merge (&a, &b);
      ck_assert_uint_eq (a.count, 1);
      ck_assert_uint_eq (a.entry[0].flags, flags[i] & flags[j]);
      ck_assert_uint_eq (a.entry[0].length, 4096);
    }
}
END_TEST

START_TEST (the_shorter_list_ends_it)
{
  struct extents a, b;

  extents_init (&a, 100, BOTH);
  extents_init (&b, 30, BOTH);
  extents_append (&b, 30, 0);
  extents_merge (&a, &b);
  ck_assert_uint_eq (a.count, 2);
  ck_assert_uint_eq (extents_length (&a), 60);

  extents_init (&a, 10, BOTH);
  extents_merge (&a, &b);
  ck_assert_uint_eq (a.count, 1);
  ck_assert_uint_eq (extents_length (&a), 10);

  extents_init (&b, 0, 0);
  extents_merge (&a, &b);
  ck_assert_uint_eq (a.count, 0);
  extents_init (&b, 10, 0);
  extents_merge (&a, &b);
  ck_assert_uint_eq (a.count, 0);
}
END_TEST

START_TEST (a_merge_of_long_lists_ends_when_full)
{
  struct extents a, b;

  /* Borders before the odd bytes in one, before the even bytes in the other,
   * and no two neighbours AND to the same: each byte becomes an entry.
   */
  extents_init (&a, 1, BOTH);
  extents_init (&b, 2, BOTH);
  for (unsigned i = 1; i < EXTENTS_ROUND; i++) {
    ck_assert (extents_append (&a, 2, i % 2 ? EXTENT_HOLE : BOTH));
    ck_assert (extents_append (&b, 2, i % 2 ? EXTENT_ZERO : BOTH));
  }
  extents_merge (&a, &b);
  check_well_formed (&a);
  ck_assert_uint_eq (a.count, EXTENTS_ROUND);
  ck_assert_uint_eq (extents_length (&a), EXTENTS_ROUND);
  for (unsigned i = 0; i < a.count; i++) {
    static const uint32_t expected[] = { BOTH, EXTENT_HOLE, 0, EXTENT_ZERO };

    ck_assert_uint_eq (a.entry[i].flags, expected[i % 4]);
  }
}
END_TEST

START_TEST (huge_lengths_are_fine)
{
  struct extents a, b;

  extents_init (&a, INT64_MAX, BOTH);
  extents_init (&b, INT64_MAX - 1, EXTENT_ZERO);
  extents_append (&b, 1, 0);
  extents_merge (&a, &b);
  ck_assert_uint_eq (a.count, 2);
  ck_assert_uint_eq (a.entry[0].length, INT64_MAX - 1);
  ck_assert_uint_eq (extents_length (&a), INT64_MAX);
}
END_TEST

/* As a driver might fill it: equal neighbours are possible. */
static void
random_fill (struct extents *extents, uint64_t *random)
{
  unsigned longest = 1 + unit_below (random, 15);

  extents->count = unit_below (random, EXTENTS_ROUND + 1);
  for (unsigned i = 0; i < extents->count; i++)
    extents->entry[i]
      = (struct extent){ .length = 1 + unit_below (random, longest),
                         .flags = unit_below (random, 4) };
}

static uint64_t
model_fill (const struct extents *extents, uint8_t *flags)
{
  uint64_t length = 0;

  for (unsigned i = 0; i < extents->count; i++)
    for (uint64_t n = 0; n < extents->entry[i].length; n++)
      flags[length++] = extents->entry[i].flags;
  return length;
}

static void
check_random_merge (uint64_t *random)
{
  static uint8_t a_flags[BYTES_MAX], b_flags[BYTES_MAX];
  static uint8_t merged[BYTES_MAX];
  struct extents a, b;
  uint64_t shorter, length;

  random_fill (&a, random);
  random_fill (&b, random);
  shorter = MIN (model_fill (&a, a_flags), model_fill (&b, b_flags));

  extents_merge (&a, &b);
  check_well_formed (&a);
  length = model_fill (&a, merged);
  UNIT_CHECK (length == extents_length (&a), "%" PRIu64, length);
  UNIT_CHECK (length == shorter
                || (length < shorter && a.count == EXTENTS_ROUND),
              "%" PRIu64 " of %" PRIu64, length, shorter);
  for (uint64_t at = 0; at < length; at++)
    UNIT_CHECK (merged[at] == (a_flags[at] & b_flags[at]), "byte %" PRIu64,
                at);
  /* It must not end earlier than it has to. */
  UNIT_CHECK (length == shorter
                || merged[length - 1] != (a_flags[length] & b_flags[length]),
              "%" PRIu64 " of %" PRIu64, length, shorter);
}

START_TEST (random_merges_agree_with_the_model)
{
  uint64_t random = unit_seed ("extents");

  for (unsigned i = 0; i < 20000; i++)
    check_random_merge (&random);
}
END_TEST

/* Each block of the result is what all its bytes are. */
static void
check_random_align (uint64_t *random)
{
  static uint8_t flags[BYTES_MAX], after[BYTES_MAX];
  struct extents extents;
  uint64_t block = UINT64_C (1) << unit_below (random, 6);
  uint64_t before, length;

  random_fill (&extents, random);
  before = model_fill (&extents, flags);
  if (before == 0)
    return;
  extents_align (&extents, block);
  check_well_formed (&extents);
  length = extents_length (&extents);
  UNIT_CHECK (length == MAX (round_down (before, block), block)
                || extents.count == EXTENTS_ROUND,
              "%" PRIu64 " of %" PRIu64, length, before);
  if (before < block)
    return;
  model_fill (&extents, after);
  for (uint64_t at = 0; at < length; at++) {
    uint8_t all = BOTH;

    for (uint64_t i = round_down (at, block); i < round_down (at, block) + block;
         i++)
      all &= flags[i];
    UNIT_CHECK (after[at] == all, "byte %" PRIu64, at);
  }
  for (unsigned i = 0; i < extents.count; i++)
    UNIT_CHECK (is_aligned (extents.entry[i].length, block), "entry %u", i);
}

START_TEST (random_alignments_agree_with_the_model)
{
  uint64_t random = unit_seed ("align");

  for (unsigned i = 0; i < 20000; i++)
    check_random_align (&random);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_fresh_list_is_one_entry);
  tcase_add_test (tcase, equal_neighbours_become_one);
  tcase_add_test (tcase, a_full_list_takes_no_more);
  tcase_add_test (tcase, a_hole_is_one_only_if_all_say_so);
  tcase_add_test (tcase, the_shorter_list_ends_it);
  tcase_add_test (tcase, a_merge_of_long_lists_ends_when_full);
  tcase_add_test (tcase, huge_lengths_are_fine);
  tcase_add_test (tcase, random_merges_agree_with_the_model);
  tcase_add_test (tcase, random_alignments_agree_with_the_model);
}

int
main (void)
{
  return unit_main ("extents", add_tests);
}
