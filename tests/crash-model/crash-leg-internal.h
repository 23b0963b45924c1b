/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-leg-internal: what the files of this leg share. */
#ifndef MIRROR_CRASH_LEG_INTERNAL_H
#define MIRROR_CRASH_LEG_INTERNAL_H

#include "crash-leg.h"
#include "ground/ground.h"

#define CRASH_IOS_MAX 256

/* A child in flight. */
struct crash_io {
  struct child *child; /* NULL: free */
  uint32_t record;     /* its number, or RECORD_NEVER */
  bool is_queued;      /* waits for kickoff */
  bool is_inline;      /* its issuer completes it */
  bool is_done;        /* transferred; error is its answer */
  int error;
  uint32_t effective;
  uint64_t due_ns, deadline_ns;
};

struct crash_leg_run {
  struct leg leg;
  const struct crash_shape *shape;
  unsigned number;
  struct crash_drive drive;
  uint32_t *image;
  struct record *record;
  char name[16];
  struct ground_thread thread;
  int fiber; /* -1: not started */
  bool is_gone, is_aborted, is_stopping;
  bool has_failed; /* its fault showed */
  unsigned spared;
  uint32_t connection; /* the record's number of it */
  uint64_t cut_ns;     /* it loses its power; GROUND_NEVER: not for now */
  bool is_cut;         /* it has */
  bool is_by_itself;   /* the array has opened it, and not written yet */
  struct crash_io ios[CRASH_IOS_MAX];
  unsigned in_flight;
};

/* crash-fault.c: */

/* Which error does @child get?  0: none. */
int crash_fault_decide (struct crash_leg_run *l, const struct child *child);

/* Carry it out: between the image and the buffer. */
void crash_fault_transfer (struct crash_leg_run *l, struct crash_io *io);

/* crash-leg.c: */

/* Answered: the child goes back to its issuer. */
void crash_io_finish (struct crash_leg_run *l, struct crash_io *io, int error,
                      bool lost);

/* crash-leg-fiber.c: */

void crash_leg_run_fiber (void *argument);

/* From now on the fiber has to do with it. */
void crash_io_start (struct crash_leg_run *l, struct crash_io *io);

/* So long does one take. */
uint64_t crash_leg_latency (struct crash_leg_run *l);

/* What a leg that is gone answers. */
int crash_leg_gone_error (const struct crash_leg_run *l);

#endif /* MIRROR_CRASH_LEG_INTERNAL_H */
