/* SPDX-License-Identifier: BSD-3-Clause */
/* bitmap-disk: the write-intent bitmap, bytes <-> struct, and its bits.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec (for the
 * geometry) and layout.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/bitmap-disk.h"
#include "logic/bytes.h"
#include "logic/layout.h"

#define CHUNK_BYTES_MIN 512

struct bitmap_disk {
  uint8_t magic[4];
  uint8_t version[4];
  uint8_t uuid[16];
  uint8_t events[8];
  uint8_t events_cleared[8];
  uint8_t sync_size[8];
  uint8_t state[4];
  uint8_t chunk[4];
  uint8_t daemon_sleep[4];
  uint8_t write_behind[4];
  uint8_t sectors_reserved[4];
  uint8_t nodes[4];
  uint8_t cluster_name[64];
  uint8_t pad[120];
};

static_assert (sizeof (struct bitmap_disk) == BITMAP_HEAD_SIZE, "md's size");
static_assert (offsetof (struct bitmap_disk, events) == 24, "md's offset");
static_assert (offsetof (struct bitmap_disk, sync_size) == 40, "md's offset");
static_assert (offsetof (struct bitmap_disk, chunk) == 52, "md's offset");
static_assert (offsetof (struct bitmap_disk, nodes) == 68, "md's offset");
static_assert (offsetof (struct bitmap_disk, pad) == 136, "md's offset");

void
bitmap_decode (const uint8_t *head, struct bitmap_super *ret)
{
  const struct bitmap_disk *disk = (const struct bitmap_disk *)head;

  ret->magic = load_le32 (disk->magic);
  ret->version = load_le32 (disk->version);
  memcpy (ret->uuid, disk->uuid, sizeof ret->uuid);
  ret->events = load_le64 (disk->events);
  ret->events_cleared = load_le64 (disk->events_cleared);
  ret->sync_size = load_le64 (disk->sync_size);
  ret->state = load_le32 (disk->state);
  ret->chunk = load_le32 (disk->chunk);
  ret->daemon_sleep = load_le32 (disk->daemon_sleep);
  ret->write_behind = load_le32 (disk->write_behind);
  ret->sectors_reserved = load_le32 (disk->sectors_reserved);
  ret->nodes = load_le32 (disk->nodes);
}

void
bitmap_encode (const struct bitmap_super *bitmap, uint8_t *head)
{
  struct bitmap_disk *disk = (struct bitmap_disk *)head;

  assert (bitmap->magic == BITMAP_MAGIC);
  assert (bitmap->version == BITMAP_VERSION);
  assert (is_power_of_2 (bitmap->chunk) && bitmap->chunk >= CHUNK_BYTES_MIN);
  assert (bitmap->daemon_sleep >= 1 && bitmap->nodes == 0);
  store_le32 (disk->magic, bitmap->magic);
  store_le32 (disk->version, bitmap->version);
  memcpy (disk->uuid, bitmap->uuid, sizeof disk->uuid);
  store_le64 (disk->events, bitmap->events);
  store_le64 (disk->events_cleared, bitmap->events_cleared);
  store_le64 (disk->sync_size, bitmap->sync_size);
  store_le32 (disk->state, bitmap->state);
  store_le32 (disk->chunk, bitmap->chunk);
  store_le32 (disk->daemon_sleep, bitmap->daemon_sleep);
  store_le32 (disk->write_behind, bitmap->write_behind);
  store_le32 (disk->sectors_reserved, bitmap->sectors_reserved);
  store_le32 (disk->nodes, bitmap->nodes);
}

uint64_t
bitmap_offset_bytes (const struct sb1 *sb)
{
  int64_t sector = (int64_t)sb->super_offset + sb->bitmap_offset;

  assert (sector >= 0);
  return (uint64_t)sector * SECTOR_SIZE;
}

uint64_t
bitmap_regions (uint64_t sync_size, uint32_t chunk)
{
  assert (chunk >= CHUNK_BYTES_MIN && is_power_of_2 (chunk));
  return div_round_up (sync_size, chunk / SECTOR_SIZE);
}

uint64_t
bitmap_area_bytes (uint64_t sync_size, uint32_t chunk)
{
  return BITMAP_HEAD_SIZE
         + div_round_up (bitmap_regions (sync_size, chunk), 8);
}

/* ----------------------------------------------------------------- judging */

