/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-leg-internal: what sim-leg and sim-leg-fiber share. */
#ifndef MIRROR_SIM_LEG_INTERNAL_H
#define MIRROR_SIM_LEG_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"
#include "legs/leg.h"
#include "ground-sim.h"
#include "sim-disk.h"

#define IOS_MAX 128

struct io {
  struct child *child; /* NULL: this place is free */
  bool is_queued;      /* and not kicked off, by the issuer's fiber */
  bool is_unread;      /* remote: neither kicked off nor attended */
  bool is_inline;      /* the issuer's fiber carries it, or still does */
  bool is_transferred;
  int issuer; /* fiber */
  int error;  /* known once transferred */
  uint64_t due_ns, deadline_ns;
  struct disk_snapshot *snapshot; /* flush, FUA */
};

/* A write that takes effect after its leg was given up. */
struct zombie {
  uint64_t due_ns;
  uint64_t first, count; /* sectors */
  uint64_t value[DISK_SECTORS_MAX];
};

struct sim_leg {
  struct leg leg;
  struct disk *disk;
  char name[16];
  struct ground_thread thread;
  int fiber; /* -1: not started */
  bool is_started, is_stopping, is_aborted, is_gone;
  bool is_read; /* some fiber is doing one step of what comes from it */
  int gone_error;
  unsigned in_flight;
  struct io ios[IOS_MAX];
  struct zombie *zombie; /* one is enough */
};

/* The child is on its way: give it a time. */
void io_start (struct sim_leg *l, struct io *io);

/* The disk does what it is told, as far as it can. */
void io_transfer (struct sim_leg *l, struct io *io);

/* Answer @io with @error.  Other fibers run meanwhile. */
void io_finish (struct sim_leg *l, struct io *io, int error);

/* Somebody reads the answer, or it is there. */
void io_was_read (struct io *io);

/* One child that is due goes one step further. */
bool io_work (struct sim_leg *l);

/* What a failed read leaves in the buffer. */
void io_scribble (const struct io *io);

/* How long the disk takes. */
uint64_t io_latency (struct disk *disk);

/* The fiber of a leg that completes later; @argument: struct sim_leg. */
void sim_leg_fiber (void *argument);

#endif /* MIRROR_SIM_LEG_INTERNAL_H */
