/* SPDX-License-Identifier: BSD-3-Clause */
/* read: what a disk says about itself.
 *
 * The rules are logic's (sb1, bitmap-disk, badblocks); here their bytes are
 * fetched.  Blocks on reads.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/log.h"
#include "ground/util.h"
#include "members/read.h"

static int __attribute__ ((format (printf, 4, 5)))
unreadable (struct member_record *record, int error, char *why,
            const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (why, MESSAGE_MAX, format, args);
  va_end (args);
  if (record->unreadable == NULL) {
    record->unreadable = why;
    record->error = error;
  }
  return error;
}

/* Read @length bytes of its @what, or say in @why, the record's own, that
 * this cannot be done.
 */
static int
fetch (struct member_record *record, const char *what, void *buffer,
       uint64_t length, uint64_t offset, char *why)
{
  const struct member_disk *disk = &record->disk;
  int r;

  if (offset > disk->size || length > disk->size - offset)
    return unreadable (record, -EINVAL, why, "its size is not a multiple of "
                       "its %" PRIu32 "-byte blocks, so its last %" PRIu64
                       " bytes cannot be read, and its %s may be there; give "
                       "it a size of whole blocks", disk->block,
                       disk->exact_size - disk->size, what);
  r = disk->read (disk->opaque, buffer, length, offset);
  if (r < 0)
    unreadable (record, r, why, "its %s, at byte %" PRIu64 ", cannot be read: "
                "%s; replace the disk, or leave it out", what, offset,
                log_strerror (r));
  return r;
}

/* -------------------------------------------------------------- superblock */

/* md goes by the exact size of the disk, so that is where a superblock would be
 * sought by everybody else, too.
 */
static int
read_places (struct member_record *record, struct sb1_places *places)
{
  const struct member_disk *disk = &record->disk;

  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset, length;
    int r;

    if (!sb1_offset (version, disk->exact_size, &offset)
        || (disk->beside && version != SB1_VERSION_1_0))
      continue;
    length = MIN ((uint64_t)SB1_BLOCK_SIZE, disk->exact_size - offset);
    if (offset + SB1_PROBE_SIZE <= disk->size)
      length = MIN (length, disk->size - offset);
    r = fetch (record, "superblock", places->block[version], length, offset,
               record->why);
    if (r < 0)
      return r;
    places->readable[version] = true;
  }
  return 0;
}

static int
read_superblock (struct member_record *record)
{
  struct sb1_places *places = calloc (1, sizeof *places);

  if (places == NULL)
    return -ENOMEM;
  if (read_places (record, places) == 0)
    record->verdict = sb1_choose (places, record->disk.exact_size,
                                  &record->version, &record->sb, record->why);
  if (record->verdict != SB1_NONE)
    memcpy (record->block, places->block[record->version],
            sizeof record->block);
  free (places);
  return 0;
}

/* ------------------------------------------------------------------ bitmap */

/* Sound in itself; are its regions ones that we can count? */
static void
count_regions (struct member_record *record)
{
  struct layout layout;

  if (sb1_layout (&record->sb, &layout) != NULL)
    return;
  /* The last sectors that mdadm's sync_size may have too much count for
   * mdadm, but not for the array.
   */
  record->regions = bitmap_regions (layout.array_size / SECTOR_SIZE,
                                    record->bitmap.chunk);
  if (record->regions <= BITMAP_REGIONS_MAX)
    return;
  record->bitmap_verdict = BITMAP_UNSUPPORTED;
  snprintf (record->bitmap_why, MESSAGE_MAX,
            "bitmap chunksize %" PRIu32 ": makes too many regions for this "
            "array, at most %u", record->bitmap.chunk, BITMAP_REGIONS_MAX);
}

/* Those of an outdated bitmap all count as set, so they are only looked at, and
 * need not be readable.
 */
static int
read_bits (struct member_record *record)
{
  const struct member_disk *disk = &record->disk;
  uint64_t offset = bitmap_offset_bytes (&record->sb) + BITMAP_HEAD_SIZE;
  uint64_t bytes = div_round_up (record->regions, 8);
  int r;

  if (bytes == 0)
    return 0;
  record->bits = malloc (bytes);
  if (record->bits == NULL)
    return -ENOMEM;
  if (record->bitmap_verdict == BITMAP_OUTDATED)
    r = disk->read (disk->opaque, record->bits, bytes, offset);
  else
    r = fetch (record, "bitmap", record->bits, bytes, offset,
               record->bitmap_why);
  record->regions_set
    = r < 0 ? record->regions : bitmap_count (record->bits, record->regions);
  if (record->bitmap_verdict == BITMAP_GOOD && r == 0)
    return 0;
  free (record->bits);
  record->bits = NULL;
  if (record->bitmap_verdict == BITMAP_GOOD)
    record->bitmap_verdict = BITMAP_DAMAGED;
  return 0;
}

