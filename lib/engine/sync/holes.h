/* SPDX-License-Identifier: BSD-3-Clause */
/* holes: what a rebuild need not copy, because it reads as zeroes.
 *
 * The disk that is copied from and the one that is rebuilt are asked ahead of
 * the rebuild what their data are made of.  Where both read as zeroes nothing
 * has to be done.  The range is locked while they answer, so no write is half
 * done; what is written afterwards goes to both.  Where only the first one reads
 * as zeroes it is asked once more when the rebuild comes there, and the other
 * one is zeroed, with its space given back if it can be.
 *
 * Of a raid10 several members may be copied from, chunk by chunk; each is asked
 * once for all that is looked at.  What some member has on record as bad it says
 * nothing of.
 */
#ifndef MIRROR_HOLES_H
#define MIRROR_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/extents.h"
#include "logic/layout.h"

struct member;
struct request;

/* The layout and the slot are the caller's; the rest zeroed: nobody was asked
 * yet.
 */
struct holes {
  const struct layout *layout;
  unsigned slot;         /* of the member that is rebuilt */
  uint64_t at;           /* where the answers begin */
  struct extents source; /* what is copied from */
  struct extents both;   /* that and what is rebuilt */
};

/* How many bytes from @at on, of the @length that are left, need not be copied
 * to @member: 0 if some must be.  Then *@ret_zero: the first @span of them seem
 * to be zeroes at the source.  With a request that has no round and no range.
 * May block on the range lock, a child of the resync's own pool, the disks.
 */
uint64_t holes_skip (struct holes *holes, struct request *request,
                     const struct member *member, uint64_t at, uint64_t length,
                     uint64_t span, bool *ret_zero);

/* Make @length bytes of @member from @at on read as zeroes, if the source does;
 * they lie at @offset of the array, whole on each copy.  False: they have to be
 * copied.  Range locked.  May block on a child, the disks.
 */
bool holes_zero (struct request *request, const struct member *member,
                 uint64_t at, uint64_t offset, uint64_t length);

#endif /* MIRROR_HOLES_H */
