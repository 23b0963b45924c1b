/* SPDX-License-Identifier: BSD-3-Clause */
/* Evidence: bytes <-> struct, what damage does to it, and what a disk is
 * compared with.
 */
#include "ground/util.h"
#include "logic/evidence.h"
#include "members/proof.h"
#include "unit.h"

#define SECTORS 64u /* of the disk; a region has 8 of them */

static uint8_t block[EVIDENCE_SIZE], data[SECTORS * SECTOR_SIZE], bits[1];
static struct evidence sample, found;
static struct member_record record;
static struct proof proof;

static void
make_sample (void)
{
  sample = (struct evidence){ .events = 7, .count = 3 };
  sample.sample[0] = (struct evidence_sample){ 512, 1 };
  sample.sample[1] = (struct evidence_sample){ UINT64_C (1) << 62, 2 };
  sample.sample[2] = (struct evidence_sample){ 0, UINT64_MAX };
  evidence_encode (&sample, block);
}

START_TEST (what_is_written_is_read)
{
  make_sample ();
  ck_assert (evidence_decode (block, &found));
  ck_assert_uint_eq (found.events, 7);
  ck_assert_uint_eq (found.count, 3);
  for (unsigned i = 0; i < 3; i++) {
    ck_assert_uint_eq (found.sample[i].offset, sample.sample[i].offset);
    ck_assert_uint_eq (found.sample[i].sum, sample.sample[i].sum);
  }
}
END_TEST

START_TEST (any_one_byte_that_is_wrong_is_noticed)
{
  make_sample ();
  for (unsigned at = 0; at < EVIDENCE_SIZE; at++)
    for (unsigned bit = 0; bit < 8; bit++) {
      block[at] ^= (uint8_t)(1u << bit);
      UNIT_CHECK (!evidence_decode (block, &found), "byte %u", at);
      block[at] ^= (uint8_t)(1u << bit);
    }
}
END_TEST

START_TEST (any_one_byte_of_a_sample_has_another_sum)
{
  uint8_t bytes[EVIDENCE_SAMPLE] = { 0 };
  uint64_t sum;

  ck_assert_uint_eq (evidence_sum (bytes), 0);
  bytes[100] = 1;
  sum = evidence_sum (bytes);
  ck_assert_uint_ne (sum, 0);
  for (unsigned at = 0; at < sizeof bytes; at++) {
    bytes[at] ^= 0x40;
    UNIT_CHECK (evidence_sum (bytes) != sum, "byte %u", at);
    bytes[at] ^= 0x40;
  }
}
END_TEST

/* ------------------------------------------------------------------ a disk */

static int
read_disk (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  (void)opaque;
  assert (offset <= sizeof data && length <= sizeof data - offset);
  memcpy (buffer, data + offset, length);
  return 0;
}

static uint64_t
sum_at (unsigned sector)
{
  return evidence_sum (data + sector * SECTOR_SIZE);
}

/* Sectors 0 and 20, which is in region 2, are known of a disk in sync. */
static void
make_disk (void)
{
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 7 + i / SECTOR_SIZE);
  sample = (struct evidence){ .events = 5, .count = 2 };
  sample.sample[0] = (struct evidence_sample){ 0, sum_at (0) };
  sample.sample[1] = (struct evidence_sample){ 20 * SECTOR_SIZE, sum_at (20) };
  memset (&record, 0, sizeof record);
  record.disk.read = read_disk;
  record.sb = (struct sb1){ .version = SB1_VERSION_1_0,
                            .level = 1,
                            .raid_disks = 2,
                            .size = SECTORS,
                            .data_size = SECTORS,
                            .events = 6,
                            .max_dev = 2,
                            .roles = { 0, 1 } };
  record.bitmap.chunk = 8 * SECTOR_SIZE;
  record.regions = SECTORS / 8;
  record.bits = bits;
  record.evidence = &sample;
  bits[0] = 0;
}

static void
look (unsigned alike, bool differs)
{
  proof_look (&record, &proof);
  ck_assert_uint_eq (proof.alike, alike);
  ck_assert_int_eq (proof.differs, differs);
}

START_TEST (what_has_no_bit_has_to_be_there)
{
  make_disk ();
  look (2, false);
  data[20 * SECTOR_SIZE + 3] ^= 1;
  look (1, true);
  ck_assert_uint_eq (proof.differs_at, 20 * SECTOR_SIZE);
}
END_TEST

START_TEST (what_has_a_bit_tells_nothing)
{
  make_disk ();
  data[20 * SECTOR_SIZE] ^= 1;
  bits[0] = 1 << 2;
  look (1, false);
  record.bits = NULL;
  look (0, false);
}
END_TEST

START_TEST (if_nothing_was_written_since_all_has_to_be_there)
{
  make_disk ();
  data[20 * SECTOR_SIZE] ^= 1;
  bits[0] = 0xff;
  record.sb.events = sample.events;
  look (1, true);
}
END_TEST

START_TEST (of_a_disk_that_is_rebuilt_only_what_it_has)
{
  make_disk ();
  data[20 * SECTOR_SIZE] ^= 1;
  record.sb.events = sample.events;
  record.sb.features = SB1_FEATURE_RECOVERY_OFFSET;
  record.sb.recovery_offset = 0;
  look (0, false);
  record.sb.recovery_offset = 20;
  look (1, false);
  record.sb.recovery_offset = 21;
  look (1, true);
  record.sb.recovery_offset = 0;
  record.sb.features |= SB1_FEATURE_RECOVERY_BITMAP;
  look (1, true);
  bits[0] = 1 << 2;
  look (1, false);
}
END_TEST

START_TEST (samples_that_make_no_sense_do_no_harm)
{
  make_disk ();
  sample.sample[0].offset = SECTORS * SECTOR_SIZE;
  sample.sample[1].offset = INT64_MAX / 512 * 512;
  look (0, false);
  record.sb.dev_number = 1;
  record.sb.roles[1] = SB1_ROLE_FAULTY;
  look (0, false);
  record.evidence = NULL;
  look (0, false);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, what_is_written_is_read);
  tcase_add_test (tcase, any_one_byte_that_is_wrong_is_noticed);
  tcase_add_test (tcase, any_one_byte_of_a_sample_has_another_sum);
  tcase_add_test (tcase, what_has_no_bit_has_to_be_there);
  tcase_add_test (tcase, what_has_a_bit_tells_nothing);
  tcase_add_test (tcase, if_nothing_was_written_since_all_has_to_be_there);
  tcase_add_test (tcase, of_a_disk_that_is_rebuilt_only_what_it_has);
  tcase_add_test (tcase, samples_that_make_no_sense_do_no_harm);
}

int
main (void)
{
  return unit_main ("evidence", add);
}
