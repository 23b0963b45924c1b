/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1-check: may this superblock be believed?
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec, layout.
 *
 * Everything here comes from a disk, so nothing is asserted.  The order is
 * that of trust: first what makes the other bytes readable (entries of the
 * role table, checksum), then what says that newer or other software must
 * deal with it, then the numbers, each against the member's real size.
 * Linux checks less: it believes a size larger than the room for data, and
 * areas that overlap.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/layout.h"
#include "logic/sb1.h"

#define DATA_SIZE_MIN 10 /* sectors; what Linux wants */
#define BBLOG_SIZE_MAX 8 /* sectors; one page */
#define BBLOG_SHIFT_MAX 16
#define EVENTS_MAX (UINT64_MAX >> 1)

static enum sb1_verdict refuse (char *why, enum sb1_verdict verdict,
                                const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

static enum sb1_verdict
refuse (char *why, enum sb1_verdict verdict, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (why, MESSAGE_MAX, format, args);
  va_end (args);
  return verdict;
}

static enum sb1_verdict
check_integrity (const struct sb1 *sb, const uint8_t *block, char *why)
{
  uint32_t checksum;

  if (sb->major != 1)
    return refuse (why, SB1_UNSUPPORTED, "major_version %" PRIu32
                   ": unsupported metadata", sb->major);
  if (sb->max_dev > SB1_ROLES_MAX)
    return refuse (why, SB1_DAMAGED, "max_dev %" PRIu32
                   ": more roles than a superblock can hold", sb->max_dev);
  checksum = sb1_checksum (block);
  if (sb->checksum != checksum)
    return refuse (why, SB1_DAMAGED, "sb_csum %08" PRIx32
                   ": wrong, computed %08" PRIx32, sb->checksum, checksum);
  return SB1_GOOD;
}

static const struct {
  uint32_t bit;
  const char *meaning;
} refused_features[] = {
  { SB1_FEATURE_RESHAPE, "a reshape is in progress; finish it with Linux" },
  { SB1_FEATURE_RESHAPE_BACKWARDS,
    "a backwards reshape is in progress; finish it with Linux" },
  { SB1_FEATURE_NEW_OFFSET,
    "a change of the data offset is in progress; finish it with Linux" },
  { SB1_FEATURE_CLUSTERED, "a clustered array" },
  { SB1_FEATURE_JOURNAL, "an array with a write journal" },
  { SB1_FEATURE_PPL, "a partial parity log (PPL)" },
  { SB1_FEATURE_MULTIPLE_PPLS, "multiple partial parity logs (PPL)" },
  { SB1_FEATURE_RAID0_LAYOUT, "a raid0 layout" },
};

static enum sb1_verdict
check_features (const struct sb1 *sb, char *why)
{
  uint32_t known = SB1_FEATURES_OURS;

  for (unsigned i = 0; i < ARRAY_LENGTH (refused_features); i++) {
    if (sb->features & refused_features[i].bit)
      return refuse (why, SB1_UNSUPPORTED, "feature_map 0x%" PRIx32
                     ": %s (bit 0x%" PRIx32 ")", sb->features,
                     refused_features[i].meaning, refused_features[i].bit);
    known |= refused_features[i].bit;
  }
  if (sb->features & ~known)
    return refuse (why, SB1_UNSUPPORTED, "feature_map 0x%" PRIx32
                   ": unknown feature 0x%" PRIx32 ", made by newer software",
                   sb->features, sb->features & ~known);
  if ((sb->features & SB1_FEATURE_RECOVERY_BITMAP)
      && !(sb->features & SB1_FEATURE_RECOVERY_OFFSET))
    return refuse (why, SB1_DAMAGED, "feature_map 0x%" PRIx32
                   ": a rebuild by bitmap (0x80), but no rebuild (0x2)",
                   sb->features);
  return SB1_GOOD;
}

static enum sb1_verdict
check_padding (const struct sb1 *sb, char *why)
{
  if (sb->pad0 != 0)
    return refuse (why, SB1_UNSUPPORTED, "pad0 0x%" PRIx32
                   ": not 0, made by newer software", sb->pad0);
  if (sb->padding_used)
    return refuse (why, SB1_UNSUPPORTED,
                   "pad3: not 0, made by newer software");
  if (sb->logical_block != 0
      && (sb->logical_block < SECTOR_SIZE || sb->logical_block > 4096
          || !is_power_of_2 (sb->logical_block)))
    return refuse (why, SB1_UNSUPPORTED, "logical_block_size %" PRIu32
                   ": not 512, 1024, 2048 or 4096", sb->logical_block);
  return SB1_GOOD;
}

/* @sectors is what the array itself can hold. */
static enum sb1_verdict
check_geometry (const struct sb1 *sb, uint64_t *ret_sectors, char *why)
{
  struct layout layout;
  const char *wrong;

  if (sb->level != LEVEL_RAID1 && sb->level != LEVEL_RAID10)
    return refuse (why, SB1_UNSUPPORTED, "level %" PRId32
                   ": neither raid1 nor raid10", sb->level);
  if (sb->size > sb->data_size)
    return refuse (why, SB1_DAMAGED, "size %" PRIu64
                   ": larger than data_size %" PRIu64, sb->size,
                   sb->data_size);
  wrong = sb1_layout (sb, &layout);
  if (wrong != NULL)
    return refuse (why, SB1_UNSUPPORTED, "level %" PRId32 ", layout 0x%" PRIx32
                   ", chunksize %" PRIu32 ", raid_disks %" PRIu32
                   ", size %" PRIu64 ": the array %s", sb->level, sb->layout,
                   sb->chunk, sb->raid_disks, sb->size, wrong);
  *ret_sectors = layout.array_size / SECTOR_SIZE;
  return SB1_GOOD;
}

static enum sb1_verdict
check_roles (const struct sb1 *sb, char *why)
{
  uint8_t holders[LEGS_MAX] = { 0 };

  /* check_geometry bounds the slots. */
  for (uint32_t i = 0; i < sb->max_dev; i++) {
    uint16_t role = sb->roles[i];

    if (role == SB1_ROLE_JOURNAL)
      return refuse (why, SB1_UNSUPPORTED, "dev_roles[%" PRIu32
                     "] 0xfffd: an array with a write journal", i);
    if (role == SB1_ROLE_SPARE || role == SB1_ROLE_FAULTY)
      continue;
    if (role >= sb->raid_disks)
      return refuse (why, SB1_DAMAGED, "dev_roles[%" PRIu32 "] 0x%x: not one "
                     "of the array's %" PRIu32 " slots", i, role,
                     sb->raid_disks);
    if (++holders[role] > 2)
      return refuse (why, SB1_DAMAGED, "dev_roles[%" PRIu32 "] 0x%x: more "
                     "than two members in one slot", i, role);
  }
  if ((sb->features
       & (SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_REPLACEMENT))
      && sb1_own_role (sb) >= SB1_ROLE_SLOTS)
    return refuse (why, SB1_DAMAGED, "feature_map 0x%" PRIx32
                   ": being rebuilt, but dev_roles[%" PRIu32
                   "] 0x%x gives it no slot", sb->features, sb->dev_number,
                   sb1_own_role (sb));
  return SB1_GOOD;
}

static enum sb1_verdict
check_state (const struct sb1 *sb, uint64_t array_sectors, char *why)
{
  if (sb->events > EVENTS_MAX)
    return refuse (why, SB1_DAMAGED, "events %" PRIu64
                   ": about to overflow", sb->events);
  if ((sb->features & SB1_FEATURE_RECOVERY_OFFSET)
      && sb->recovery_offset > sb->size)
    return refuse (why, SB1_DAMAGED, "recovery_offset %" PRIu64
                   ": beyond size %" PRIu64, sb->recovery_offset, sb->size);
  /* size of a raid10 may be a little more than what is used. */
  if (sb->resync_offset != SB1_CLEAN && sb->resync_offset > array_sectors)
    return refuse (why, SB1_DAMAGED, "resync_offset %" PRIu64
                   ": beyond the end of the array, %" PRIu64,
                   sb->resync_offset, array_sectors);
  return SB1_GOOD;
}

/* ------------------------------------------------------------------- areas */

struct area {
  const char *name;
  uint64_t start, length; /* sectors of the member */
};

static enum sb1_verdict
check_data (const struct sb1 *sb, uint64_t sectors, char *why)
{
  uint64_t limit = sb->version == SB1_VERSION_1_0 ? sb->super_offset : sectors;
  uint64_t room = sb->version == SB1_VERSION_1_0 ? sb->size : sb->data_size;
  unsigned written = sb1_written_bytes (sb, SECTOR_SIZE) / SECTOR_SIZE;
  uint64_t end;

  if (sb->version != SB1_VERSION_1_0
      && sb->data_offset < sb->super_offset + written)
    return refuse (why, SB1_DAMAGED, "data_offset %" PRIu64
                   ": before the end of the superblock, %" PRIu64,
                   sb->data_offset, sb->super_offset + written);
  if (sb->data_size < DATA_SIZE_MIN)
    return refuse (why, SB1_DAMAGED, "data_size %" PRIu64
                   ": less than 10 sectors", sb->data_size);
  if (sb->data_size > limit)
    return refuse (why, SB1_DAMAGED, "data_size %" PRIu64
                   ": beyond sector %" PRIu64 " of the member", sb->data_size,
                   limit);
  if (!add_fits (sb->data_offset, room, &end) || end > limit)
    return refuse (why, SB1_DAMAGED, "data_offset %" PRIu64
                   ": %" PRIu64 " sectors from there end beyond sector %"
                   PRIu64 " of the member", sb->data_offset, room, limit);
  return SB1_GOOD;
}

/* An area that lies @offset behind the superblock. */
static enum sb1_verdict
place_area (const struct sb1 *sb, int32_t offset, uint64_t length,
            uint64_t sectors, struct area *area, char *why)
{
  int64_t start = (int64_t)sb->super_offset + offset;

  if (start < 0 || (uint64_t)start + length > sectors)
    return refuse (why, SB1_DAMAGED, "%s %" PRId32
                   ": outside the member of %" PRIu64 " sectors", area->name,
                   offset, sectors);
  area->start = start;
  area->length = length;
  return SB1_GOOD;
}

static enum sb1_verdict
check_bblog (const struct sb1 *sb, uint64_t sectors, struct area *area,
             char *why)
{
  if (sb->bblog_offset == 0 || sb->bblog_size == 0) {
    if (sb->features & SB1_FEATURE_BAD_BLOCKS)
      return refuse (why, SB1_DAMAGED, "feature_map 0x%" PRIx32
                     ": bad blocks (0x8), but bblog_offset %" PRId32
                     ", bblog_size %u", sb->features, sb->bblog_offset,
                     sb->bblog_size);
    return SB1_GOOD;
  }
  if (sb->bblog_size > BBLOG_SIZE_MAX)
    return refuse (why, SB1_DAMAGED, "bblog_size %u: more than 8 sectors",
                   sb->bblog_size);
  if (sb->bblog_shift > BBLOG_SHIFT_MAX)
    return refuse (why, SB1_DAMAGED, "bblog_shift %u: more than 16",
                   sb->bblog_shift);
  return place_area (sb, sb->bblog_offset, sb->bblog_size, sectors, area, why);
}

/* @bitmap: sectors of the bitmap's area. */
static enum sb1_verdict
check_areas (const struct sb1 *sb, uint64_t sectors, uint64_t bitmap, char *why)
{
  struct area areas[]
    = { { "super_offset", sb->super_offset,
          sb1_written_bytes (sb, SECTOR_SIZE) / SECTOR_SIZE },
        { "data_offset", sb->data_offset, sb->size },
        { "bitmap_offset", 0, 0 },
        { "bblog_offset", 0, 0 } };
  enum sb1_verdict verdict;

  if (sb->features & SB1_FEATURE_BITMAP) {
    verdict
      = place_area (sb, sb->bitmap_offset, bitmap, sectors, &areas[2], why);
    if (verdict != SB1_GOOD)
      return verdict;
  }
  verdict = check_bblog (sb, sectors, &areas[3], why);
  if (verdict != SB1_GOOD)
    return verdict;
  for (unsigned i = 0; i < ARRAY_LENGTH (areas); i++)
    for (unsigned j = i + 1; j < ARRAY_LENGTH (areas); j++)
      if (areas[i].length > 0 && areas[j].length > 0
          && ranges_overlap (areas[i].start, areas[i].length, areas[j].start,
                             areas[j].length))
        return refuse (why, SB1_DAMAGED, "%s: sectors %" PRIu64 "+%" PRIu64
                       " overlap %s: %" PRIu64 "+%" PRIu64, areas[j].name,
                       areas[j].start, areas[j].length, areas[i].name,
                       areas[i].start, areas[i].length);
  return SB1_GOOD;
}

enum sb1_verdict
sb1_check (const struct sb1 *sb, const uint8_t *block, uint64_t member_bytes,
           char *why)
{
  uint64_t sectors = member_bytes / SECTOR_SIZE;
  uint64_t place = 0, array_sectors = 0;
  enum sb1_verdict verdict;

  why[0] = '\0';
  verdict = check_integrity (sb, block, why);
  if (verdict == SB1_GOOD)
    verdict = check_features (sb, why);
  if (verdict == SB1_GOOD)
    verdict = check_padding (sb, why);
  if (verdict != SB1_GOOD)
    return verdict;

  if (!sb1_offset (sb->version, member_bytes, &place)
      || sb->super_offset != place / SECTOR_SIZE)
    return refuse (why, SB1_DAMAGED, "super_offset %" PRIu64
                   ": it was found at sector %" PRIu64
                   "; was the member's size changed?", sb->super_offset,
                   place / SECTOR_SIZE);
  verdict = check_data (sb, sectors, why);
  if (verdict == SB1_GOOD)
    verdict = check_geometry (sb, &array_sectors, why);
  if (verdict == SB1_GOOD)
    verdict = check_roles (sb, why);
  if (verdict == SB1_GOOD)
    verdict = check_state (sb, array_sectors, why);
  /* How long the bitmap is, only the bitmap says: bitmap-disk goes on. */
  if (verdict == SB1_GOOD)
    verdict = check_areas (sb, sectors, 1, why);
  return verdict;
}

/* No less than there are. */
static uint64_t
least_sectors (const struct sb1 *sb)
{
  return sb->version == SB1_VERSION_1_0 ? sb->super_offset + 16
                                        : sb->data_offset + sb->data_size;
}

bool
sb1_can_hold (const struct sb1 *sb, uint64_t size, int32_t bitmap_offset,
              uint64_t bitmap_bytes)
{
  struct sb1 as = *sb;
  char why[MESSAGE_MAX];

  if (size > sb->data_size)
    return false;
  as.size = size;
  as.bitmap_offset = bitmap_offset;
  as.features &= ~(uint32_t)SB1_FEATURE_BITMAP;
  if (bitmap_bytes > 0)
    as.features |= SB1_FEATURE_BITMAP;
  return check_areas (&as, least_sectors (sb),
                      div_round_up (bitmap_bytes, SECTOR_SIZE), why)
         == SB1_GOOD;
}
