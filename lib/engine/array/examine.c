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
  for (unsigned i = 0; i < array->count; i++) {
    const struct leg_caps *caps = &array->members[i]->leg->caps;

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
    array->beside |= caps->image_size != 0;
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
  const struct leg *smallest = array->members[0]->leg, *largest = smallest;

  for (unsigned i = 1; i < array->count; i++) {
    const struct leg *leg = array->members[i]->leg;

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
  /* Whole blocks of every member: so much is copied to one that comes. */
  layout_set_size (layout, round_down (smallest->caps.size,
                                       array->limits.block_minimum));
  array->mark_size = MAX (MARK_SIZE, array->leg_block);
  if (array->mark_size > layout->member_size)
    array->mark_size = 0;
  array->limits.size = layout->array_size;
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

/* The members' places suit their blocks, or there would be no seats. */
void
examine_md (struct array *array, const struct members *members)
{
  struct array_limits *limits = &array->limits;

  gather_caps (array);
  limits->block_minimum = MAX (limits->block_minimum, members->block);
  limits->block_preferred
    = MAX (limits->block_preferred, limits->block_minimum);
  limits->size = array->layout.array_size;
  /* An image may end within a sector. */
  for (unsigned i = 0; i < array->count; i++)
    if (array->beside && array->layout.level == LEVEL_RAID1)
      limits->size
        = MIN (limits->size, array->members[i]->leg->caps.image_size);
}