static enum bitmap_verdict refuse (char *why, enum bitmap_verdict verdict,
                                   const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

static enum bitmap_verdict
refuse (char *why, enum bitmap_verdict verdict, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (why, MESSAGE_MAX, format, args);
  va_end (args);
  return verdict;
}

static enum bitmap_verdict
check_kind (const struct bitmap_super *bitmap, const struct sb1 *sb, char *why)
{
  if (bitmap->magic != BITMAP_MAGIC)
    return refuse (why, BITMAP_DAMAGED, "bitmap magic 0x%08" PRIx32
                   ": not a bitmap", bitmap->magic);
  if (bitmap->version == 5 || bitmap->nodes != 0)
    return refuse (why, BITMAP_UNSUPPORTED, "bitmap version %" PRIu32
                   ", nodes %" PRIu32 ": the bitmap of a clustered array",
                   bitmap->version, bitmap->nodes);
  if (bitmap->version == 6)
    return refuse (why, BITMAP_UNSUPPORTED,
                   "bitmap version 6: a lockless bitmap");
  if (bitmap->version != BITMAP_VERSION)
    return refuse (why, BITMAP_UNSUPPORTED, "bitmap version %" PRIu32
                   ": unsupported", bitmap->version);
  if (memcmp (bitmap->uuid, sb->set_uuid, sizeof bitmap->uuid) != 0)
    return refuse (why, BITMAP_DAMAGED,
                   "bitmap uuid %02x%02x%02x%02x...: of another array",
                   bitmap->uuid[0], bitmap->uuid[1], bitmap->uuid[2],
                   bitmap->uuid[3]);
  if (bitmap->state & BITMAP_STATE_HOST_ENDIAN)
    return refuse (why, BITMAP_UNSUPPORTED, "bitmap state 0x%" PRIx32
                   ": bits in the byte order of some host", bitmap->state);
  if (bitmap->state & BITMAP_STATE_WRITE_ERROR)
    return refuse (why, BITMAP_DAMAGED, "bitmap state 0x%" PRIx32
                   ": a write to the bitmap failed", bitmap->state);
  return BITMAP_GOOD;
}

static enum bitmap_verdict
check_numbers (const struct bitmap_super *bitmap, const struct sb1 *sb,
               char *why)
{
  uint64_t sectors, slack;
  struct layout layout;

  if (bitmap->chunk < CHUNK_BYTES_MIN || !is_power_of_2 (bitmap->chunk))
    return refuse (why, BITMAP_DAMAGED, "bitmap chunksize %" PRIu32
                   ": not a power of two of at least 512", bitmap->chunk);
  if (bitmap->daemon_sleep == 0)
    return refuse (why, BITMAP_DAMAGED, "bitmap daemon_sleep 0: not a time");
  if (bitmap->write_behind > BITMAP_WRITE_BEHIND_MAX)
    return refuse (why, BITMAP_DAMAGED, "bitmap write_behind %" PRIu32
                   ": more than 16383", bitmap->write_behind);

  /* What mdadm puts there for a new raid10 can be a row too much; Linux
   * puts it right with its first update.
   */
  if (sb1_layout (sb, &layout) != NULL)
    return refuse (why, BITMAP_DAMAGED, "bitmap of an array without geometry");
  sectors = layout.array_size / SECTOR_SIZE;
  slack = layout.chunk / SECTOR_SIZE * layout.slots;
  if (bitmap->sync_size < sectors || bitmap->sync_size - sectors > slack)
    return refuse (why, BITMAP_DAMAGED, "bitmap sync_size %" PRIu64
                   ": the array has %" PRIu64 " sectors", bitmap->sync_size,
                   sectors);
  return BITMAP_GOOD;
}

/* The superblock's own areas are checked already, so only the bitmap's is
 * compared with each.
 */
static enum bitmap_verdict
check_area (const struct bitmap_super *bitmap, const struct sb1 *sb,
            uint64_t member_bytes, char *why)
{
  uint64_t start = bitmap_offset_bytes (sb) / SECTOR_SIZE;
  uint64_t length
    = div_round_up (bitmap_area_bytes (bitmap->sync_size, bitmap->chunk),
                    SECTOR_SIZE);
  struct {
    const char *name;
    uint64_t start, length;
  } others[] = {
    { "the superblock", sb->super_offset,
      sb1_written_bytes (sb, SECTOR_SIZE) / SECTOR_SIZE },
    { "the bad block log",
      (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset),
      sb->bblog_offset == 0 ? 0 : sb->bblog_size },
    { "the data", sb->data_offset, sb->size },
  };

  if (start + length > member_bytes / SECTOR_SIZE)
    return refuse (why, BITMAP_DAMAGED, "bitmap_offset %" PRId32
                   ": %" PRIu64 " sectors from there end beyond the member",
                   sb->bitmap_offset, length);
  for (unsigned i = 0; i < ARRAY_LENGTH (others); i++)
    if (others[i].length > 0
        && ranges_overlap (start, length, others[i].start, others[i].length))
      return refuse (why, BITMAP_DAMAGED, "bitmap_offset %" PRId32
                     ": %" PRIu64 " sectors from there overlap %s",
                     sb->bitmap_offset, length, others[i].name);
  if (bitmap->sectors_reserved != 0 && bitmap->sectors_reserved < length)
    return refuse (why, BITMAP_DAMAGED, "bitmap sectors_reserved %" PRIu32
                   ": %" PRIu64 " are needed", bitmap->sectors_reserved,
                   length);
  return BITMAP_GOOD;
}

enum bitmap_verdict
bitmap_check (const struct bitmap_super *bitmap, const struct sb1 *sb,
              uint64_t member_bytes, char *why)
{
  enum bitmap_verdict verdict;

  assert (sb->features & SB1_FEATURE_BITMAP);
  why[0] = '\0';
  verdict = check_kind (bitmap, sb, why);
  if (verdict == BITMAP_GOOD)
    verdict = check_numbers (bitmap, sb, why);
  if (verdict == BITMAP_GOOD)
    verdict = check_area (bitmap, sb, member_bytes, why);
  if (verdict != BITMAP_GOOD)
    return verdict;

  if (bitmap->state & BITMAP_STATE_STALE)
    return refuse (why, BITMAP_OUTDATED, "bitmap state 0x%" PRIx32
                   ": stale, every bit counts as set", bitmap->state);
  if (bitmap->events < sb->events)
    return refuse (why, BITMAP_OUTDATED, "bitmap events %" PRIu64
                   ": older than the superblock's %" PRIu64
                   ", every bit counts as set", bitmap->events, sb->events);
  return BITMAP_GOOD;
}

/* -------------------------------------------------------------------- bits */

bool
bitmap_get (const uint8_t *bits, uint64_t region)
{
  return bits[region / 8] >> region % 8 & 1;
}

void
bitmap_set (uint8_t *bits, uint64_t region)
{
  bits[region / 8] |= 1u << region % 8;
}

void
bitmap_clear (uint8_t *bits, uint64_t region)
{
  bits[region / 8] &= ~(1u << region % 8);
}

uint64_t
bitmap_count (const uint8_t *bits, uint64_t regions)
{
  uint64_t count = 0;

  for (uint64_t i = 0; i < regions / 8; i++)
    count += (unsigned)__builtin_popcount (bits[i]);
  for (uint64_t i = round_down (regions, 8); i < regions; i++)
    count += bitmap_get (bits, i);
  return count;
}

void
bitmap_merge (uint8_t *into, const uint8_t *from, uint64_t regions)
{
  for (uint64_t i = 0; i < div_round_up (regions, 8); i++)
    into[i] |= from == NULL ? 0xff : from[i];
}
