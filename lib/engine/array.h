/* SPDX-License-Identifier: BSD-3-Clause */
/* array: the mirror itself, as the doors see it.
 *
 * Life: array_create (opens nothing: the legs come open) - array_start -
 * requests from any number of threads - array_quiesce - array_close.
 *
 * Offsets and lengths are bytes of the array; the doors have checked that
 * they lie inside it.  Results are 0 or -errno.  Buffers belong to the
 * caller and are not touched after the call returns.
 */
#ifndef MIRROR_ARRAY_H
#define MIRROR_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/extent.h"
#include "ground/limits.h"
#include "legs/leg.h"
#include "logic/layout.h"

struct array;

/* Flags of modifying requests. */
enum {
  ARRAY_FUA = 1,       /* on stable storage before the reply */
  ARRAY_MAY_TRIM = 2,  /* zero: space may be given back */
  ARRAY_FAST_ZERO = 4, /* zero: -ENOTSUP, and nothing touched, if it would
                          be slow on any leg */
};

struct array_config {
  struct layout layout; /* checked by layout_check; slots = legs */
  unsigned pool;        /* child requests in all; 0: POOL_DEFAULT */
  /* For tests; 0: the defaults of limits.h. */
  unsigned requests;
  unsigned bounces;
  uint32_t bounce_size;
};

/* The smallest legal pool= for so many legs: each leg owns one child, so
 * that a hung leg cannot take them all.  (One more per leg is kept for
 * retries, on top of pool=.)
 */
unsigned array_pool_minimum (unsigned legs);

/* All memory that requests of such an array ever use, in bytes.  @bounced:
 * some leg wants aligned memory.
 */
uint64_t array_memory (const struct array_config *config, bool bounced);

/* In get_ready: look at the members, decide the size.  Takes over
 * @legs[layout.slots] on success.  Starts no thread, writes nothing.  0 and
 * *@ret, or -errno and @why (MESSAGE_MAX bytes): one line for the user that
 * names the disk.
 */
int array_create (const struct array_config *config, struct leg **legs,
                  struct array **ret, char *why);

/* After the fork: start the legs' threads.  0 or -errno. */
int array_start (struct array *array);

/* What clients are told; constant. */
struct array_limits {
  uint64_t size;            /* bytes */
  uint32_t block_minimum;   /* every offset and length is a multiple */
  uint32_t block_preferred;
  bool readonly;            /* some leg cannot be written */
  bool rotational;
  bool extents;             /* every leg can tell */
};
void array_get_limits (const struct array *array, struct array_limits *ret);

/* @flags: ARRAY_FUA where it makes sense.  -EROFS on a read-only array,
 * -ESHUTDOWN after array_quiesce, -EINVAL when misaligned.
 */
int array_read (struct array *array, void *buffer, uint64_t length,
                uint64_t offset);
int array_write (struct array *array, const void *buffer, uint64_t length,
                 uint64_t offset, uint32_t flags);
int array_zero (struct array *array, uint64_t length, uint64_t offset,
                uint32_t flags);
int array_trim (struct array *array, uint64_t length, uint64_t offset,
                uint32_t flags);
int array_flush (struct array *array);
int array_cache (struct array *array, uint64_t length, uint64_t offset);

/* Extents from @offset on, ascending and adjoining, at least one, together
 * at most @length.  @add is called for each; non-zero from it ends the walk
 * and is the result.
 */
int array_extents (struct array *array, uint64_t length, uint64_t offset,
                   int (*add) (void *opaque, uint64_t offset,
                               uint64_t length, uint32_t flags),
                   void *opaque);

/* Refuse new requests (-ESHUTDOWN), wait for those under way and flush every
 * current member, until @deadline_ns of ground_now; past it the legs are
 * aborted.  Idempotent.  0, or -errno if not everything acknowledged is
 * known to be on stable storage.
 */
int array_quiesce (struct array *array, uint64_t deadline_ns);

/* After array_quiesce: close the legs, free everything. */
void array_close (struct array *array);

/* A snapshot, for status; never waits for I/O. */
struct array_status {
  uint32_t in_sync;   /* mask of slots that are current */
  unsigned slots;
  unsigned pool_free; /* child requests, private shares included */
  unsigned pool_total;
  unsigned requests_free;
  unsigned requests_total;
  bool reads_pinned;  /* copies may differ where a write failed: reads go to
                         the first copy */
  uint64_t reads[LEGS_MAX]; /* children completed, per slot */
  uint64_t writes[LEGS_MAX];
  uint64_t errors[LEGS_MAX];
};
void array_get_status (struct array *array, struct array_status *ret);

#endif /* MIRROR_ARRAY_H */
