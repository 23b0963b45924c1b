/* SPDX-License-Identifier: BSD-3-Clause */
/* Remains of array metadata, and where they are looked for. */
#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/content-end.h"
#include "logic/remains.h"
#include "unit.h"

#define MIB (UINT64_C (1) << 20)

static uint8_t bytes[128 * 1024];

static void
put_md (uint64_t at, uint64_t own_sector)
{
  store_le32 (bytes + at, 0xa92b4efc);
  store_le32 (bytes + at + 4, 1);
  store_le64 (bytes + at + 144, own_sector);
}

static void
put_bitmap (uint64_t at)
{
  store_le32 (bytes + at, 0x6d746962);
  store_le32 (bytes + at + 4, 4);
  store_le64 (bytes + at + 40, 1000);
  store_le32 (bytes + at + 52, 65536);
  store_le32 (bytes + at + 56, 5);
}

START_TEST (a_superblock_is_known_by_its_own_place)
{
  struct remains found;

  memset (bytes, 0, sizeof bytes);
  ck_assert (!remains_find (bytes, sizeof bytes, MIB, &found));
  put_md (4096, 8);
  ck_assert (!remains_find (bytes, sizeof bytes, MIB, &found));
  ck_assert (remains_find (bytes, sizeof bytes, 0, &found));
  put_md (4096, (MIB + 4096) / SECTOR_SIZE);
  ck_assert (remains_find (bytes, sizeof bytes, MIB, &found));
  ck_assert_int_eq (found.kind, REMAINS_MD);
  ck_assert_uint_eq (found.offset, MIB + 4096);
  /* All of a sector has to be there. */
  ck_assert (!remains_find (bytes, 4096 + 511, MIB, &found));
  ck_assert (!remains_find (bytes, 0, MIB, &found));
}
END_TEST

/* The bitmap of 1.0 lies before the superblock, which says more. */
START_TEST (a_superblock_counts_over_a_bitmap)
{
  struct remains found;

  memset (bytes, 0, sizeof bytes);
  put_bitmap (8192);
  ck_assert (remains_find (bytes, sizeof bytes, MIB, &found));
  ck_assert_int_eq (found.kind, REMAINS_BITMAP);
  put_md (16384, (MIB + 16384) / SECTOR_SIZE);
  ck_assert (remains_find (bytes, sizeof bytes, MIB, &found));
  ck_assert_int_eq (found.kind, REMAINS_MD);
}
END_TEST

START_TEST (a_bitmap_is_more_than_its_magic)
{
  static const struct {
    unsigned at;
    uint32_t value;
  } wrong[]
    = { { 4, 2 }, { 4, 7 }, { 52, 0 }, { 52, 100 }, { 56, 0 }, { 60, 16384 } };
  struct remains found;

  for (unsigned i = 0; i < ARRAY_LENGTH (wrong); i++) {
    memset (bytes, 0, sizeof bytes);
    put_bitmap (512);
    ck_assert (remains_find (bytes, sizeof bytes, 0, &found));
    store_le32 (bytes + 512 + wrong[i].at, wrong[i].value);
    ck_assert (!remains_find (bytes, sizeof bytes, 0, &found));
  }
}
END_TEST

/* The end of a disk that was smaller: of what it holds, or a round size. */
static bool
is_looked_at (uint64_t old_end, uint64_t end)
{
  struct remains_place place[REMAINS_PLACES_MAX];
  unsigned count = remains_places (bytes, sizeof bytes, end, place);

  for (unsigned i = 0; i < count; i++) {
    ck_assert_uint_lt (place[i].offset, end);
    ck_assert_uint_le (place[i].length, end - place[i].offset);
    if (place[i].offset <= old_end - 8192
        && place[i].offset + place[i].length >= old_end)
      return true;
  }
  return false;
}

