/* SPDX-License-Identifier: BSD-3-Clause */
/* md superblocks: bytes and struct, which are believed, and why not. */
#include "logic/bytes.h"
#include "md-samples.h"

static const enum sb1_version versions[]
  = { SB1_VERSION_1_0, SB1_VERSION_1_1, SB1_VERSION_1_2 };

START_TEST (what_was_written_is_read)
{
  struct sample sample;
  uint8_t block[SB1_BLOCK_SIZE], again[SB1_BLOCK_SIZE];
  char why[MESSAGE_MAX];
  struct sb1 read;

  sample_make (&sample, LEVEL_RAID10, "n2", 3, versions[_i], true);
  sample_block (&sample.sb[1], block);
  ck_assert (sb1_decode (versions[_i], block, &read));
  ck_assert_int_eq (sb1_check (&read, block, SAMPLE_BYTES, why), SB1_GOOD);
  ck_assert_str_eq (why, "");
  read.checksum = sample.sb[1].checksum;
  ck_assert_mem_eq (&read, &sample.sb[1], sizeof read);
  memcpy (again, block, sizeof again);
  sb1_encode (&read, again);
  ck_assert_mem_eq (again, block, sizeof again);
}
END_TEST

START_TEST (unknown_bytes_are_kept)
{
  struct sample sample;
  uint8_t block[SB1_BLOCK_SIZE];

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, false);
  memset (block, 0xa5, sizeof block);
  sb1_encode (&sample.sb[0], block);
  for (unsigned i = 228; i < 256; i++)
    ck_assert_uint_eq (block[i], 0xa5);
  for (unsigned i = 256 + 2 * sample.sb[0].max_dev; i < sizeof block; i++)
    ck_assert_uint_eq (block[i], 0xa5);
}
END_TEST

/* With an odd number of roles, and carries beyond 32 bits. */
START_TEST (the_checksum_adds_words_and_folds_once)
{
  uint8_t block[SB1_BLOCK_SIZE] = { 0 };

  store_le32 (block + 220, 1);
  store_le16 (block + 256, 0xbeef);
  ck_assert_uint_eq (sb1_checksum (block), 0xbeefu + 1);
  memset (block, 0xff, 8);
  ck_assert_uint_eq (sb1_checksum (block), 0xbeefu + 1 - 2 + 2);
  store_le32 (block + 216, 0x12345678); /* itself does not count */
  ck_assert_uint_eq (sb1_checksum (block), 0xbeefu + 1 - 2 + 2);
  block[258] = 1; /* nor does what lies behind the roles */
  ck_assert_uint_eq (sb1_checksum (block), 0xbeefu + 1 - 2 + 2);
}
END_TEST

/* A field set to a value, the verdict, and the start of the reason. */
#define CASE(field, value, verdict, text)                                     \
  { offsetof (struct sb1, field), sizeof (((struct sb1 *)NULL)->field),       \
    (uint64_t)(value), verdict, text }

