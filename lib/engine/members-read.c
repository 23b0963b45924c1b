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

/* @length bytes at @offset, or the record says that they cannot be read. */
static int
fetch (struct member_record *record, void *buffer, uint64_t length,
       uint64_t offset)
{
  int r = record->leg->ops->read_now (record->leg, buffer, length, offset);

  if (r < 0) {
    record->unreadable = true;
    snprintf (record->why, MESSAGE_MAX,
              "cannot be read at byte %" PRIu64 ": %s; replace it, or leave it "
              "out", offset, log_strerror (r));
  }
  return r;
}

static int
read_places (struct member_record *record, struct sb1_places *places)
{
  const struct leg_caps *caps = &record->leg->caps;

  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset, length;
    int r;

    if (!sb1_offset (version, caps->exact_size, &offset))
      continue;
    if (offset + SB1_PROBE_SIZE > caps->size) {
      record->unreadable = true;
      snprintf (record->why, MESSAGE_MAX,
                "its last %" PRIu64 " bytes can be read by nobody, being no "
                "whole block of %" PRIu32 ", and an md superblock may be "
                "there; give it a size of whole blocks",
                caps->exact_size - caps->size, caps->block_minimum);
      return -EINVAL;
    }
    length = MIN ((uint64_t)SB1_BLOCK_SIZE, caps->size - offset);
    r = fetch (record, places->block[version], length, offset);
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
  int r;

  if (places == NULL)
    return -ENOMEM;
  r = read_places (record, places);
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
read_bitmap (struct member_record *record)
{
  uint64_t offset = bitmap_offset_bytes (&record->sb);
  struct layout layout;
  uint64_t bytes;
  int r;

  r = fetch (record, record->head, sizeof record->head, offset);
  if (r < 0)
    return r;
  bitmap_decode (record->head, &record->bitmap);
  record->bitmap_verdict
    = bitmap_check (&record->bitmap, &record->sb,
                    record->leg->caps.exact_size, record->bitmap_why);
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
  return fetch (record, record->bits, bytes, offset + BITMAP_HEAD_SIZE);
}

static int
read_bad_blocks (struct member_record *record)
{
  const struct sb1 *sb = &record->sb;
  uint8_t log[BADBLOCKS_LOG_MAX];
  unsigned bytes = sb->bblog_size * SECTOR_SIZE;
  uint64_t offset
    = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset) * SECTOR_SIZE;
  int r;

  record->bad = calloc (1, sizeof *record->bad);
  if (record->bad == NULL)
    return -ENOMEM;
  r = fetch (record, log, bytes, offset);
  if (r < 0)
    return r;
  /* Nobody knows which sectors are bad: none of the member can be used. */
  if (!badblocks_parse (log, bytes, sb->bblog_shift, record->bad, record->why))
    record->verdict = SB1_DAMAGED;
  return 0;
}

static int
read_metadata (struct member_record *record)
{
  int r = read_superblock (record);

  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BITMAP))
    r = read_bitmap (record);
  if (r == 0 && record->verdict == SB1_GOOD
      && (record->sb.features & SB1_FEATURE_BAD_BLOCKS))
    r = read_bad_blocks (record);
  return r;
}

/* A disk whose metadata cannot be read is no member, and is not written to;
 * the others may do without it.
 */
static int
read_record (struct member_record *record)
{
  int r = read_metadata (record);

  if (!record->unreadable)
    return r;
  record->verdict = SB1_DAMAGED;
  return 0;
}

static int
refuse_memory (char *why)
{
  snprintf (why, MESSAGE_MAX, "not enough memory for the disks' metadata");
  return -ENOMEM;
}

int
members_ignore (struct leg **legs, unsigned count, struct members **ret,
                char *why)
{
  struct members *members = calloc (1, sizeof *members);

  assert (count >= 1 && count <= LEGS_MAX);
  if (members == NULL)
    return refuse_memory (why);
  members->count = count;
  for (unsigned i = 0; i < count; i++) {
    struct member_record *record = &members->record[i];

    record->leg = legs[i];
    record->verdict = SB1_NONE;
    record->seat.slot = ASSEMBLE_NO_SLOT;
  }
  *ret = members;
  return 0;
}

int
members_read (struct leg **legs, unsigned count, struct members **ret,
              char *why)
{
  struct members *members;
  int r = members_ignore (legs, count, &members, why);

  if (r < 0)
    return r;
  for (unsigned i = 0; i < count && r == 0; i++)
    if (legs[i] != NULL)
      r = read_record (&members->record[i]);
  if (r == 0) {
    *ret = members;
    return 0;
  }
  members_free (members);
  return refuse_memory (why);
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
    is_md |= members->record[i].verdict != SB1_NONE
             && !members->record[i].unreadable;
  members_free (members);
  return is_md;
}
