/* SPDX-License-Identifier: BSD-3-Clause */
/* round: the lives of one array, from its creation to a clean stop.
 *
 *   life 0    clients work; the server is killed
 *   life 1    everything is read twice, clients work, killed again (not
 *             always); perhaps a leg is missing or begins to fail
 *   ...
 *   the last  everything is read twice; clean stop
 *
 * Between two lives the recorder makes a crash state.  What every leg in sync
 * holds then is judged by the history, before the mirror sees it.  In the
 * end all of the log is replayed.
 *
 * The plan of a round follows from its seed; how the server's threads run
 * does not, so the same seed makes a similar round, not the same.
 */
#ifndef MIRROR_KILL_ROUND_H
#define MIRROR_KILL_ROUND_H

#include "client.h"
#include "server.h"
#include "setup.h"

struct tools {
  const char *nbdkit, *mirror, *reclegs, *nbdmirror;
};

struct statistics {
  uint64_t rounds, lives, kills, power_cuts, degraded, faults, stops, pauses;
  uint64_t reads, modifications, flushes, errors, events;
};

struct bench {
  const struct tools *tools;
  char folder[64];
  char recorder_socket[96], mirror_socket[96], messages[96];
  struct reclog *log;
  struct nbd_handle *ctl;
  struct server recorder;
  struct history history;
  bool plant; /* the recorder is to lose a write of each round */
  struct statistics statistics;
};

/* Start the recorder, make the setups. */
void bench_open (struct bench *bench, const struct tools *tools);
void bench_close (struct bench *bench);

/* The command of reclegs.c must succeed. */
void bench_tell (struct bench *bench, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* False: @why (@size bytes), and, if some event of the log was wrong,
 * *@event.
 */
bool round_run (struct bench *bench, struct setup *setup, uint64_t seed,
                char *why, size_t size, uint64_t *event);

/* @count events up to @last, for people. */
void bench_print_log (const struct bench *bench, uint64_t last,
                      unsigned count);

#endif /* MIRROR_KILL_ROUND_H */
