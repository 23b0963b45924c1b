/* SPDX-License-Identifier: BSD-3-Clause */
/* job: one background loop over spans of the array.
 *
 * Its supplier says which span is next and what to do with it; the job does
 * the rest: several spans in flight, pace, pause, cancel, stop, progress, and
 * up to where everything is done.
 *
 *   supplier   next      which span?         one hand at a time
 *              handle    what to do with it  any number of hands
 *              advanced  up to here all is done, failed spans left out
 *
 * Spans are taken in the supplier's order, in which each has a position; they
 * may end in any order.  `advanced` is told the lowest position that is still
 * in flight or failed.
 *
 * Hands are threads.  The first one is the caller of job_run, which starts
 * others when the pace allows more spans in flight, and joins all of them
 * before it returns.  Each has a request descriptor of its own.
 *
 * Locks: job->lock, a leaf; the supplier is called without it (but is_wanted).  May block:
 * job_run, on what the supplier does, on the clock, and while it is paused;
 * the stop ends the last two.  Nothing else here blocks.
 */
#ifndef MIRROR_JOB_H
#define MIRROR_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/io/request.h"
#include "engine/sync/pace.h"
#include "ground/ground.h"
#include "ground/limits.h"

struct array;

struct span {
  uint64_t at, end;        /* positions, in the supplier's order */
  uint64_t offset, length; /* of the array */
  bool zero;               /* the supplier's own */
};

/* Requests have no round and no range. */
struct job_supply {
  /* The first span at or behind position @at: 1 and *@ret; 0: there is none;
   * -errno ends the run.
   */
  int (*next) (void *opaque, struct request *request, uint64_t at,
               struct span *ret);

  /* 0 or -errno.  *@ret_moved: bytes that were copied or compared, which the
   * rates count; preset to all of the span.
   */
  int (*handle) (void *opaque, struct request *request,
                 const struct span *span, uint64_t *ret_moved);

  /* Now and then, in the caller's thread, and once more in the end. */
  void (*advanced) (void *opaque, uint64_t at);

  /* Is it for anybody yet?  Asked with the job's lock held: looks at atomics
   * only.  NULL: always.
   */
  bool (*is_wanted) (void *opaque);

  /* Bytes that are left, as far as it is known.  Takes leaf locks only. */
  uint64_t (*left) (void *opaque);

  bool stops_at_error; /* else the others are done, too */
};

struct job_hand {
  struct job *job;
  unsigned number;
  struct ground_thread thread; /* not of the first one */
  bool busy;                   /* @span is in flight */
  struct span span;
  struct pace_turn turn;
};

struct job_progress {
  uint64_t done, total; /* bytes; total 0: no job runs */
  uint64_t rate;        /* bytes a second, over the last seconds */
  uint64_t left_ns;     /* at that rate; UINT64_MAX: unknown */
  unsigned in_flight;   /* spans */
  bool paused;
  uint64_t minimum, maximum; /* the rates that were set, bytes a second */
};

struct job {
  const struct array *array;
  struct requests *requests; /* one for each hand */

  struct ground_mutex lock; /* for all below */
  struct ground_cond changed;
  bool stopping, paused;
  struct pace pace;

  /* The run. */
  const struct job_supply *supply; /* NULL: none */
  void *opaque;
  uint64_t cursor;     /* all spans before this position were taken */
  uint64_t failed;     /* the first position that failed */
  bool choosing;       /* a hand asks for the next span */
  bool cancelled;
  bool over;           /* no more spans are taken */
  int result;
  uint64_t total, left;
  struct {
    uint64_t ns, left;
  } mark[2];           /* moments from which the rate is measured */
  uint64_t begun_ns;
  uint64_t speed;      /* of the run that has ended, if it was long enough */
  struct job_hand hand[SYNC_SPANS];

  unsigned hands; /* that were started; the first one's own */
};

/* @requests: as many as there may be spans in flight, at most SYNC_SPANS.
 * Before it runs: job_set_rates.
 */
void job_init (struct job *job, const struct array *array,
               struct requests *requests);
void job_destroy (struct job *job);

/* All spans from position @from on.  0; -errno of the last one that failed;
 * -ECANCELED: job_cancel or job_stop came first.  One run at a time.
 */
int job_run (struct job *job, const struct job_supply *supply, void *opaque,
             uint64_t from);

/* So fast, bytes a second, the run was that has ended; 0: it did not take
 * SYNC_SPEED_RUN_MS.  By the thread of job_run.
 */
uint64_t job_speed (const struct job *job);

/* Spans in flight are finished, and no more begin until it is resumed. */
void job_pause (struct job *job);
void job_resume (struct job *job);

/* What the supplier's is_wanted goes by has changed: a run that waits, though it
 * be paused, asks again.
 */
void job_look (struct job *job);

/* The run, if there is one, ends when the spans in flight are finished. */
void job_cancel (struct job *job);

/* The same, and from now on all runs end at once. */
void job_stop (struct job *job);

/* Bytes a second, more than 0; they count from now on. */
void job_set_rates (struct job *job, uint64_t minimum, uint64_t maximum);

/* For tests: as many spans as possible are in flight from the start on. */
void job_fix_spans (struct job *job);

/* A snapshot; never waits for I/O. */
void job_get_progress (struct job *job, struct job_progress *ret);

#endif /* MIRROR_JOB_H */
