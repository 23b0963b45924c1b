/* SPDX-License-Identifier: BSD-3-Clause */
/* resync: copies that may differ are brought together, members that missed
 * something are rebuilt.
 */
#ifndef MIRROR_RESYNC_H
#define MIRROR_RESYNC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/io/bounce.h"
#include "engine/io/pool.h"
#include "engine/io/request.h"
#include "engine/sync/job.h"
#include "ground/worker.h"

struct array;
struct member;

struct resync {
  struct pool pool;         /* children of all copying */
  struct bounce buffers;    /* a span each */
  struct requests requests; /* of the job's spans in flight */
  uint32_t span;            /* bytes */
  uint64_t retry_ns;
  struct job job;           /* what is done just now */

  /* How often something was written; how much of that was flushed since.
   * What an earlier run wrote counts as one.
   */
  _Atomic uint64_t writes, flushed;

  struct worker worker; /* to be woken when there is something to do */

  /* The thread's own: what people were told. */
  struct log_repeat told_begin;
  struct log_repeats told_error, told_metadata;
  bool owes_end;
};

/* How much resync_init allocates, bytes. */
uint64_t resync_memory (unsigned slots, uint32_t span, unsigned spans);

/* @span bytes are copied at a time, up to @spans (at most SYNC_SPANS) of them
 * are in flight.  0 or -ENOMEM; resync_destroy follows in any case.
 */
int resync_init (struct resync *resync, struct array *array, uint32_t span,
                 unsigned spans);
void resync_destroy (struct resync *resync);

/* 0 or -errno. */
int resync_start (struct array *array);

/* Ends after the spans in flight: ask first; 0 or -ETIMEDOUT when
 * it has come to its end; then join it.
 */
void resync_ask_to_stop (struct array *array);
int resync_wait_idle (struct array *array, uint64_t deadline_ns);
void resync_stop (struct array *array);

/* array->before_read: what of the range may differ is brought together with
 * @request, which has no round and no range.  Where that is not possible, or
 * not allowed yet, metadata_may_differ stays true; then all reads of the range
 * must take the first copy.  Blocks on the turn, the range lock, a buffer, the
 * disks.
 */
void resync_before_read (struct request *request, uint64_t offset,
                         uint64_t length);

/* All of the resync's own files: */

/* Bring the range together on those of @to that hold it, with a request that
 * has no round and has the range locked: all of it, or -errno of what could
 * not be.  @compare: write only what differs.  Nothing is flushed.
 */
int resync_copy (struct request *request, uint64_t offset, uint64_t length,
                 uint32_t to, bool compare);

/* Rebuild @member, which is held and recovering, until it is in sync, fails, or
 * it is time to stop.  In the resync's thread.  0, or -errno of what cannot be
 * copied; logged unless it is tried @again.
 */
int rebuild (struct array *array, struct member *member, bool again);

#endif /* MIRROR_RESYNC_H */