static const struct {
  size_t offset, size;
  uint64_t value;
  enum sb1_verdict verdict;
  const char *text;
} bent[] = {
  CASE (max_dev, 1921, SB1_DAMAGED, "max_dev 1921:"),
  CASE (max_dev, UINT32_MAX, SB1_DAMAGED, "max_dev 4294967295:"),
  CASE (features, 0x4, SB1_UNSUPPORTED, "feature_map 0x4: a reshape"),
  CASE (features, 0x20, SB1_UNSUPPORTED, "feature_map 0x20: a backwards"),
  CASE (features, 0x40, SB1_UNSUPPORTED, "feature_map 0x40: a change of the"),
  CASE (features, 0x100, SB1_UNSUPPORTED, "feature_map 0x100: a clustered"),
  CASE (features, 0x200, SB1_UNSUPPORTED, "feature_map 0x200: an array with"),
  CASE (features, 0x400, SB1_UNSUPPORTED, "feature_map 0x400: a partial par"),
  CASE (features, 0x800, SB1_UNSUPPORTED, "feature_map 0x800: multiple part"),
  CASE (features, 0x1000, SB1_UNSUPPORTED, "feature_map 0x1000: a raid0"),
  CASE (features, 0x2000, SB1_UNSUPPORTED, "feature_map 0x2000: unknown"),
  CASE (features, 0x80000000, SB1_UNSUPPORTED, "feature_map 0x80000000: unk"),
  CASE (features, 0x80, SB1_DAMAGED, "feature_map 0x80: a rebuild by bitmap"),
  CASE (features, 0x1, SB1_DAMAGED, "bitmap_offset: sectors 8+1 overlap sup"),
  CASE (pad0, 1, SB1_UNSUPPORTED, "pad0 0x1:"),
  CASE (logical_block, 256, SB1_UNSUPPORTED, "logical_block_size 256:"),
  CASE (logical_block, 8192, SB1_UNSUPPORTED, "logical_block_size 8192:"),
  CASE (logical_block, 1000, SB1_UNSUPPORTED, "logical_block_size 1000:"),
  CASE (logical_block, 4096, SB1_GOOD, ""),
  CASE (logical_block, 512, SB1_GOOD, ""),
  CASE (super_offset, 0, SB1_DAMAGED, "super_offset 0:"),
  CASE (super_offset, 16, SB1_DAMAGED, "super_offset 16:"),
  CASE (super_offset, UINT64_MAX, SB1_DAMAGED, "super_offset 1844674407370"),
  CASE (level, 0, SB1_UNSUPPORTED, "level 0:"),
  CASE (level, 5, SB1_UNSUPPORTED, "level 5:"),
  CASE (level, -1, SB1_UNSUPPORTED, "level -1:"),
  CASE (level, 10, SB1_UNSUPPORTED, "level 10, layout 0x0"),
  CASE (chunk, 128, SB1_UNSUPPORTED, "level 1, layout 0x0, chunksize 128"),
  CASE (raid_disks, 0, SB1_UNSUPPORTED, "level 1, layout 0x0, chunksize 0, ra"),
  CASE (raid_disks, 1, SB1_UNSUPPORTED, "level 1, layout 0x0, chunksize 0, ra"),
  CASE (raid_disks, 33, SB1_UNSUPPORTED, "level 1, layout 0x0, chunksize 0, "),
  CASE (raid_disks, UINT32_MAX, SB1_UNSUPPORTED, "level 1, layout 0x0"),
  CASE (size, 0, SB1_UNSUPPORTED, "level 1, layout 0x0, chunksize 0, raid_d"),
  CASE (size, UINT64_MAX, SB1_DAMAGED, "size 18446744073709551615: larger"),
  CASE (size, 30721, SB1_DAMAGED, "size 30721: larger than data_size 30720"),
  CASE (data_size, 30721, SB1_DAMAGED, "data_offset 2048: 30721 sectors"),
  CASE (data_size, 30000, SB1_DAMAGED, "size 30720: larger"),
  CASE (data_size, 9, SB1_DAMAGED, "data_size 9: less"),
  CASE (data_size, UINT64_MAX, SB1_DAMAGED, "data_size 184467440737095516"),
  CASE (data_offset, 2049, SB1_DAMAGED, "data_offset 2049: 30720 sectors"),
  CASE (data_offset, 8, SB1_DAMAGED, "data_offset 8: before the end"),
  CASE (data_offset, 16, SB1_DAMAGED, "bblog_offset: sectors 24+8 overlap"),
  CASE (data_offset, UINT64_MAX - 5, SB1_DAMAGED, "data_offset 18446744073"),
  CASE (bblog_offset, 0x7fffffff, SB1_DAMAGED, "bblog_offset 2147483647: o"),
  CASE (bblog_offset, INT32_MIN, SB1_DAMAGED, "bblog_offset -2147483648: o"),
  CASE (bblog_offset, -12, SB1_DAMAGED, "bblog_offset -12: outside"),
  CASE (bblog_offset, -8, SB1_GOOD, ""), /* the gap before a 1.2 */
  CASE (bblog_offset, 1, SB1_GOOD, ""), /* right behind the superblock */
  CASE (bblog_size, 9, SB1_DAMAGED, "bblog_size 9:"),
  CASE (bblog_shift, 17, SB1_DAMAGED, "bblog_shift 17:"),
  CASE (events, UINT64_MAX, SB1_DAMAGED, "events 18446744073709551615:"),
  CASE (events, UINT64_C (1) << 63, SB1_DAMAGED, "events 922337203685477580"),
  CASE (resync_offset, 30721, SB1_DAMAGED, "resync_offset 30721: beyond"),
  CASE (resync_offset, 30720, SB1_GOOD, ""),
  CASE (resync_offset, 0, SB1_GOOD, ""),
  CASE (dev_number, 5000, SB1_GOOD, ""), /* a spare */
  CASE (roles[1], 2, SB1_DAMAGED, "dev_roles[1] 0x2: not one of the array's"),
  CASE (roles[1], 0xff00, SB1_DAMAGED, "dev_roles[1] 0xff00:"),
  CASE (roles[1], 0xfffd, SB1_UNSUPPORTED, "dev_roles[1] 0xfffd: an array"),
  CASE (roles[1], 0xfffe, SB1_GOOD, ""),
  CASE (roles[127], 0xfefe, SB1_DAMAGED, "dev_roles[127] 0xfefe:"),
};

