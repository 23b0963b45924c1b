/* SPDX-License-Identifier: BSD-3-Clause */
/* workload: what happens in one simulated world. */
#ifndef MIRROR_SIM_WORKLOAD_H
#define MIRROR_SIM_WORKLOAD_H

#include <stdint.h>

#include "sim-config.h"

/* Of all worlds. */
struct workload_counts {
  uint64_t operations, refused, errors;  /* of clients */
  uint64_t children;                     /* of all disks */
  uint64_t hard_faults, harmless_faults; /* children answered with an error */
  uint64_t legs_out;
  uint64_t flushes_checked, sectors_compared;
};
extern struct workload_counts workload_counts;

/* The first fiber of a world; @argument is its struct sim_config. */
void workload_run (void *argument);

#endif /* MIRROR_SIM_WORKLOAD_H */
