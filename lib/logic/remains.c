/* SPDX-License-Identifier: BSD-3-Clause */
/* remains: what is left of array metadata on a disk.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1, bitmap-disk.
 *
 * Everything here comes from a disk.  A disk that holds somebody's data may
 * hold anything, so a magic number alone is not enough where the format has
 * more to tell.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/bitmap-disk.h"
#include "logic/bytes.h"
#include "logic/content-end.h"
#include "logic/remains.h"

#define SUPER_OFFSET 144 /* of a superblock 1.x: its own sector */
#define OLD_ALIGNMENT 65536
#define BITMAP_CHUNK_MIN 512
#define IMSM_SIGNATURE "Intel Raid ISM Cfg Sig. "
#define DDF_REVISION 32

#define MIB (UINT64_C (1) << 20)
#define GIB (UINT64_C (1) << 30)

static bool
is_md (const uint8_t *sector, uint64_t offset)
{
  return sb1_recognise (SB1_VERSION_1_0, sector)
         && load_le64 (sector + SUPER_OFFSET) == offset / SECTOR_SIZE;
}

static bool
is_md_old (const uint8_t *sector, uint64_t offset)
{
  return offset > 0 && is_aligned (offset, OLD_ALIGNMENT)
         && sb1_recognise (SB1_VERSION_0_90, sector);
}

static bool
is_bitmap (const uint8_t *sector)
{
  struct bitmap_super bitmap;

  bitmap_decode (sector, &bitmap);
  return bitmap.magic == BITMAP_MAGIC && bitmap.version >= 3
         && bitmap.version <= 6 && bitmap.chunk >= BITMAP_CHUNK_MIN
         && is_power_of_2 (bitmap.chunk) && bitmap.sync_size > 0
         && bitmap.daemon_sleep > 0
         && bitmap.write_behind <= BITMAP_WRITE_BEHIND_MAX;
}

static bool
is_imsm (const uint8_t *sector)
{
  return memcmp (sector, IMSM_SIGNATURE, strlen (IMSM_SIGNATURE)) == 0;
}

/* Big-endian; the revision is text, such as 01.02.00. */
static bool
is_ddf (const uint8_t *sector)
{
  static const uint8_t magic[] = { 0xde, 0x11, 0xde, 0x11 };

  return memcmp (sector, magic, sizeof magic) == 0
         && sector[DDF_REVISION] == '0' && sector[DDF_REVISION + 2] == '.';
}

static bool
look_at_sector (const uint8_t *sector, uint64_t offset, struct remains *ret)
{
  ret->offset = offset;
  if (is_md (sector, offset))
    ret->kind = REMAINS_MD;
  else if (is_md_old (sector, offset))
    ret->kind = REMAINS_MD_OLD;
  else if (is_bitmap (sector))
    ret->kind = REMAINS_BITMAP;
  else if (is_imsm (sector))
    ret->kind = REMAINS_IMSM;
  else if (is_ddf (sector))
    ret->kind = REMAINS_DDF;
  else
    return false;
  return true;
}

bool
remains_find (const uint8_t *bytes, uint64_t length, uint64_t offset,
              struct remains *ret)
{
  struct remains found;
  bool any = false;

  assert (is_aligned (offset, SECTOR_SIZE));
  for (uint64_t at = 0; length >= SECTOR_SIZE && at <= length - SECTOR_SIZE;
       at += SECTOR_SIZE)
    if (look_at_sector (bytes + at, offset + at, &found)
        && (!any || (found.kind == REMAINS_MD && ret->kind != REMAINS_MD))) {
      *ret = found;
      any = true;
    }
  return any;
}

const char *
remains_name (enum remains_kind kind)
{
  switch (kind) {
  case REMAINS_MD:
    return "an md superblock";
  case REMAINS_MD_OLD:
    return "an md superblock of version 0.90";
  case REMAINS_BITMAP:
    return "the write-intent bitmap of an md array";
  case REMAINS_IMSM:
    return "Intel Matrix RAID (IMSM) metadata";
  case REMAINS_DDF:
    return "DDF RAID metadata";
  }
  assert (!"a kind has one of the names above");
}

/* ------------------------------------------------- where the end used to be */

struct places {
  struct remains_place *place;
  unsigned count;
  uint64_t end;
};

static void
add (struct places *places, uint64_t offset, uint64_t length)
{
  offset = round_down (offset, SECTOR_SIZE);
  if (places->count == REMAINS_PLACES_MAX || offset >= places->end)
    return;
  places->place[places->count++]
    = (struct remains_place){ .offset = offset,
                              .length = MIN (length, places->end - offset) };
}

/* Multiples of @step, at most @count, from @end down. */
static void
add_round_ends (struct places *places, uint64_t step, unsigned count)
{
  uint64_t end = round_down (places->end, step);

  for (; end > 0 && count > 0; end -= step, count--)
    add (places, end - REMAINS_FROM_END, REMAINS_FROM_END);
}

unsigned
remains_places (const uint8_t *head, uint64_t length, uint64_t end,
                struct remains_place ret[REMAINS_PLACES_MAX])
{
  struct places places = { .place = ret, .end = end };
  uint64_t content[CONTENT_ENDS_MAX];
  unsigned contents = content_ends (head, length, content);

  /* A member is at most that much larger than what its array holds: bitmap,
   * log, superblock, and rounding to chunks.
   */
  for (unsigned i = 0; i < contents; i++)
    add (&places, content[i], MIB);
  add_round_ends (&places, MIB, 48);
  add_round_ends (&places, 64 * MIB, 48);
  add_round_ends (&places, GIB, 64);
  return places.count;
}
