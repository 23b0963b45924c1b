/* SPDX-License-Identifier: BSD-3-Clause */
/* quiet: what an md array does when nobody writes: clean, and bits cleared. */
#ifndef MIRROR_QUIET_H
#define MIRROR_QUIET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/worker.h"

struct array;

struct quiet {
  struct worker worker; /* to be woken when the last writer has left, or the
                           array became dirty without one */
  uint64_t quiet_ns, sweep_ns;
  unsigned budget_s; /* so long a resync of the bits may take that stay because
                        their regions are in use */
  _Atomic uint64_t speed; /* of such a resync, bytes a second */
  _Atomic bool somebody_left; /* without a request that has to see to it: on
                                 record, then wake the worker */
};

void quiet_init (struct quiet *quiet);
void quiet_destroy (struct quiet *quiet);

/* 0 or -errno. */
int quiet_start (struct array *array);

/* Ends after what it is doing now; blocks for that. */
void quiet_stop (struct array *array);

/* A resync was so fast; 0: none was measured.  Does not block. */
void quiet_note_speed (struct array *array, uint64_t speed);

#endif /* MIRROR_QUIET_H */
