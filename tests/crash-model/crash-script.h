/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-script: what is to happen in one life, out of chance. */
#ifndef MIRROR_CRASH_SCRIPT_H
#define MIRROR_CRASH_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-leg.h"
#include "crash-life.h"
#include "engine/array.h"
#include "ground-sim.h"
#include "sim-random.h"

#define CRASH_CLIENTS_MAX 4
#define CRASH_PHASES_MAX 6
#define CRASH_SPANS_MAX 6u /* of a resync, in flight */

struct crash_script {
  struct sim_options ground;
  struct array_config array;
  struct crash_drive drive[CRASH_LEGS_MAX];
  unsigned order[CRASH_LEGS_MAX]; /* in which the legs are given */
  unsigned clients;
  unsigned operations; /* of each client in each phase */
  unsigned phases;
  uint64_t pause_ns[CRASH_PHASES_MAX]; /* idle after each phase */
  uint64_t allow_ns; /* so long nobody may write */
  unsigned weight[OP_KINDS];
  unsigned fua, hot; /* of 1024 */
  uint32_t hot_first, hot_count;
  bool large;
  unsigned orders; /* of an administrator, in each phase */
  bool cuts; /* legs lose their power, and come back */
  bool waits; /* until everything is in sync, before the stop */
  bool faulty;
  uint64_t seed;
};

/* The first life: clients write. */
void script_first (struct random_stream *chance, const struct crash_life *life,
                   struct crash_script *ret);

/* After a crash: readers from the first moment on; sometimes writers, too.
 * @faults: legs may fail.
 */
void script_again (struct random_stream *chance, const struct crash_life *life,
                   bool writers, bool faults, struct crash_script *ret);

void script_print (const struct crash_script *script,
                   const struct crash_life *life);

#endif /* MIRROR_CRASH_SCRIPT_H */
