/* SPDX-License-Identifier: BSD-3-Clause */
/* places: do the places of a member's metadata and data suit the blocks in
 * which it is written?
 *
 * Pure: no I/O, no locks, no allocation.  Calls layout, sb1-codec, bitmap-disk.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ground/util.h"
#include "members/places.h"

/* Bytes of the disk. */
struct area {
  uint64_t at, length;
};

static bool
collide (struct area a, struct area b)
{
  return b.length > 0 && ranges_overlap (a.at, a.length, b.at, b.length);
}

static struct area
data_area (const struct sb1 *sb, const struct places_need *need)
{
  return (struct area){ sb->data_offset * SECTOR_SIZE,
                        need->layout->member_size };
}

static struct area
log_area (const struct sb1 *sb)
{
  uint64_t sector = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset);

  return (struct area){ sector * SECTOR_SIZE,
                        sb->bblog_offset != 0
                          ? sb->bblog_size * (uint64_t)SECTOR_SIZE
                          : 0 };
}

uint32_t
places_entries (const struct sb1 *sb)
{
  return MAX (sb->max_dev, sb->dev_number + 1);
}

static bool
super_suits (const struct member_record *record,
             const struct places_need *need)
{
  const struct sb1 *sb = &record->sb;
  struct area super
    = { sb->super_offset * SECTOR_SIZE,
        round_up (SB1_HEAD_SIZE + UINT64_C (2) * need->entries, need->block) };

  if (!is_aligned (super.at, need->block) || super.length > SB1_BLOCK_SIZE
      || super.at + super.length > record->disk.size
      || collide (super, data_area (sb, need))
      || collide (super, log_area (sb)))
    return false;
  return !(sb->features & SB1_FEATURE_BITMAP)
         || !collide (super, (struct area){ bitmap_offset_bytes (sb), 1 });
}

/* Do the whole blocks in which the bitmap is written touch anything else? */
static bool
bitmap_suits (const struct member_record *record,
              const struct places_need *need)
{
  const struct sb1 *sb = &record->sb;
  struct area super = { sb->super_offset * SECTOR_SIZE,
                        sb1_written_bytes (sb, need->block) };
  struct area bitmap = { .length = 0 };
  uint32_t chunk = need->bitmap_chunk;

  if (!(sb->features & SB1_FEATURE_BITMAP))
    return true;
  bitmap.at = bitmap_offset_bytes (sb);
  if (!is_aligned (bitmap.at, need->block))
    return false;
  /* One that is not understood is not written, either. */
  if (chunk == 0 && record->bitmap_verdict != BITMAP_GOOD
      && record->bitmap_verdict != BITMAP_OUTDATED)
    return true;
  if (chunk == 0)
    chunk = record->bitmap.chunk;
  bitmap.length
    = round_up (bitmap_area_bytes (need->layout->array_size / SECTOR_SIZE,
                                   chunk),
                need->block);
  return !collide (bitmap, super) && !collide (bitmap, log_area (sb))
         && !collide (bitmap, data_area (sb, need));
}

bool
places_suit (const struct member_record *record,
             const struct places_need *need, char *why)
{
  const char *what = NULL;

  if (!super_suits (record, need))
    what = "super_offset";
  else if (!is_aligned (record->sb.data_offset * SECTOR_SIZE, need->block))
    what = "data_offset";
  else if (!bitmap_suits (record, need))
    what = "bitmap_offset";
  if (what == NULL)
    return true;
  snprintf (why, MESSAGE_MAX, "its %s leaves no room for blocks of %" PRIu32
            " bytes, or for the table of all members; use it with Linux md",
            what, need->block);
  return false;
}

bool
places_suit_clients (const struct layout *layout, uint32_t block, char *why)
{
  if (!is_aligned (layout->array_size, block)) {
    snprintf (why, MESSAGE_MAX, "its %" PRIu64 " bytes are no multiple of the "
              "%" PRIu32 "-byte blocks of a disk", layout->array_size, block);
    return false;
  }
  if (layout->chunk % block != 0) {
    snprintf (why, MESSAGE_MAX, "its chunks of %" PRIu64 " bytes are smaller "
              "than the %" PRIu32 "-byte blocks of a disk", layout->chunk,
              block);
    return false;
  }
  return true;
}