static bool
is_sound (const struct member_record *record)
{
  return record->bitmap_verdict == BITMAP_GOOD
         || record->bitmap_verdict == BITMAP_OUTDATED;
}

static int
read_bitmap (struct member_record *record)
{
  int r = fetch (record, "bitmap", record->head, sizeof record->head,
                 bitmap_offset_bytes (&record->sb), record->bitmap_why);

  if (r < 0) {
    record->bitmap_verdict = BITMAP_DAMAGED;
    return 0;
  }
  bitmap_decode (record->head, &record->bitmap);
  record->bitmap_verdict
    = bitmap_check (&record->bitmap, &record->sb, record->disk.exact_size,
                    record->bitmap_why);
  if (is_sound (record))
    count_regions (record);
  return is_sound (record) ? read_bits (record) : 0;
}

/* ----------------------------------------------------------- bad block log */

static int
read_log (struct member_record *record)
{
  const struct sb1 *sb = &record->sb;
  unsigned bytes = sb->bblog_size * SECTOR_SIZE;
  uint64_t sector = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset);
  struct badblocks *bad = calloc (1, sizeof *bad);

  if (bad == NULL)
    return -ENOMEM;
  if (fetch (record, "bad block log", record->log, bytes,
             sector * SECTOR_SIZE, record->log_why) < 0)
    record->log_damaged = true;
  else {
    record->log_bytes = bytes;
    /* If it is wrong nobody knows which sectors are bad: then none of the
     * member can be used.
     */
    record->log_damaged = !badblocks_parse (record->log, bytes,
                                            sb->bblog_shift, bad,
                                            record->log_why);
  }
  if (record->log_damaged)
    free (bad);
  else
    record->bad = bad;
  return 0;
}

/* ---------------------------------------------------------------- evidence */

/* Without it nothing is known of the disk, which is no fault. */
static int
read_evidence (struct member_record *record)
{
  const struct member_disk *disk = &record->disk;
  uint64_t at = record->sb.super_offset * SECTOR_SIZE + EVIDENCE_AT;
  uint8_t block[EVIDENCE_SIZE];

  if (at > disk->size || sizeof block > disk->size - at
      || disk->read (disk->opaque, block, sizeof block, at) < 0)
    return 0;
  record->evidence = malloc (sizeof *record->evidence);
  if (record->evidence == NULL)
    return -ENOMEM;
  if (!evidence_decode (block, record->evidence)) {
    free (record->evidence);
    record->evidence = NULL;
  }
  return 0;
}

/* --------------------------------------------------------------- all of it */

void
member_ignore (const struct member_disk *disk, struct member_record *ret)
{
  memset (ret, 0, sizeof *ret);
  ret->disk = *disk;
  ret->verdict = SB1_NONE;
  ret->version = SB1_VERSIONS;
  ret->seat.slot = ASSEMBLE_NO_SLOT;
}

int
member_read (const struct member_disk *disk, struct member_record *ret)
{
  int r = 0;

  member_ignore (disk, ret);
  if (member_is_there (ret))
    r = read_superblock (ret);
  if (r == 0 && ret->verdict == SB1_GOOD
      && (ret->sb.features & SB1_FEATURE_BITMAP))
    r = read_bitmap (ret);
  if (r == 0 && ret->verdict == SB1_GOOD
      && (ret->sb.features & SB1_FEATURE_BAD_BLOCKS))
    r = read_log (ret);
  if (r == 0 && ret->verdict == SB1_GOOD && disk->beside)
    r = read_evidence (ret);
  if (r < 0)
    member_forget (ret);
  return r;
}

void
member_forget (struct member_record *record)
{
  free (record->bits);
  free (record->bad);
  free (record->evidence);
  record->bits = NULL;
  record->bad = NULL;
  record->evidence = NULL;
}

enum sb1_verdict
member_verdict (const struct member_record *record)
{
  if (record->unreadable != NULL || record->log_damaged)
    return SB1_DAMAGED;
  return record->verdict;
}

const char *
member_why (const struct member_record *record)
{
  if (record->unreadable != NULL)
    return record->unreadable;
  return record->log_damaged ? record->log_why : record->why;
}
