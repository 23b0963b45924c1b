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
#include "ground/worker.h"

struct array;

struct resync {
  struct pool pool;         /* children of all copying */
  struct bounce buffers;    /* SYNC_SPAN bytes each */
  struct requests requests; /* the thread's one descriptor */
  uint64_t minimum, maximum; /* bytes a second */
  uint64_t retry_ns;

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
uint64_t resync_memory (unsigned slots);

/* 0 or -ENOMEM; resync_destroy follows in any case. */
int resync_init (struct resync *resync, struct array *array);
void resync_destroy (struct resync *resync);

/* 0 or -errno. */
int resync_start (struct array *array);

/* Ends after the window that it is copying: ask first; 0 or -ETIMEDOUT when
 * it has come to its end; then join it.
 */
void resync_ask_to_stop (struct array *array);
int resync_wait_idle (struct array *array, uint64_t deadline_ns);
void resync_stop (struct array *array);

/* array->before_read: what of the range may differ is brought together with
 * @request, which has no round and no range.  Where that is not possible, or
 * not allowed yet, metadata_may_differ stays true; then all reads of the range must
 * take the first copy.  Blocks on the turn, the range lock, a buffer, the
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

/* Around each span that is copied in the background: end waits as long as it
 * takes to keep to the rates.  With clients about, half of the time is
 * theirs, as long as the lower rate is kept.
 */
struct pace {
  uint64_t began_ns;
  uint64_t served; /* requests of clients, when the span began */
};
void pace_begin (struct array *array, struct pace *pace);
void pace_end (struct array *array, const struct pace *pace, uint64_t length);

/* Rebuild @slot, which is recovering, until it is in sync, fails, or it is
 * time to stop.  In the resync's thread.  0, or -errno of what cannot be
 * copied; logged unless it is tried @again.
 */
int rebuild (struct array *array, unsigned slot, bool again);

#endif /* MIRROR_RESYNC_H */
