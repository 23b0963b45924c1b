/* SPDX-License-Identifier: BSD-3-Clause */
/* bitmap-disk: the write-intent bitmap as it lies on a member.
 *
 * Pure.  A bitmap superblock of 256 bytes, and directly behind it one bit
 * per region: 1 says that the copies of the region may differ.  Bits past
 * the last region have no meaning (usually they are 1).
 *
 * Its place comes from the member's superblock: super_offset +
 * bitmap_offset.  It has no checksum, so everything is checked, and the
 * union of the members' bitmaps is what is believed.
 */
#ifndef MIRROR_BITMAP_DISK_H
#define MIRROR_BITMAP_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/sb1.h"

#define BITMAP_HEAD_SIZE 256
#define BITMAP_MAGIC UINT32_C (0x6d746962)
#define BITMAP_VERSION 4

/* What the area is made of. */
#define BITMAP_PAGE_SIZE 4096

enum {
  BITMAP_STATE_STALE = 0x2,
  BITMAP_STATE_WRITE_ERROR = 0x4,
  BITMAP_STATE_HOST_ENDIAN = 0x8000,
};

#define BITMAP_WRITE_BEHIND_MAX 16383
#define BITMAP_DAEMON_SLEEP_DEFAULT 5

struct bitmap_super {
  uint32_t magic;
  uint32_t version;
  uint8_t uuid[16];
  uint64_t events;
  uint64_t events_cleared;
  uint64_t sync_size; /* sectors that the bits cover */
  uint32_t state;
  uint32_t chunk;         /* bytes per bit */
  uint32_t daemon_sleep;  /* seconds */
  uint32_t write_behind;
  uint32_t sectors_reserved;
  uint32_t nodes;
};

/* What a member's bitmap is worth. */
enum bitmap_verdict {
  BITMAP_NONE,     /* the member has none */
  BITMAP_GOOD,     /* a clear bit can be believed */
  BITMAP_OUTDATED, /* sound, but every bit counts as set */
  BITMAP_UNSUPPORTED,
  BITMAP_DAMAGED,
};

/* BITMAP_HEAD_SIZE bytes <-> struct.  Decoding judges nothing.  Encoding
 * leaves all other bytes as they are.
 */
void bitmap_decode (const uint8_t *head, struct bitmap_super *ret);
void bitmap_encode (const struct bitmap_super *bitmap, uint8_t *head);

/* Judge the bitmap of the member with superblock @sb (one that sb1_check
 * found good, with a bitmap), @member_bytes large.  Unless it is
 * BITMAP_GOOD, @why (MESSAGE_MAX bytes) says which field with which value is
 * the reason, to follow "disk NAME: ".  Sound bitmaps are judged against
 * the event count of the member itself; whether the member is of today is
 * assemble's business.
 */
enum bitmap_verdict bitmap_check (const struct bitmap_super *bitmap,
                                  const struct sb1 *sb, uint64_t member_bytes,
                                  char *why);

/* Byte offset of the area on the member of @sb. */
uint64_t bitmap_offset_bytes (const struct sb1 *sb);

/* All below: @chunk is a power of two, 512 at least. */

/* Regions of that many sectors. */
uint64_t bitmap_regions (uint64_t sync_size, uint32_t chunk);

/* Bytes from the start of the bitmap superblock to the last byte with a
 * bit in use.
 */
uint64_t bitmap_area_bytes (uint64_t sync_size, uint32_t chunk);

/* @bits is what follows the bitmap superblock. */
bool bitmap_get (const uint8_t *bits, uint64_t region);
void bitmap_set (uint8_t *bits, uint64_t region);
void bitmap_clear (uint8_t *bits, uint64_t region);
uint64_t bitmap_count (const uint8_t *bits, uint64_t regions);

/* @into gets the bits of @from besides its own; a bitmap that is not good
 * is merged as all ones: @from NULL.
 */
void bitmap_merge (uint8_t *into, const uint8_t *from, uint64_t regions);

#endif /* MIRROR_BITMAP_DISK_H */
