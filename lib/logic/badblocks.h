/* SPDX-License-Identifier: BSD-3-Clause */
/* badblocks: the list of sectors of a member that must not be read.
 *
 * Pure.  On disk: little-endian 64-bit entries, start << 10 | length, in
 * units of 1 << shift sectors, at most 512 units each, ended by the first
 * all-ones entry or the end of the log.  Linux can store them in any order.
 * In memory: sorted, disjoint, not even touching.
 *
 * All numbers are sectors of the member, counted from its very start, not
 * from its data.
 */
#ifndef MIRROR_BADBLOCKS_H
#define MIRROR_BADBLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#define BADBLOCKS_LOG_MAX 4096 /* bytes */
#define BADBLOCKS_ENTRIES_MAX (BADBLOCKS_LOG_MAX / 8)

struct badblock {
  uint64_t start;
  uint64_t length; /* never 0 */
};

struct badblocks {
  unsigned count;
  struct badblock range[BADBLOCKS_ENTRIES_MAX];
};

/* One entry, as it is on disk: false: the end of the list. */
bool badblocks_entry (const uint8_t *bytes, unsigned shift,
                      struct badblock *ret);

/* @log_bytes of log (a multiple of 8, at most BADBLOCKS_LOG_MAX) -> *@ret.
 * False, with *@ret untouched and @why (MESSAGE_MAX bytes) saying which entry
 * is wrong: the log is corrupt.  Ranges beyond the member's end are none of
 * its faults: Linux stores them.
 */
bool badblocks_parse (const uint8_t *log, unsigned log_bytes, unsigned shift,
                      struct badblocks *ret, char *why);

/* Does a bad range touch @length sectors from @start on?  The first that
 * does in *@ret, cut to the question.
 */
bool badblocks_find (const struct badblocks *bad, uint64_t start,
                     uint64_t length, struct badblock *ret);

/* Whole log: entries in ascending order, the rest all ones.  False and @log
 * untouched: it has no room for the list.  A start is rounded down and an
 * end up to the unit.
 */
bool badblocks_encode (const struct badblocks *bad, unsigned shift,
                       uint8_t *log, unsigned log_bytes);

#endif /* MIRROR_BADBLOCKS_H */
