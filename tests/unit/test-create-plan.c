/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things go on the members of a new array: as mdadm places them. */
#include "md-samples.h"

#define MIB (UINT64_C (1) << 20)
#define GIB (UINT64_C (1) << 30)

static void
wish_for (struct create_wish *wish, enum sb1_version version, unsigned chunk,
          uint64_t bytes)
{
  *wish = (struct create_wish){
    .layout = { .level = chunk == 0 ? LEVEL_RAID1 : LEVEL_RAID10, .slots = 2,
                .near = chunk == 0 ? 1 : 2, .far = 1, .chunk = chunk },
    .version = version,
    .member_bytes = { bytes, bytes },
  };
}

/* data_offset, bblog_offset of members made by mdadm 4.2. */
static const struct {
  uint64_t bytes;
  unsigned chunk;
  uint64_t data_offset;
  int32_t bblog_offset;
} places[] = {
  { 8 * MIB, 0, 2048, 16 },
  { 1000 * MIB, 0, 2048, 16 },
  { 8 * MIB, 65536, 2048, 16 },
  { 8 * MIB, 524288, 4096, 16 },
  { 1000 * MIB, 524288, 4096, 16 },
  { 8 * GIB, 0, 18432, 16 },
  { 9 * GIB, 524288, 18432, 136 },
  { 100 * GIB, 0, 133120, 136 },
  { 199 * GIB, 0, 264192, 136 },
  { 4096 * GIB, 65536, 264192, 264 },
};

START_TEST (data_starts_where_mdadm_starts_it)
{
  struct create_wish wish;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  wish_for (&wish, SB1_VERSION_1_2, places[_i].chunk, places[_i].bytes);
  ck_assert_msg (create_plan (&wish, &plan, why), "%s", why);
  ck_assert_uint_eq (plan.member[0].data_offset, places[_i].data_offset);
  ck_assert_int_eq (plan.member[0].bblog_offset, places[_i].bblog_offset);
  ck_assert_uint_eq (plan.member[0].super_offset, 8);
  ck_assert_uint_eq (plan.member[0].data_size,
                     places[_i].bytes / 512 - places[_i].data_offset);
  wish.version = SB1_VERSION_1_0;
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_uint_eq (plan.member[0].data_offset, 0);
  ck_assert_int_eq (plan.member[0].bblog_offset, -8);
}
END_TEST

/* The fixture raid1-1.0: 4 MiB and 5 sectors. */
START_TEST (a_1_0_is_laid_out_from_its_end)
{
  struct create_wish wish;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  wish_for (&wish, SB1_VERSION_1_0, 0, 4196864);
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_uint_eq (plan.member[0].super_offset, 8176);
  ck_assert_uint_eq (plan.size, 8064);
  ck_assert_uint_eq (plan.member[0].data_size, 8160);
  wish.bitmap = true;
  wish.bitmap_chunk = 65536;
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_int_eq (plan.bitmap_offset, -16);
}
END_TEST

START_TEST (bitmap_chunks_are_chosen_and_checked)
{
  struct create_wish wish;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  wish_for (&wish, SB1_VERSION_1_2, 0, 100 * MIB);
  wish.bitmap = true;
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_uint_eq (plan.bitmap_chunk, 64 * MIB);
  wish.bitmap_chunk = 4096;
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_uint_eq (plan.bitmap_chunk, 4096);
  ck_assert_uint_eq (plan.bitmap_bytes, 4096);
  wish.member_bytes[0] = wish.member_bytes[1] = 1000 * MIB;
  ck_assert (!create_plan (&wish, &plan, why));
  ck_assert_msg (strstr (why, "bitmap chunk 4096") != NULL, "%s", why);
  wish.bitmap_chunk = 65536;
  ck_assert (create_plan (&wish, &plan, why));
}
END_TEST

