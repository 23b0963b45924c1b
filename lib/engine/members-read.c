/* SPDX-License-Identifier: BSD-3-Clause */
/* members-read: what the disks say about themselves.
 *
 * Runs before the server forks; reads from the legs, writes nothing.  The
 * rules are logic's (sb1, bitmap-disk, badblocks); here their bytes are
 * fetched.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/members.h"
#include "ground/log.h"
#include "ground/util.h"

static int
cannot_read (const struct leg *leg, uint64_t offset, int error, char *why)
{
  snprintf (why, MESSAGE_MAX,
            "disk %.200s: cannot be read at byte %llu: %s; replace it, or "
            "leave it out",
            leg->name, (unsigned long long)offset, log_strerror (error));
  return error;
}

static int
read_places (struct leg *leg, struct sb1_places *places, char *why)
{
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset, length;
    int r;

    if (!sb1_offset (version, leg->caps.exact_size, &offset))
      continue;
    if (offset + SB1_PROBE_SIZE > leg->caps.size) {
      snprintf (why, MESSAGE_MAX,
                "disk %.200s: its last %llu bytes can be read by nobody, "
                "being no whole block of %u, and an md superblock may be "
                "there; give it a size of whole blocks",
                leg->name,
                (unsigned long long)(leg->caps.exact_size - leg->caps.size),
                leg->caps.block_minimum);
      return -EINVAL;
    }
    length = MIN ((uint64_t)SB1_BLOCK_SIZE, leg->caps.size - offset);
    r = leg->ops->read_now (leg, places->block[version], length, offset);
    if (r < 0)
      return cannot_read (leg, offset, r, why);
    places->readable[version] = true;
  }
  return 0;
}

static int
read_superblock (struct member_record *record, char *why)
{
  struct sb1_places *places = calloc (1, sizeof *places);
  int r;

  if (places == NULL)
    return -ENOMEM;
  r = read_places (record->leg, places, why);
  if (r == 0) {
    record->verdict
      = sb1_choose (places, record->leg->caps.exact_size, &record->version,
                    &record->sb, record->why);
    if (record->verdict == SB1_GOOD)
      memcpy (record->block, places->block[record->version],
              sizeof record->block);
  }
  free (places);
  return r;
}

static int
read_bitmap (struct member_record *record, char *why)
{
  struct leg *leg = record->leg;
  uint64_t offset = bitmap_offset_bytes (&record->sb);
  struct layout layout;
  uint64_t bytes;
  int r;

  r = leg->ops->read_now (leg, record->head, sizeof record->head, offset);
  if (r < 0)
    return cannot_read (leg, offset, r, why);
  bitmap_decode (record->head, &record->bitmap);
  record->bitmap_verdict
    = bitmap_check (&record->bitmap, &record->sb, leg->caps.exact_size,
                    record->bitmap_why);
  if ((record->bitmap_verdict != BITMAP_GOOD
       && record->bitmap_verdict != BITMAP_OUTDATED)
      || sb1_layout (&record->sb, &layout) != NULL)
    return 0;
  if (bitmap_regions (layout.array_size / SECTOR_SIZE, record->bitmap.chunk)
      > BITMAP_REGIONS_MAX) {
    record->bitmap_verdict = BITMAP_UNSUPPORTED;
    snprintf (record->bitmap_why, MESSAGE_MAX,
              "bitmap chunksize %" PRIu32 ": makes too many regions for this "
              "array, at most %u", record->bitmap.chunk, BITMAP_REGIONS_MAX);
  }
  if (record->bitmap_verdict != BITMAP_GOOD)
    return 0;
  bytes = bitmap_area_bytes (layout.array_size / SECTOR_SIZE,
                             record->bitmap.chunk)
          - BITMAP_HEAD_SIZE;
  record->bits = malloc (bytes);
  if (record->bits == NULL)
    return -ENOMEM;
  offset += BITMAP_HEAD_SIZE;
  r = leg->ops->read_now (leg, record->bits, bytes, offset);
  return r < 0 ? cannot_read (leg, offset, r, why) : 0;
}

static int
read_bad_blocks (struct member_record *record, char *why)
{
  const struct sb1 *sb = &record->sb;
  struct leg *leg = record->leg;
  uint8_t log[BADBLOCKS_LOG_MAX];
  unsigned bytes = sb->bblog_size * SECTOR_SIZE;
  uint64_t offset
    = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset) * SECTOR_SIZE;
  int r;

  record->bad = calloc (1, sizeof *record->bad);
  if (record->bad == NULL)
    return -ENOMEM;
  r = leg->ops->read_now (leg, log, bytes, offset);
  if (r < 0)
    return cannot_read (leg, offset, r, why);
  /* Nobody knows which sectors are bad: none of the member can be used. */
  if (!badblocks_parse (log, bytes, sb->bblog_shift, record->bad, record->why))
    record->verdict = SB1_DAMAGED;
  return 0;
}

static int
read_metadata (struct member_record *record, char *why)
{
  int r;

  record->verdict = SB1_NONE;
  r = read_superblock (record, why);
  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BITMAP))
    r = read_bitmap (record, why);
  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BAD_BLOCKS))
    r = read_bad_blocks (record, why);
  return r;
}

/* A disk whose metadata cannot be read is no member, and is not written to;
 * the others may do without it.
 */
static int
read_record (struct member_record *record, char *why)
{
  int r = read_metadata (record, why);

  if (r == 0 || r == -ENOMEM)
    return r;
  record->error = r;
  snprintf (record->error_text, MESSAGE_MAX, "%s", why);
  record->verdict = SB1_DAMAGED;
  snprintf (record->why, MESSAGE_MAX, "its metadata cannot be read: %s",
            log_strerror (r));
  return 0;
}

/* Of those that could not be read the first one's error, if there is no md
 * array without them.
 */
static int
first_error (const struct members *members, char *why)
{
  const struct member_record *record;
  int r = 0;

  for (unsigned i = members->count; i-- > 0;) {
    record = &members->record[i];
    if (record->verdict == SB1_GOOD && record->error == 0)
      return 0;
    if (record->error != 0) {
      r = record->error;
      snprintf (why, MESSAGE_MAX, "%s", record->error_text);
    }
  }
  return r;
}

int
members_read (struct leg **legs, unsigned count, struct members **ret,
              char *why)
{
  struct members *members = calloc (1, sizeof *members);
  int r = 0;

  assert (count >= 1 && count <= LEGS_MAX);
  snprintf (why, MESSAGE_MAX, "not enough memory for the disks' metadata");
  if (members == NULL)
    return -ENOMEM;
  members->count = count;
  for (unsigned i = 0; i < count && r == 0; i++) {
    members->record[i].leg = legs[i];
    members->record[i].seat.slot = ASSEMBLE_NO_SLOT;
    if (legs[i] != NULL)
      r = read_record (&members->record[i], why);
  }
  if (r == 0)
    r = first_error (members, why);
  if (r < 0)
    members_free (members);
  else
    *ret = members;
  return r;
}

void
members_free (struct members *members)
{
  for (unsigned i = 0; i < members->count; i++) {
    free (members->record[i].bits);
    free (members->record[i].bad);
  }
  free (members);
}

bool
array_is_md (struct leg **legs, unsigned count)
{
  char why[MESSAGE_MAX];
  struct members *members;
  bool is_md = false;

  if (members_read (legs, count, &members, why) < 0)
    return false;
  for (unsigned i = 0; i < count; i++)
    is_md |= legs[i] != NULL && members->record[i].verdict != SB1_NONE;
  members_free (members);
  return is_md;
}