START_TEST (round_sizes_are_looked_at)
{
  memset (bytes, 0, sizeof bytes);
  ck_assert (is_looked_at (64 * MIB, 100 * MIB));
  ck_assert (is_looked_at (1024 * MIB, 1025 * MIB + 512));
  ck_assert (is_looked_at (1024 * MIB, 3000 * MIB));
  ck_assert (is_looked_at (10240 * MIB, 20480 * MIB));
  ck_assert (!is_looked_at (100 * MIB + 8192, 10240 * MIB));
  ck_assert (!is_looked_at (8192, 8192));
}
END_TEST

START_TEST (the_end_of_what_it_holds_is_looked_at)
{
  uint64_t ends[CONTENT_ENDS_MAX];

  memset (bytes, 0, sizeof bytes);
  ck_assert_uint_eq (content_ends (bytes, sizeof bytes, ends), 0);
  store_le16 (bytes + 1024 + 56, 0xef53);
  store_le32 (bytes + 1024 + 24, 2); /* 4 KiB */
  store_le32 (bytes + 1024 + 4, 30001);
  ck_assert_uint_eq (content_ends (bytes, sizeof bytes, ends), 1);
  ck_assert_uint_eq (ends[0], UINT64_C (30001) * 4096);
  ck_assert (is_looked_at (UINT64_C (30001) * 4096 + 70000, 1 << 30));
  /* Nothing is believed that makes no sense. */
  store_le32 (bytes + 1024 + 24, 64);
  ck_assert_uint_eq (content_ends (bytes, sizeof bytes, ends), 0);
  memset (bytes, 0, sizeof bytes);
  memcpy (bytes + 512, "EFI PART", 8);
  store_le64 (bytes + 512 + 32, 99999);
  ck_assert_uint_eq (content_ends (bytes, sizeof bytes, ends), 1);
  ck_assert_uint_eq (ends[0], UINT64_C (100000) * 512);
  store_le64 (bytes + 512 + 32, UINT64_MAX - 5);
  ck_assert_uint_eq (content_ends (bytes, sizeof bytes, ends), 0);
  ck_assert_uint_eq (content_ends (bytes, 4096, ends), 0);
}
END_TEST

/* Whatever a disk holds. */
START_TEST (any_bytes_are_looked_at_safely)
{
  uint64_t seed = unit_seed ("any_bytes_are_looked_at_safely");
  struct remains_place place[REMAINS_PLACES_MAX];
  struct remains found;

  for (unsigned round = 0; round < 200; round++) {
    uint64_t end = unit_random (&seed) >> unit_below (&seed, 64);

    for (unsigned i = 0; i < sizeof bytes; i += 8)
      store_le64 (bytes + i, unit_random (&seed));
    bytes[510] = 0x55;
    bytes[511] = 0xaa;
    memcpy (bytes, "XFSB", 4);
    memcpy (bytes + 512, "LABELONE", 8);
    memcpy (bytes + 512 + 24, "LVM2 001", 8);
    memcpy (bytes + 4086, "SWAPSPACE2", 10);
    memcpy (bytes + 65536 + 64, "_BHRfS_M", 8);
    memcpy (bytes + 4096, "EFI PART", 8);
    for (unsigned i = remains_places (bytes, sizeof bytes, end, place); i > 0;
         i--)
      UNIT_CHECK (place[i - 1].offset < end
                    && place[i - 1].length <= end - place[i - 1].offset,
                  "end %" PRIu64, end);
    remains_find (bytes, unit_below (&seed, sizeof bytes), 0, &found);
  }
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_superblock_is_known_by_its_own_place);
  tcase_add_test (tcase, a_superblock_counts_over_a_bitmap);
  tcase_add_test (tcase, a_bitmap_is_more_than_its_magic);
  tcase_add_test (tcase, round_sizes_are_looked_at);
  tcase_add_test (tcase, the_end_of_what_it_holds_is_looked_at);
  tcase_add_test (tcase, any_bytes_are_looked_at_safely);
}

int
main (void)
{
  return unit_main ("remains", add_tests);
}
