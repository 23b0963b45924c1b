/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: what can be wrong with the members, and what they allow.
 *
 * Runs before the server forks; does no I/O.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/examine.h"
#include "ground/log.h"
#include "ground/util.h"
#include "members/members.h"

static int
refuse_twins (const struct leg *one, const struct leg *two, const char *shared,
              char *why)
{
  if (strcmp (one->identity, two->identity) == 0)
    snprintf (why, MESSAGE_MAX, "disk %.200s is the same as disk %.200s; a "
              "mirror needs different disks", two->name, one->name);
  else
    snprintf (why, MESSAGE_MAX, "disk %.200s is the same as disk %.200s: both "
              "hold the same bytes of %.200s; a mirror needs different disks",
              two->name, one->name, shared);
  return -EEXIST;
}

int
examine_twins (struct leg **legs, unsigned count, char *why)
{
  const char *shared = NULL;

  for (unsigned i = 0; i < count; i++)
    for (unsigned j = i + 1; j < count; j++)
      if (legs[i] != NULL && legs[j] != NULL
          && leg_compare (legs[i], legs[j], &shared) == LEG_SAME)
        return refuse_twins (legs[i], legs[j], shared, why);
  return 0;
}

/* What all legs together allow. */
static void
gather_caps (struct array *array)
{
  struct array_limits *limits = &array->limits;

  *limits = (struct array_limits){ .block_minimum = 1,
                                   .block_preferred = 4096,
                                   .extents = true };
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    const struct leg *leg = array->member[slot].leg;
    const struct leg_caps *caps;

    if (leg == NULL)
      continue;
    caps = &leg->caps;
    assert (is_power_of_2 (caps->block_minimum)
            && is_power_of_2 (caps->memory_alignment)
            && caps->memory_alignment <= BOUNCE_ALIGNMENT
            && caps->memory_alignment <= caps->block_minimum);
    limits->block_minimum = MAX (limits->block_minimum, caps->block_minimum);
    limits->block_preferred
      = MAX (limits->block_preferred, caps->block_preferred);
    limits->readonly |= caps->readonly;
    limits->rotational |= caps->rotational;
    limits->extents &= caps->extents;
    array->bounced |= caps->memory_alignment > 1;
  }
  array->leg_block = MAX (limits->block_minimum, SECTOR_SIZE);
}

/* The size is the smallest member's, to the last byte if all of them can read
 * and write that; said when others are larger by more than a chunk.
 */
static int
decide_size (struct array *array, char *why)
{
  struct layout *layout = &array->layout;
  uint64_t slack = MAX (layout->chunk, (uint64_t)CHUNK_MIN);
  const struct leg *smallest = array->member[0].leg, *largest = smallest;

  for (unsigned slot = 1; slot < layout->slots; slot++) {
    const struct leg *leg = array->member[slot].leg;

    if (leg->caps.size < smallest->caps.size)
      smallest = leg;
    if (leg->caps.size > largest->caps.size)
      largest = leg;
  }
  if (layout->chunk != 0 && layout->chunk < array->limits.block_minimum) {
    snprintf (why, MESSAGE_MAX, "chunk=%llu is smaller than the %u bytes that "
              "some disk can write; use a larger chunk",
              (unsigned long long)layout->chunk, array->limits.block_minimum);
    return -EINVAL;
  }
  layout_set_size (layout, smallest->caps.size);
  array->limits.size
    = round_down (layout->array_size, array->limits.block_minimum);
  if (array->limits.size == 0) {
    snprintf (why, MESSAGE_MAX, "disk %.200s: is too small (%llu bytes) for "
              "this array; use larger disks or a smaller chunk", smallest->name,
              (unsigned long long)smallest->caps.size);
    return -EINVAL;
  }
  if (largest->caps.size - smallest->caps.size > slack)
    log_notice ("the disks differ in size: the smallest, %s (%llu bytes), "
                "decides; %s has %llu bytes, of which the rest is not used",
                smallest->name, (unsigned long long)smallest->caps.size,
                largest->name, (unsigned long long)largest->caps.size);
  return 0;
}

int
examine_plain (struct array *array, char *why)
{
  gather_caps (array);
  return decide_size (array, why);
}

/* How much of a superblock is written on each member: its table gets as long
 * as the longest.
 */
