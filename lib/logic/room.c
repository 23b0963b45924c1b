/* SPDX-License-Identifier: BSD-3-Clause */
/* room: how much data the members of an array have room for, and where a bitmap
 * for it goes.
 *
 * Pure: no I/O, no locks, no allocation.  Calls layout, sb1, bitmap-disk.
 */
#include "ground/util.h"
#include "logic/bitmap-disk.h"
#include "logic/room.h"

#define BESIDE 8            /* sectors: a superblock, or a bad block log */
#define RAID1_UNIT 128      /* sectors: a raid1 is made of so many */
#define CHUNK_LARGEST (UINT32_C (1) << 31)

/* Bytes that are written for it. */
static uint64_t
area_bytes (const struct room_wish *wish, const struct room *room)
{
  if (room->chunk == 0)
    return 0;
  return round_up (bitmap_area_bytes (room->layout.array_size / SECTOR_SIZE,
                                      room->chunk),
                   wish->block);
}

static bool
all_can_hold (const struct room_wish *wish, const struct room *room)
{
  uint64_t bytes = area_bytes (wish, room);

  for (unsigned i = 0; i < wish->count; i++) {
    const struct sb1 *sb = wish->sb[i];
    uint64_t at = (uint64_t)((int64_t)sb->super_offset + room->bitmap_offset);

    if (!sb1_can_hold (sb, room->size, room->bitmap_offset, bytes)
        || (bytes > 0 && !is_aligned (at * SECTOR_SIZE, wish->block)))
      return false;
  }
  return true;
}

static int32_t
choose_offset (const struct room_wish *wish, const struct room *room)
{
  if (room->chunk == 0)
    return 0;
  if (wish->sb[0]->version != SB1_VERSION_1_0)
    return BESIDE;
  return -(int32_t)(area_bytes (wish, room) / SECTOR_SIZE
                    + MAX (wish->block / SECTOR_SIZE, (uint32_t)BESIDE));
}

/* With @room's size. */
static bool
place_bitmap (const struct room_wish *wish, struct room *room)
{
  room->chunk = wish->chunk;
  do {
    room->bitmap_offset = choose_offset (wish, room);
    if (all_can_hold (wish, room))
      return true;
    room->chunk *= 2;
  } while (!wish->exact_chunk && room->chunk != 0
           && room->chunk <= CHUNK_LARGEST);
  return false;
}

static bool
take_size (const struct room_wish *wish, uint64_t size, struct room *room)
{
  struct sb1 sb = *wish->sb[0];

  sb.size = size;
  room->size = size;
  return size > 0 && sb1_layout (&sb, &room->layout) == NULL;
}

/* As much as all have; a bitmap takes of that what it needs. */
static uint64_t
most_data (const struct room_wish *wish)
{
  const struct sb1 *first = wish->sb[0];
  uint64_t unit = first->chunk != 0 ? first->chunk : RAID1_UNIT;
  uint64_t most = UINT64_MAX, taken = 0;

  for (unsigned i = 0; i < wish->count; i++)
    most = MIN (most, wish->sb[i]->data_size);
  if (first->version == SB1_VERSION_1_0)
    taken = BESIDE
            + (wish->chunk != 0
                 ? MAX (wish->block / SECTOR_SIZE, (uint32_t)BESIDE)
                 : 0);
  return most > taken ? round_down (most - taken, unit) : 0;
}

enum room_verdict
room_find (const struct room_wish *wish, struct room *ret)
{
  uint64_t size = wish->size != 0 ? wish->size : most_data (wish);
  struct room room = { .chunk = 0 };

  assert (wish->count > 0);
  if (!take_size (wish, size, &room) || !all_can_hold (wish, &room))
    return ROOM_DATA;
  if (!place_bitmap (wish, &room))
    return ROOM_BITMAP;
  *ret = room;
  return ROOM_GOOD;
}

uint64_t
room_behind_offset (const struct sb1 *sb, uint64_t super_offset, uint64_t bytes)
{
  uint64_t end = sb->version == SB1_VERSION_1_0 ? super_offset
                                                : bytes / SECTOR_SIZE;

  return end > sb->data_offset ? end - sb->data_offset : 0;
}
