/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: what can be wrong with the members, and what they allow.
 *
 * Runs before the server forks; does no I/O.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/examine.h"
#include "engine/members.h"
#include "ground/log.h"
#include "ground/util.h"

int
examine_twins (struct leg **legs, unsigned count, char *why)
{
  for (unsigned i = 0; i < count; i++)
    for (unsigned j = i + 1; j < count; j++)
      if (legs[i] != NULL && legs[j] != NULL
          && strcmp (legs[i]->identity, legs[j]->identity) == 0) {
        snprintf (why, MESSAGE_MAX,
                  "disk %.200s is the same as disk %.200s; a mirror needs different "
                  "disks", legs[j]->name, legs[i]->name);
        return -EEXIST;
      }
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
}

/* The size is the smallest member's; said when others are larger by more
 * than a chunk.
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
  array->limits.size = round_down (layout->array_size,
                                   MAX (array->limits.block_minimum,
                                        SECTOR_SIZE));
  if (array->limits.size == 0) {
    snprintf (why, MESSAGE_MAX, "disk %.200s: is too small (%llu bytes) for this "
              "array; use larger disks or a smaller chunk", smallest->name,
              (unsigned long long)smallest->caps.size);
    return -EINVAL;
  }
  if (largest->caps.size - smallest->caps.size > slack)
    log_error ("the disks differ in size: the smallest, %s (%llu bytes), "
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

/* A member of an md array lies where its superblock says; that has to suit
 * the blocks of its leg.
 */
static int
check_places (const struct array *array, const struct member_record *record,
              char *why)
{
  const struct sb1 *sb = &record->sb;
  uint32_t block = array->limits.block_minimum;
  const char *what = NULL;

  if (!is_aligned (sb->super_offset * SECTOR_SIZE, block))
    what = "super_offset";
  else if (!is_aligned (sb->data_offset * SECTOR_SIZE, block))
    what = "data_offset";
  else if ((sb->features & SB1_FEATURE_BITMAP)
           && !is_aligned (bitmap_offset_bytes (sb), block))
    what = "bitmap_offset";
  if (what == NULL)
    return 0;
  snprintf (why, MESSAGE_MAX, "disk %.200s: its %s is no multiple of the %u "
            "bytes that some disk reads and writes at least; use it with "
            "Linux md", record->leg->name, what, block);
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

    if (record->slot == ASSEMBLE_NO_SLOT)
      continue;
    block = MAX (block, record->sb.logical_block);
    if (check_places (array, record, why) < 0)
      return -EINVAL;
  }
  limits->block_minimum = MAX (limits->block_minimum, block);
  limits->block_preferred
    = MAX (limits->block_preferred, limits->block_minimum);
  limits->size = round_down (array->layout.array_size,
                             MAX (limits->block_minimum, SECTOR_SIZE));
  if (array->layout.chunk % limits->block_minimum != 0) {
    snprintf (why, MESSAGE_MAX, "the array's chunks of %llu bytes are smaller "
              "than the %u that some disk reads and writes at least",
              (unsigned long long)array->layout.chunk, limits->block_minimum);
    return -EINVAL;
  }
  return 0;
}