static uint64_t
super_length (const struct array *array, const struct members *members)
{
  uint32_t entries = 0;

  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];

    if (record->seat.slot == ASSEMBLE_NO_SLOT)
      continue;
    entries = MAX (entries, record->sb.max_dev);
    entries = MAX (entries, record->sb.dev_number + 1);
  }
  return round_up (SB1_HEAD_SIZE + UINT64_C (2) * entries, array->leg_block);
}

static bool
super_collides (const struct array *array, const struct member_record *record,
                uint64_t length)
{
  const struct sb1 *sb = &record->sb;
  uint64_t at = sb->super_offset * SECTOR_SIZE;
  uint64_t log = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset);

  return length > SB1_BLOCK_SIZE || at + length > record->disk.size
         || ranges_overlap (at, length, sb->data_offset * SECTOR_SIZE,
                            array->layout.member_size)
         || (sb->bblog_offset != 0
             && ranges_overlap (at, length, log * SECTOR_SIZE,
                                sb->bblog_size * (uint64_t)SECTOR_SIZE))
         || ((sb->features & SB1_FEATURE_BITMAP)
             && ranges_overlap (at, length, bitmap_offset_bytes (sb), 1));
}

/* Do the whole blocks in which the bitmap is written touch anything else? */
static bool
bitmap_collides (const struct array *array, const struct member_record *record)
{
  const struct sb1 *sb = &record->sb;
  uint64_t at = bitmap_offset_bytes (sb), length, log, data;

  /* One that is not understood is not written, either. */
  if (record->bitmap_verdict != BITMAP_GOOD
      && record->bitmap_verdict != BITMAP_OUTDATED)
    return false;
  length = bitmap_area_bytes (array->layout.array_size / SECTOR_SIZE,
                              record->bitmap.chunk);
  length = round_up (length, array->leg_block);
  log = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset);
  data = sb->data_offset * SECTOR_SIZE;
  return ranges_overlap (at, length, sb->super_offset * SECTOR_SIZE,
                         sb1_written_bytes (sb, array->leg_block))
         || (sb->bblog_offset != 0
             && ranges_overlap (at, length, log * SECTOR_SIZE,
                                sb->bblog_size * (uint64_t)SECTOR_SIZE))
         || ranges_overlap (at, length, data, array->layout.member_size);
}

/* A member of an md array lies where its superblock says; that has to suit
 * the blocks of its leg.
 */
static int
check_places (const struct array *array, const struct members *members,
              const struct member_record *record, char *why)
{
  const struct sb1 *sb = &record->sb;
  uint32_t block = array->leg_block;
  const char *what = NULL;

  if (!is_aligned (sb->super_offset * SECTOR_SIZE, block)
      || super_collides (array, record, super_length (array, members)))
    what = "super_offset";
  else if (!is_aligned (sb->data_offset * SECTOR_SIZE, block))
    what = "data_offset";
  else if ((sb->features & SB1_FEATURE_BITMAP)
           && (!is_aligned (bitmap_offset_bytes (sb), block)
               || bitmap_collides (array, record)))
    what = "bitmap_offset";
  if (what == NULL)
    return 0;
  snprintf (why, MESSAGE_MAX, "disk %.200s: its %s leaves no room for blocks of "
            "%u bytes, or for the table of all members; use it with Linux md",
            record->disk.name, what, block);
  return -EINVAL;
}

int
examine_md (struct array *array, const struct members *members, char *why)
{
  struct array_limits *limits = &array->limits;
  uint32_t block = 1;

  gather_caps (array);
  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];

    if (record->seat.slot == ASSEMBLE_NO_SLOT)
      continue;
    block = MAX (block, record->sb.logical_block);
    if (check_places (array, members, record, why) < 0)
      return -EINVAL;
  }
  limits->block_minimum = MAX (limits->block_minimum, block);
  limits->block_preferred
    = MAX (limits->block_preferred, limits->block_minimum);
  limits->size = array->layout.array_size;
  if (!is_aligned (limits->size, limits->block_minimum)) {
    snprintf (why, MESSAGE_MAX, "the array's %llu bytes are no whole blocks of "
              "the %u that some disk reads and writes at least",
              (unsigned long long)limits->size, limits->block_minimum);
    return -EINVAL;
  }
  if (array->layout.chunk % limits->block_minimum != 0) {
    snprintf (why, MESSAGE_MAX, "the array's chunks of %llu bytes are smaller "
              "than the %u that some disk reads and writes at least",
              (unsigned long long)array->layout.chunk, limits->block_minimum);
    return -EINVAL;
  }
  return 0;
}
