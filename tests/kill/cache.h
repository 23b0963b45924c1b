/* SPDX-License-Identifier: BSD-3-Clause */
/* cache: one disk with a volatile write cache: what it holds, what a power cut
 * leaves of that.
 *
 * A write is durable when it was completed before a flush was submitted that
 * completed with success, or with FUA.  Each sector that a power cut leaves
 * holds its durable value or that of any write which was submitted later; two
 * sectors of one write need not share their fate.  What a failed flush should
 * have stored never becomes durable, whatever flush succeeds later.
 *
 * No locks, no events: the recorder uses it for what happens, the checker for
 * what is in the log.  Times are sequence numbers.
 */
#ifndef MIRROR_KILL_CACHE_H
#define MIRROR_KILL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache_write {
  uint64_t submitted;
  uint64_t completed; /* 0: in flight */
  uint64_t offset;
  uint32_t length;
  bool lost;           /* a flush has failed: it stays volatile */
  uint64_t tag;        /* the caller's */
  const uint8_t *data; /* NULL: zeroes; the caller's, must stay */
};

struct cache {
  uint64_t size;
  uint8_t *current, *durable;  /* the caller's memory */
  uint64_t *durable_since;     /* per sector: completed when */
  struct cache_write *writes;  /* volatile ones, by time of submission */
  unsigned count, room;
};

/* Both images are in the caller's memory, and equal. */
void cache_open (struct cache *cache, uint64_t size, uint8_t *current,
                 uint8_t *durable);
void cache_close (struct cache *cache);

/* Of any request that changes data.  What it returns is good until the next
 * call.
 */
struct cache_write *cache_submit (struct cache *cache, uint64_t now,
                                  uint64_t offset, uint32_t length,
                                  const uint8_t *data);

/* @applied false: it had no effect. */
void cache_complete (struct cache *cache, uint64_t submitted, uint64_t now,
                     bool fua, bool applied);

/* A flush that was submitted at @submitted has completed. */
void cache_flush (struct cache *cache, uint64_t submitted, bool failed);

/* A crash left this. */
void cache_set (struct cache *cache, uint64_t now, uint64_t offset,
                uint32_t length, const uint8_t *data, bool durable);

/* After all cache_set of a power cut: all there is is durable.  After other
 * crashes: nothing is in flight any more; what was has no effect but those;
 * and what failed flushes have lost is forgiven, since nobody is left who
 * could know of it.
 */
void cache_crashed (struct cache *cache, bool power);

/* Is @write in flight or not durable in some sector of the range? */
bool cache_is_volatile (const struct cache *cache,
                        const struct cache_write *write, uint64_t offset,
                        uint64_t length);

/* The values that @sector (its byte offset) may have after a power cut: 0 is
 * the durable one, NULL is past the last.  In a write of zeroes it is a
 * sector of zeroes.
 */
const uint8_t *cache_possible (const struct cache *cache, uint64_t sector,
                               unsigned *position);

/* The write submitted at that time, or NULL if it is not volatile. */
const struct cache_write *cache_find (const struct cache *cache,
                                      uint64_t submitted);

#endif /* MIRROR_KILL_CACHE_H */
