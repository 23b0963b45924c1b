/* SPDX-License-Identifier: BSD-3-Clause */
/* layout: which bytes of which member hold a range of the array.
 *
 * Pure: no I/O, no locks, no allocation.  All sizes are bytes, counted from
 * the start of a member's data area.  A slot is a member's position in the
 * geometry.
 *
 * raid1: every slot holds the whole array at the same offsets.
 *
 * raid10 deals array chunks out to the slots, row by row:
 *
 *   near 2, 3 slots    far 2, 3 slots     offset 2, 3 slots
 *     0  0  1            0  1  2            0  1  2
 *     1  2  2            3  4  5            2  0  1
 *     3  3  4            2  0  1            3  4  5
 *     4  5  5            5  3  4            5  3  4
 *
 * Copies are numbered as Linux md numbers them; copy 0 is the one that
 * everybody agrees on where a fixed member is needed.
 */
#ifndef MIRROR_LAYOUT_H
#define MIRROR_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/limits.h"
#include "ground/util.h"

enum level {
  LEVEL_RAID1 = 1,
  LEVEL_RAID10 = 10,
};

struct layout {
  /* Given. */
  enum level level;
  unsigned slots;  /* 2..LEGS_MAX */
  unsigned near;   /* copies next to each other; raid1: 1 */
  unsigned far;    /* copies far apart; raid1: 1 */
  bool offset;     /* far copies in the following row */
  bool far_sets;   /* far copies stay inside a set of near * far slots */
  uint64_t chunk;  /* bytes; raid1: 0 */

  /* Computed by layout_set_size. */
  uint64_t member_size; /* used bytes of each member */
  uint64_t array_size;
  uint64_t stride;      /* from one far copy to the next */
};

/* One place of one piece of the array. */
struct copy {
  unsigned slot;
  uint64_t offset; /* bytes, in the member's data area */
};

/* n2, f3, o2 ... -> near, far, offset of *@layout; far_sets becomes false,
 * since no such name asks for them.  Numbers are 1..255.  False if @text is
 * no such name (then *@layout is untouched).  Numbers that make no sense
 * together with the slots are layout_check's business.
 */
bool layout_parse (struct layout *layout, const char *text);

/* The name of a layout that layout_check finds good: raid1, or n2, f2, o2
 * (with "-sets" for far sets); @size >= 16.
 */
void layout_name (const struct layout *layout, char *ret, size_t size);

/* md's layout word of a raid10 -> near, far, offset, far_sets.  NULL, or
 * what is wrong with it in words that can follow "the layout " ("mixes near
 * and far copies", ...); each reason has its own message.  Then *@layout is
 * untouched.  What depends on the slots is layout_check's business.
 */
const char *layout_from_word (struct layout *layout, uint32_t word);

/* And back; 0 for raid1. */
uint32_t layout_to_word (const struct layout *layout);

/* NULL, or why the given part makes no array that can be trusted, in words
 * that can follow "the array "; each reason has its own message.  Allowed:
 * raid1 with 2..LEGS_MAX slots; raid10 with near 1 or far 1 and near * far
 * of 2..slots, chunk a power of two of CHUNK_MIN..CHUNK_MAX.
 */
const char *layout_check (const struct layout *layout);

/* After layout_check: compute sizes from the space of the smallest member.
 * Doing it again with the resulting member_size gives the same result.
 * array_size 0: the members are too small.  What would make the array
 * larger than INT64_MAX is left unused.
 */
void layout_set_size (struct layout *layout, uint64_t member_bytes);

/* A mask of them. */
static inline uint32_t
layout_all_slots (const struct layout *layout)
{
  return UINT32_MAX >> (32 - layout->slots);
}

/* How many copies every byte has. */
unsigned layout_copies (const struct layout *layout);

/* All below: after layout_set_size, and @offset of the array is below
 * array_size.
 */

/* How many bytes from array offset @offset on lie in one piece, at most
 * @length: its copies are contiguous on their members.  Never 0 for @length
 * above 0.  raid1, and raid10 with every slot in one near set: all.
 */
static inline uint64_t
layout_piece (const struct layout *layout, uint64_t offset, uint64_t length)
{
  if (layout->level == LEVEL_RAID1 || layout->near == layout->slots)
    return length;
  return MIN (length, layout->chunk - offset % layout->chunk);
}

/* All copies of the byte at array @offset, layout_copies of them. */
void layout_map (const struct layout *layout, uint64_t offset,
                 struct copy *ret_copies);

/* The one of these that is in @slot: its offset there.  False: none is. */
bool layout_map_slot (const struct layout *layout, uint64_t offset,
                      unsigned slot, uint64_t *ret);

/* The array offset that lies at @offset of @slot, in *@ret.  False: unused
 * there.
 */
bool layout_unmap (const struct layout *layout, unsigned slot,
                   uint64_t offset, uint64_t *ret);

/* The copy groups: every distinct set of slots that holds some chunk, as
 * masks.  Returns their number, at most LEGS_MAX.  Members so small that
 * some slots hold nothing have groups without them.
 */
unsigned layout_groups (const struct layout *layout,
                        uint32_t ret_groups[LEGS_MAX]);

#endif /* MIRROR_LAYOUT_H */