/* Of a raid1 on two members, version 1.2, without a bitmap. */
START_TEST (each_refusal_names_field_and_value)
{
  struct sample sample;
  uint8_t block[SB1_BLOCK_SIZE];
  char why[MESSAGE_MAX];
  struct sb1 *sb;
  enum sb1_verdict verdict;

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, false);
  sb = &sample.sb[0];
  sample_block (sb, block);
  memcpy ((char *)sb + bent[_i].offset, &bent[_i].value, bent[_i].size);
  /* What encode will not write is put into the struct alone. */
  if (sb->pad0 == 0 && sb->max_dev <= SB1_ROLES_MAX
      && (sb->features & ~(uint32_t)SB1_FEATURES_OURS) == 0)
    sample_block (sb, block);
  sb->checksum = load_le32 (block + 216);
  verdict = sb1_check (sb, block, SAMPLE_BYTES, why);
  ck_assert_msg (verdict == bent[_i].verdict
                   && strncmp (why, bent[_i].text, strlen (bent[_i].text))
                        == 0
                   && (why[0] == '\0') == (verdict == SB1_GOOD),
                 "%d: %s, expected %d: %s", verdict, why, bent[_i].verdict,
                 bent[_i].text);
}
END_TEST

START_TEST (rebuilds_are_checked)
{
  struct sample sample;
  char why[MESSAGE_MAX];
  struct sb1 *sb = &sample.sb[0];

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, false);
  sb->features = SB1_FEATURE_RECOVERY_OFFSET;
  sb->recovery_offset = sb->size;
  ck_assert_int_eq (sample_check (sb, why), SB1_GOOD);
  sb->recovery_offset++;
  ck_assert_int_eq (sample_check (sb, why), SB1_DAMAGED);
  ck_assert_msg (strncmp (why, "recovery_offset 30721: beyond", 28) == 0,
                 "%s", why);
  sb->recovery_offset = 0;
  sb->roles[0] = SB1_ROLE_SPARE;
  ck_assert_int_eq (sample_check (sb, why), SB1_DAMAGED);
  sb->features = SB1_FEATURE_BAD_BLOCKS;
  sb->bblog_size = 0;
  ck_assert_int_eq (sample_check (sb, why), SB1_DAMAGED);
}
END_TEST

START_TEST (a_slot_has_at_most_two_members)
{
  struct sample sample;
  char why[MESSAGE_MAX];

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, false);
  sample.sb[0].roles[5] = 1;
  ck_assert_int_eq (sample_check (&sample.sb[0], why), SB1_GOOD);
  sample.sb[0].roles[6] = 1;
  ck_assert_int_eq (sample_check (&sample.sb[0], why), SB1_DAMAGED);
  ck_assert_msg (strncmp (why, "dev_roles[6] 0x1: more", 22) == 0, "%s", why);
}
END_TEST

START_TEST (reserved_bytes_refuse_writing)
{
  struct sample sample;
  uint8_t block[SB1_BLOCK_SIZE];
  char why[MESSAGE_MAX];
  struct sb1 read;

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_1, false);
  for (unsigned i = 228; i < 256; i++) {
    sample_block (&sample.sb[0], block);
    block[i] = 1;
    store_le32 (block + 216, sb1_checksum (block));
    ck_assert (sb1_decode (SB1_VERSION_1_1, block, &read));
    ck_assert_int_eq (sb1_check (&read, block, SAMPLE_BYTES, why),
                      SB1_UNSUPPORTED);
  }
}
END_TEST

/* Nothing that a superblock can say lies outside its member or overlaps. */
static void
check_areas (const struct sb1 *sb)
{
  uint64_t sectors = SAMPLE_BYTES / SECTOR_SIZE;
  uint64_t limit
    = sb->version == SB1_VERSION_1_0 ? sb->super_offset : sectors;
  struct layout layout;

  UNIT_CHECK (sb->size <= sb->data_size, "size");
  UNIT_CHECK (sb->data_offset <= limit
                && sb->size <= limit - sb->data_offset, "data");
  UNIT_CHECK (!ranges_overlap (sb->data_offset, sb->size, sb->super_offset, 1),
              "superblock in the data");
  UNIT_CHECK (sb1_layout (sb, &layout) == NULL, "layout");
  UNIT_CHECK (layout.member_size <= sb->size * SECTOR_SIZE, "member size");
  UNIT_CHECK (sb->max_dev <= SB1_ROLES_MAX, "max_dev");
}

