/* SPDX-License-Identifier: BSD-3-Clause */
/* extents: merge what several members say of the same range.
 *
 * Pure.  A byte is a hole, or reads as zeroes, only if every member that may
 * be read says so: flags are ANDed, and 0 (plain data) is always safe.
 */
#ifndef MIRROR_EXTENTS_H
#define MIRROR_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/extent.h"
#include "ground/limits.h"

struct extents {
  unsigned count; /* adjoining entries from the range's start on */
  struct extent entry[EXTENTS_ROUND];
};

/* One entry; none if @length is 0. */
void extents_init (struct extents *extents, uint64_t length, uint32_t flags);

/* Append; neighbours of equal flags become one.  When full, nothing is
 * appended and false is returned: the list just ends earlier, so the caller
 * must not append what comes after the gap.  Length 0 is ignored.
 */
bool extents_append (struct extents *extents, uint64_t length,
                     uint32_t flags);

/* *@a becomes a AND b, over the shorter of the two, cut at both borders;
 * if that makes too many entries it ends earlier.
 */
void extents_merge (struct extents *a, const struct extents *b);

/* Move the borders to multiples of @block from the range's start: a block of
 * several entries is what all of them are.  A last block that is not covered
 * to its end is left out; at least one block stays.
 */
void extents_align (struct extents *extents, uint64_t block);

#endif /* MIRROR_EXTENTS_H */
