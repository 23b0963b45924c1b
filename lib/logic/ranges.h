/* SPDX-License-Identifier: BSD-3-Clause */
/* ranges: which parts of the array are being modified, in order of arrival.
 *
 * Pure: the list and the arithmetic; engine/range-lock does the waiting.
 * Memory is the caller's: a range lives in its request.
 *
 * A range may go when no earlier range overlaps it, held or waiting, so that
 * overlapping operations run strictly in order of arrival and nobody
 * starves.  Each range counts the earlier ones it overlaps:
 *
 *   list:   A [0,8) 0     B [4,12) 1     C [20,24) 0     D [8,22) 2
 */
#ifndef MIRROR_RANGES_H
#define MIRROR_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
  uint64_t offset; /* bytes of the array */
  uint64_t length; /* never 0 */
  unsigned blockers; /* earlier ranges that overlap */
  uint64_t epoch;    /* the caller's: when it was granted */
  struct range *previous, *next;
};

struct ranges {
  struct range *first, *last;
};

/* Append.  True: it may go at once. */
bool ranges_add (struct ranges *ranges, struct range *range);

/* Take out a range that may go.  Calls @ready (@opaque, r) for each range
 * that may go because of it, in order of arrival.  @ready must not add or
 * remove ranges.
 */
void ranges_remove (struct ranges *ranges, struct range *range,
                    void (*ready) (void *opaque, struct range *r),
                    void *opaque);

/* Does a range that may go (that is, runs) overlap?  Then *@ret is the
 * lowest epoch of those; else it is untouched.
 */
bool ranges_oldest_epoch (const struct ranges *ranges, uint64_t offset,
                          uint64_t length, uint64_t *ret);

#endif /* MIRROR_RANGES_H */
