/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: what can be wrong with the members, and what they allow.
 *
 * Runs before the server forks; reads from the members, writes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/examine.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/sb1.h"

/* No member may be part of an md array: it would be damaged by a wrong
 * guess.
 */
static int
refuse_superblock (struct leg *leg, char *why)
{
  uint8_t block[SB1_PROBE_SIZE];

  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset;
    int r;

    if (!sb1_offset (version, leg->caps.exact_size, &offset))
      continue;
    if (offset + sizeof block > leg->caps.size) {
      snprintf (why, MESSAGE_MAX,
                "disk %.200s: its last %llu bytes can be read by nobody, "
                "being no whole block of %u, and an md superblock may be "
                "there; give it a size of whole blocks",
                leg->name,
                (unsigned long long)(leg->caps.exact_size - leg->caps.size),
                leg->caps.block_minimum);
      return -EINVAL;
    }
    r = leg->ops->read_now (leg, block, sizeof block, offset);
    if (r < 0) {
      snprintf (why, MESSAGE_MAX,
                "disk %.200s: cannot be read at byte %llu: %s; replace it, or "
                "leave it out",
                leg->name, (unsigned long long)offset, log_strerror (r));
      return r;
    }
    if (sb1_recognise (version, block)) {
      snprintf (why, MESSAGE_MAX,
                "disk %.200s: carries an md superblock (version %s) and belongs "
                "to an md array, which this version cannot serve; nothing "
                "was written to it.  Use it with Linux md, or, if its data "
                "is not needed, erase the superblock first (mdadm "
                "--zero-superblock)",
                leg->name, sb1_version_name (version));
      return -EEXIST;
    }
  }
  return 0;
}

static int
refuse_twins (struct leg **legs, unsigned count, char *why)
{
  for (unsigned i = 0; i < count; i++)
    for (unsigned j = i + 1; j < count; j++)
      if (strcmp (legs[i]->identity, legs[j]->identity) == 0) {
        snprintf (why, MESSAGE_MAX,
                  "disk %.200s is the same as disk %.200s; a mirror needs different "
                  "disks", legs[j]->name, legs[i]->name);
        return -EEXIST;
      }
  return 0;
}

/* What all legs together allow. */
static void
gather_caps (struct array *array, struct leg **legs)
{
  struct array_limits *limits = &array->limits;

  *limits = (struct array_limits){ .block_minimum = 1,
                                   .block_preferred = 4096,
                                   .extents = true };
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    const struct leg_caps *caps = &legs[slot]->caps;

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
decide_size (struct array *array, struct leg **legs, char *why)
{
  struct layout *layout = &array->layout;
  uint64_t slack = MAX (layout->chunk, (uint64_t)CHUNK_MIN);
  const struct leg *smallest = legs[0], *largest = legs[0];

  for (unsigned slot = 1; slot < layout->slots; slot++) {
    if (legs[slot]->caps.size < smallest->caps.size)
      smallest = legs[slot];
    if (legs[slot]->caps.size > largest->caps.size)
      largest = legs[slot];
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
examine_members (struct array *array, struct leg **legs, char *why)
{
  int r = refuse_twins (legs, array->layout.slots, why);

  for (unsigned slot = 0; slot < array->layout.slots && r == 0; slot++)
    r = refuse_superblock (legs[slot], why);
  if (r < 0)
    return r;
  gather_caps (array, legs);
  return decide_size (array, legs, why);
}
