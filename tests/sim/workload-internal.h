/* SPDX-License-Identifier: BSD-3-Clause */
/* workload-internal: what the fibers of one world share. */
#ifndef MIRROR_SIM_WORKLOAD_INTERNAL_H
#define MIRROR_SIM_WORKLOAD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/array.h"
#include "ground/ground.h"
#include "oracle.h"
#include "sim-config.h"
#include "sim-random.h"

struct client {
  unsigned number;
  struct ground_thread thread;
  struct random_stream chance;
  unsigned operations; /* still to do */
  unsigned op;         /* the one under way; UINT_MAX: none in the history */
  uint64_t covered[HISTORY_SECTORS_MAX]; /* by the flush under way */
};

struct run {
  const struct sim_config *config;
  struct array *array;
  struct client client[SIM_CLIENTS_MAX];
  uint32_t in_sync; /* as last seen */
  bool stop_begun, stop_done;
  uint64_t stop_deadline; /* after it anything may fail */
  bool aborted;           /* it did: every leg was given up */
};

extern struct run run;

/* client.c: */

/* A fiber: all operations of one client. */
void client_run (void *argument);

/* Every kind of request is refused now. */
void client_check_refused (struct client *client);

/* judge.c: */

/* Look at the status and check what must always hold; returns in_sync. */
uint32_t judge_status (void);

/* A flush, or a stop, that covers @covered has succeeded. */
void judge_flushed (const uint64_t *covered);

/* A request with FUA has succeeded: @op on sectors @first .. */
void judge_fua (unsigned op, uint64_t first, uint64_t count);

/* Is -errno @r an answer that this request may get? */
bool judge_error_allowed (enum client_op op, uint32_t flags, int r);

/* All is quiet: pools, copies, history. */
void judge_end (void);

#endif /* MIRROR_SIM_WORKLOAD_INTERNAL_H */
