/* SPDX-License-Identifier: BSD-3-Clause */
/* Superblocks, bitmaps and bad block logs of two members, in any bytes:
 * nothing crashes, and what is believed keeps what it promises.
 *
 * Input: a byte of settings, then for each member a block of superblock, one
 * of bitmap and one of bad block log, short ones padded with zeroes.
 *
 *   settings  bits 0-1 version, bit 2 mend checksums, bits 3-4 keep,
 *             bits 5-7 size of the members
 *
 * With -fsanitize=fuzzer this is a libFuzzer target; otherwise it has a main
 * that runs the files named on its command line (fuzz-main.c).
 */
#include <stdlib.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/assemble.h"
#include "logic/badblocks.h"
#include "logic/bitmap-disk.h"
#include "logic/bytes.h"
#include "logic/sb1.h"

#define MEMBERS 2
#define BLOCKS 3

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

struct input {
  uint8_t block[MEMBERS][BLOCKS][SB1_BLOCK_SIZE];
  struct sb1 sb[MEMBERS];
  struct bitmap_super bitmap[MEMBERS];
  char why[MEMBERS][MESSAGE_MAX];
  char bitmap_why[MEMBERS][MESSAGE_MAX];
};

/* Who believes it must not leave the member. */
static void
check_places (const struct sb1 *sb, uint64_t bytes)
{
  uint64_t sectors = bytes / SECTOR_SIZE;
  struct layout layout;

  assert (sb1_layout (sb, &layout) == NULL);
  assert (layout.array_size > 0 && layout.array_size <= INT64_MAX);
  assert (sb->data_offset <= sectors);
  assert (sb->size <= sectors - sb->data_offset);
  assert (layout.member_size <= sb->size * SECTOR_SIZE);
  assert (!ranges_overlap (sb->data_offset, sb->size, sb->super_offset,
                           sb1_written_bytes (sb, SECTOR_SIZE)
                             / SECTOR_SIZE));
}

static void
check_bitmap (const struct bitmap_super *bitmap, const struct sb1 *sb,
              uint64_t bytes)
{
  uint64_t start = bitmap_offset_bytes (sb);
  uint64_t length = bitmap_area_bytes (bitmap->sync_size, bitmap->chunk);
  uint8_t head[BITMAP_HEAD_SIZE] = { 0 };

  assert (start <= bytes && length <= bytes - start);
  assert (!ranges_overlap (start, length, sb->data_offset * SECTOR_SIZE,
                           sb->size * SECTOR_SIZE));
  assert (!ranges_overlap (start, length, sb->super_offset * SECTOR_SIZE,
                           sb1_written_bytes (sb, SECTOR_SIZE)));
  bitmap_encode (bitmap, head);
}

static void
run_badblocks (const uint8_t *log, const struct sb1 *sb)
{
  struct badblocks bad;
  struct badblock found;
  char why[MESSAGE_MAX];
  uint8_t again[SB1_BLOCK_SIZE];

  if (!badblocks_parse (log, sb->bblog_size * SECTOR_SIZE, sb->bblog_shift,
                        &bad, why))
    return;
  for (unsigned i = 1; i < bad.count; i++)
    assert (bad.range[i - 1].start + bad.range[i - 1].length
            < bad.range[i].start);
  if (badblocks_find (&bad, sb->data_offset, sb->size, &found))
    assert (found.start >= sb->data_offset && found.length <= sb->size);
  badblocks_encode (&bad, sb->bblog_shift, again,
                    sb->bblog_size * SECTOR_SIZE);
}

/* One member: parse, judge, and if it is good, promise. */
static struct assemble_member
run_member (struct input *input, unsigned i, enum sb1_version version,
            uint64_t bytes, bool mend)
{
  uint8_t *block = input->block[i][0];
  struct sb1 *sb = &input->sb[i];
  struct assemble_member member = { .verdict = SB1_NONE,
                                    .why = input->why[i],
                                    .bitmap_why = input->bitmap_why[i] };

  if (mend) {
    store_le32 (block, SB1_MAGIC);
    store_le32 (block + 4, 1);
    if (load_le32 (block + 220) <= SB1_ROLES_MAX)
      store_le32 (block + 216, sb1_checksum (block));
  }
  if (!sb1_decode (version, block, sb))
    return member;
  member.verdict = sb1_check (sb, block, bytes, input->why[i]);
  assert ((member.verdict == SB1_GOOD) == (input->why[i][0] == '\0'));
  if (member.verdict != SB1_GOOD)
    return member;
  member.sb = sb;
  check_places (sb, bytes);
  sb1_encode (sb, block);
  if (sb->features & SB1_FEATURE_BITMAP) {
    bitmap_decode (input->block[i][1], &input->bitmap[i]);
    member.bitmap_verdict = bitmap_check (&input->bitmap[i], sb, bytes,
                                          input->bitmap_why[i]);
    member.bitmap_events = input->bitmap[i].events;
    member.events_cleared = input->bitmap[i].events_cleared;
    if (member.bitmap_verdict == BITMAP_GOOD
        || member.bitmap_verdict == BITMAP_OUTDATED)
      check_bitmap (&input->bitmap[i], sb, bytes);
  }
  if (sb->features & SB1_FEATURE_BAD_BLOCKS)
    run_badblocks (input->block[i][2], sb);
  return member;
}

static void
check_assembly (const struct assemble_member *members,
                const struct assembly *assembly)
{
  if (assembly->result != ASSEMBLE_START) {
    assert (assembly->why[0] != '\0');
    return;
  }
  assert (assembly->in_sync != 0);
  for (unsigned i = 0; i < MEMBERS; i++)
    if (assembly->part[i].part == PART_IN_SYNC) {
      const struct sb1 *sb = members[i].sb;

      assert (assembly->part[i].slot < assembly->layout.slots);
      assert (sb->data_size * SECTOR_SIZE >= assembly->layout.member_size);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct input *input = calloc (1, sizeof *input);
  struct assemble_member members[MEMBERS];
  struct assembly assembly;
  uint8_t settings = size > 0 ? data[0] : 0;
  uint64_t bytes = (UINT64_C (1) << (20 + 4 * (settings >> 5))) + 512;

  if (input == NULL)
    return 0;
  if (size > 1)
    memcpy (input->block, data + 1, MIN (size - 1, sizeof input->block));
  for (unsigned i = 0; i < MEMBERS; i++)
    members[i]
      = run_member (input, i, (settings & 3) % 3, bytes, settings & 4);
  assemble (members, MEMBERS, (int)(settings >> 3 & 3) % 3 - 1, &assembly);
  check_assembly (members, &assembly);
  free (input);
  return 0;
}
