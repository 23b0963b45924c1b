/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-holes: the sectors of a large array and its members that are kept, and
 * their places.
 *
 * A bitmap of several pages needs 30 720 regions for the first of them alone:
 * far more sectors than can be looked at in every state.  What matters is how
 * pages go together, so a few stretches are kept: both ends of the array, and
 * what lies around the regions with which pages begin.  So it is with regions
 * that a resync does in several steps: around steps and regions.  All else is
 * holes.
 * They read as zeroes and may be written with zeroes only, which is what a
 * resync or a rebuild finds in them and copies.
 *
 * The order is kept, so that a range without holes stays one, and one that
 * meets holes is what is left of it.
 */
#ifndef MIRROR_CRASH_HOLES_H
#define MIRROR_CRASH_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-shape.h"

/* The stretches of the array of @shape are chosen; without holes all of it is
 * kept.  Sets its
 * sectors, regions and their places.
 */
void holes_choose (struct random_stream *chance, struct crash_shape *shape);

/* So many sectors has the data area of a member, if the bitmap has so many
 * pages, or wide regions.
 */
uint32_t holes_member_size (const struct crash_shape *shape);

/* Both ways between the array and its members, whose areas are real ones up to
 * here.
 */
void holes_map (struct crash_shape *shape);

/* The first sector that is kept at or behind @real: of @leg, of the array. */
uint32_t shape_sector (const struct crash_shape *shape, unsigned leg,
                       uint64_t real);
uint32_t shape_lba (const struct crash_shape *shape, uint64_t real);

/* The data offset of @sector of @leg, as superblocks count it. */
static inline uint32_t
shape_offset (const struct crash_shape *shape, unsigned leg, uint32_t sector)
{
  const struct crash_leg *l = &shape->leg[leg];

  return l->real[sector] - l->data.first;
}

/* Sectors from @first on, @count at most, that no hole parts. */
uint32_t shape_run (const struct crash_shape *shape, uint32_t first,
                    uint32_t count);

/* What is at @real of the disk of @leg for? */
enum crash_place shape_place_real (const struct crash_shape *shape,
                                   unsigned leg, uint64_t real);

#endif /* MIRROR_CRASH_HOLES_H */
