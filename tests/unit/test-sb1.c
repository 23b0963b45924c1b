/* SPDX-License-Identifier: BSD-3-Clause */
/* Where md superblocks are looked for, and what counts as one. */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/sb1.h"
#include "unit.h"

#define NOWHERE UINT64_MAX
#define KIB UINT64_C (1024)

static const struct {
  uint64_t bytes;
  uint64_t offset[SB1_VERSIONS]; /* 1.0, 1.1, 1.2, 0.90 */
} places[] = {
  { 0, { NOWHERE, NOWHERE, NOWHERE, NOWHERE } },
  { 511, { NOWHERE, NOWHERE, NOWHERE, NOWHERE } },
  { 512, { NOWHERE, 0, NOWHERE, NOWHERE } },
  { 4607, { NOWHERE, 0, NOWHERE, NOWHERE } },
  { 4608, { NOWHERE, 0, 4096, NOWHERE } },
  { 8191, { NOWHERE, 0, 4096, NOWHERE } },
  { 8192, { 0, 0, 4096, NOWHERE } },
  { 12287, { 0, 0, 4096, NOWHERE } },
  { 12288, { 4096, 0, 4096, NOWHERE } },
  { 65535, { 53248, 0, 4096, NOWHERE } },
  { 65536, { 57344, 0, 4096, 0 } },
  { 131071, { 118784, 0, 4096, 0 } },
  { 131072, { 122880, 0, 4096, 65536 } },
  /* Not a multiple of 4 KiB, nor of a sector. */
  { 1024 * KIB + 4095, { 1016 * KIB, 0, 4096, 960 * KIB } },
  { 1024 * KIB + 4096, { 1020 * KIB, 0, 4096, 960 * KIB } },
  { 1024 * KIB - 1, { 1012 * KIB, 0, 4096, 896 * KIB } },
  { INT64_MAX,
    { (UINT64_C (1) << 63) - 12 * KIB, 0, 4096,
      (UINT64_C (1) << 63) - 128 * KIB } },
};

START_TEST (superblocks_are_looked_for_in_their_places)
{
  for (unsigned version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset = NOWHERE;
    bool found = sb1_offset (version, places[_i].bytes, &offset);

    ck_assert_msg (offset == places[_i].offset[version],
                   "%s on %" PRIu64 " bytes: %" PRIu64,
                   sb1_version_name (version), places[_i].bytes, offset);
    ck_assert_int_eq (found, offset != NOWHERE);
  }
}
END_TEST

START_TEST (every_probe_lies_on_the_member)
{
  for (uint64_t bytes = 0; bytes < 300000; bytes++)
    for (unsigned version = 0; version < SB1_VERSIONS; version++) {
      uint64_t offset;

      if (!sb1_offset (version, bytes, &offset))
        continue;
      UNIT_CHECK (offset + SB1_PROBE_SIZE <= bytes,
                  "version %u on %" PRIu64, version, bytes);
      UNIT_CHECK (is_aligned (offset, 4096), "version %u on %" PRIu64,
                  version, bytes);
      if (version == SB1_VERSION_1_0)
        UNIT_CHECK (bytes / 512 * 512 - offset >= 8 * KIB
                      && bytes / 512 * 512 - offset < 12 * KIB,
                    "on %" PRIu64, bytes);
    }
}
END_TEST

static void
fill (uint8_t *block, const char *magic, const char *major)
{
  memset (block, 0xee, SB1_PROBE_SIZE);
  memcpy (block, magic, 4);
  memcpy (block + 4, major, 4);
}

#define LITTLE "\xfc\x4e\x2b\xa9"
#define BIG "\xa9\x2b\x4e\xfc"

/* Which superblocks such a block is. */
static const struct {
  const char *magic;
  const char *major;
  bool is_1;
  bool is_0_90;
} blocks[] = {
  { LITTLE, "\1\0\0\0", true, false },
  { LITTLE, "\0\0\0\0", false, true },
  { BIG, "\0\0\0\0", false, true },
  /* 1.x is little-endian everywhere. */
  { BIG, "\0\0\0\1", false, false },
  { BIG, "\1\0\0\0", false, false },
  { LITTLE, "\0\0\0\1", false, false },
  { LITTLE, "\2\0\0\0", false, false },
  { LITTLE, "\1\0\0\1", false, false },
  { "\xfc\x4e\x2b\xa8", "\1\0\0\0", false, false },
  { "\xfc\x4e\x2b\xa8", "\0\0\0\0", false, false },
  { "\xfd\x4e\x2b\xa9", "\0\0\0\0", false, false },
  { "\0\0\0\0", "\0\0\0\0", false, false },
  { "\0\0\0\0", "\1\0\0\0", false, false },
  { "\xff\xff\xff\xff", "\xff\xff\xff\xff", false, false },
};

/* All the rest of a block is 0xee: no checksum fits, which must not matter. */
START_TEST (magic_and_major_version_decide)
{
  uint8_t block[SB1_PROBE_SIZE];

  fill (block, blocks[_i].magic, blocks[_i].major);
  ck_assert_int_eq (sb1_recognise (SB1_VERSION_1_0, block), blocks[_i].is_1);
  ck_assert_int_eq (sb1_recognise (SB1_VERSION_1_1, block), blocks[_i].is_1);
  ck_assert_int_eq (sb1_recognise (SB1_VERSION_1_2, block), blocks[_i].is_1);
  ck_assert_int_eq (sb1_recognise (SB1_VERSION_0_90, block),
                    blocks[_i].is_0_90);
}
END_TEST

START_TEST (versions_have_their_names)
{
  ck_assert_str_eq (sb1_version_name (SB1_VERSION_1_0), "1.0");
  ck_assert_str_eq (sb1_version_name (SB1_VERSION_1_1), "1.1");
  ck_assert_str_eq (sb1_version_name (SB1_VERSION_1_2), "1.2");
  ck_assert_str_eq (sb1_version_name (SB1_VERSION_0_90), "0.90");
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, superblocks_are_looked_for_in_their_places, 0,
                       ARRAY_LENGTH (places));
  tcase_add_test (tcase, every_probe_lies_on_the_member);
  tcase_add_loop_test (tcase, magic_and_major_version_decide, 0,
                       ARRAY_LENGTH (blocks));
  tcase_add_test (tcase, versions_have_their_names);
}

int
main (void)
{
  return unit_main ("sb1", add_tests);
}