START_TEST (one_changed_byte_is_noticed_or_harmless)
{
  struct sample sample;
  uint8_t block[SB1_BLOCK_SIZE], edited[SB1_BLOCK_SIZE];
  char why[MESSAGE_MAX];
  struct sb1 read;
  unsigned accepted = 0;

  sample_make (&sample, _i % 2 ? LEVEL_RAID10 : LEVEL_RAID1, "f2", 4,
               versions[_i % 3], true);
  sample_block (&sample.sb[2], block);
  for (unsigned at = 0; at < 256 + 2 * sample.sb[2].max_dev; at++)
    for (unsigned change = 1; change < 256; change++) {
      memcpy (edited, block, sizeof block);
      edited[at] ^= change;
      /* Stale checksum: nothing gets through. */
      if (!sb1_decode (versions[_i % 3], edited, &read))
        continue;
      UNIT_CHECK (sb1_check (&read, edited, SAMPLE_BYTES, why)
                    != SB1_GOOD, "byte %u ^ %u with a stale checksum", at,
                  change);
      /* Good checksum: whatever is accepted keeps to its places. */
      if (read.max_dev > SB1_ROLES_MAX)
        continue;
      store_le32 (edited + 216, sb1_checksum (edited));
      if (!sb1_decode (versions[_i % 3], edited, &read)
          || sb1_check (&read, edited, SAMPLE_BYTES, why) != SB1_GOOD)
        continue;
      accepted++;
      check_areas (&read);
    }
  /* Names, times, uuids: of those it cannot know better. */
  ck_assert_uint_gt (accepted, 255 * (16 + 32 + 16));
}
END_TEST

START_TEST (of_two_superblocks_the_sound_one_counts)
{
  struct sb1_places *places = calloc (1, sizeof *places);
  struct sample old, new;
  char why[MESSAGE_MAX];
  enum sb1_version version = SB1_VERSIONS;
  struct sb1 sb;

  sample_make (&old, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_0, false);
  sample_make (&new, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, false);
  for (unsigned i = 0; i < SB1_VERSIONS; i++)
    places->readable[i] = true;
  ck_assert_int_eq (sb1_choose (places, SAMPLE_BYTES, &version, &sb, why),
                    SB1_NONE);
  sample_block (&new.sb[0], places->block[SB1_VERSION_1_2]);
  sample_block (&old.sb[0], places->block[SB1_VERSION_1_0]);
  places->block[SB1_VERSION_1_0][80] ^= 1; /* its checksum is wrong now */
  ck_assert_int_eq (sb1_choose (places, SAMPLE_BYTES, &version, &sb, why),
                    SB1_GOOD);
  ck_assert_int_eq (version, SB1_VERSION_1_2);
  /* Two sound ones of two arrays. */
  old.sb[0].set_uuid[0] ^= 1;
  sample_block (&old.sb[0], places->block[SB1_VERSION_1_0]);
  ck_assert_int_eq (sb1_choose (places, SAMPLE_BYTES, &version, &sb, why),
                    SB1_UNSUPPORTED);
  ck_assert_ptr_nonnull (strstr (
    why, "nbdmirror erase --metadata 1.0 DISK, or nbdmirror erase --metadata "
         "1.2 DISK"));
  /* Of two, the one that nobody serves is of no use. */
  store_le32 (places->block[SB1_VERSION_0_90], SB1_MAGIC);
  memset (places->block[SB1_VERSION_1_0], 0, SB1_BLOCK_SIZE);
  ck_assert_int_eq (sb1_choose (places, SAMPLE_BYTES, &version, &sb, why),
                    SB1_UNSUPPORTED);
  ck_assert_ptr_nonnull (strstr (why, ": nbdmirror erase --metadata 0.90 "));
  ck_assert_ptr_null (strstr (why, ", or "));
  /* 0.90 alone. */
  memset (places->block, 0, sizeof places->block);
  store_le32 (places->block[SB1_VERSION_0_90], SB1_MAGIC);
  ck_assert_int_eq (sb1_choose (places, SAMPLE_BYTES, &version, &sb, why),
                    SB1_UNSUPPORTED);
  ck_assert_int_eq (version, SB1_VERSION_0_90);
  free (places);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, what_was_written_is_read, 0,
                       ARRAY_LENGTH (versions));
  tcase_add_test (tcase, unknown_bytes_are_kept);
  tcase_add_test (tcase, the_checksum_adds_words_and_folds_once);
  tcase_add_loop_test (tcase, each_refusal_names_field_and_value, 0,
                       ARRAY_LENGTH (bent));
  tcase_add_test (tcase, rebuilds_are_checked);
  tcase_add_test (tcase, a_slot_has_at_most_two_members);
  tcase_add_test (tcase, reserved_bytes_refuse_writing);
  tcase_add_loop_test (tcase, one_changed_byte_is_noticed_or_harmless, 0, 6);
  tcase_add_test (tcase, of_two_superblocks_the_sound_one_counts);
}

int
main (void)
{
  return unit_main ("sb1-codec", add_tests);
}