START_TEST (impossible_wishes_are_refused)
{
  struct create_wish wish;
  struct create_plan plan;
  char why[MESSAGE_MAX];

  wish_for (&wish, SB1_VERSION_1_2, 0, 1 * MIB);
  ck_assert (!create_plan (&wish, &plan, why));
  ck_assert_msg (strstr (why, "member 0 of 1048576 bytes") != NULL, "%s", why);
  /* Who can be named is. */
  wish.member_name[0] = "a.img";
  ck_assert (!create_plan (&wish, &plan, why));
  ck_assert_msg (strstr (why, "a.img of 1048576 bytes") != NULL, "%s", why);
  wish_for (&wish, SB1_VERSION_1_2, 0, 10 * MIB);
  wish.size = 9 * MIB / 512 + 1;
  wish.member_name[0] = "a.img";
  ck_assert (!create_plan (&wish, &plan, why));
  ck_assert_msg (strstr (why, "the smallest, a.img, ") != NULL, "%s", why);
  wish.size = 9 * MIB / 512;
  ck_assert (create_plan (&wish, &plan, why));
  ck_assert_uint_eq (plan.size, 9 * MIB / 512);
  wish.size = 1;
  ck_assert (!create_plan (&wish, &plan, why));
  wish_for (&wish, SB1_VERSION_1_2, 0, 0);
  ck_assert (!create_plan (&wish, &plan, why));
}
END_TEST

/* Whatever is planned, the superblocks and the bitmap are sound ones. */
START_TEST (all_plans_are_sound)
{
  uint64_t seed = unit_seed ("all_plans_are_sound");
  static const char *const names[] = { "n2", "f2", "o2", "n3", "f3", "o3" };
  unsigned planned = 0;

  for (unsigned round = 0; round < 3000; round++) {
    struct create_wish wish = { .layout = { .near = 1, .far = 1 } };
    struct create_plan plan;
    char why[MESSAGE_MAX];

    wish.layout.slots = 2 + (unsigned)unit_below (&seed, 31);
    wish.layout.level = LEVEL_RAID1;
    if (unit_below (&seed, 2) == 0) {
      wish.layout.level = LEVEL_RAID10;
      layout_parse (&wish.layout, names[unit_below (&seed, 6)]);
      wish.layout.chunk = UINT64_C (4096) << unit_below (&seed, 12);
    }
    if (layout_check (&wish.layout) != NULL)
      continue;
    wish.version = (enum sb1_version)unit_below (&seed, SB1_VERSION_0_90);
    wish.bitmap = unit_below (&seed, 2);
    if (wish.bitmap && unit_below (&seed, 2))
      wish.bitmap_chunk = 4096u << unit_below (&seed, 16);
    wish.spares
      = (unsigned)unit_below (&seed, MIN (LEGS_MAX - wish.layout.slots, 3u) + 1);
    for (unsigned i = 0; i < create_disks (&wish); i++)
      wish.member_bytes[i]
        = unit_below (&seed, UINT64_C (1) << (20 + unit_below (&seed, 25)));
    if (!create_plan (&wish, &plan, why))
      continue;
    planned++;
    for (unsigned i = 0; i < create_disks (&wish); i++) {
      struct sb1 sb, read;
      struct bitmap_super bitmap;
      uint8_t block[SB1_BLOCK_SIZE];

      if (wish.member_bytes[i] / 512 == 0)
        continue;
      create_superblock (&wish, &plan, i, sample_uuid, sample_uuid, 1, &sb);
      sample_block (&sb, block);
      ck_assert (sb1_decode (sb.version, block, &read));
      UNIT_CHECK (sb1_check (&read, block, wish.member_bytes[i], why)
                    == SB1_GOOD, "member %u: %s", i, why);
      ck_assert_uint_eq (sb1_own_role (&read), i < wish.layout.slots
                                                 ? i : SB1_ROLE_SPARE);
      if (plan.bitmap_chunk == 0)
        continue;
      create_bitmap (&plan, sample_uuid, &bitmap);
      UNIT_CHECK (bitmap_check (&bitmap, &read, wish.member_bytes[i], why)
                    == BITMAP_GOOD, "member %u: %s", i, why);
    }
  }
  ck_assert_uint_gt (planned, 100);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, data_starts_where_mdadm_starts_it, 0,
                       ARRAY_LENGTH (places));
  tcase_add_test (tcase, a_1_0_is_laid_out_from_its_end);
  tcase_add_test (tcase, bitmap_chunks_are_chosen_and_checked);
  tcase_add_test (tcase, impossible_wishes_are_refused);
  tcase_add_test (tcase, all_plans_are_sound);
}

int
main (void)
{
  return unit_main ("create-plan", add_tests);
}
