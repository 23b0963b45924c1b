/* SPDX-License-Identifier: BSD-3-Clause */
/* two-disks: the smallest world that can go wrong: a plain raid1 of two disks in
 * memory.
 */
#ifndef MIRROR_TWO_DISKS_H
#define MIRROR_TWO_DISKS_H

#include <stdio.h>

#include "engine/array.h"
#include "ground/log.h"
#include "ground-sim.h"
#include "tests/unit/memory-leg.h"

static struct memory_leg *leg[2];
static struct array *array;
static unsigned disks_pool; /* children; 0: the usual number */

static inline void
say_nothing (enum log_level level, const char *message)
{
  (void)level;
  (void)message;
}

static inline void
make_two_disks (void)
{
  struct array_config config
    = { .legs = 2,
        .pool = disks_pool,
        .layout = { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 } };
  struct leg *legs[2];
  char why[MESSAGE_MAX] = "";

  for (unsigned i = 0; i < 2; i++) {
    leg[i] = memory_leg_new (i);
    legs[i] = &leg[i]->leg;
  }
  if (array_create (&config, legs, NULL, &array, why) < 0
      || array_start (array) < 0)
    sim_fail ("no array: %s", why);
}

/* The world of this seed, which switches often; if it was not good that is said.
 */
static inline bool
play_two_disks (void (*world) (void *argument), uint64_t seed)
{
  static struct sim_result result;
  const struct sim_options options = { .seed = seed, .switches = 48 };

  sim_run (&options, world, NULL, &result);
  if (result.verdict != SIM_GOOD)
    printf ("seed %llu: %s\n%s", (unsigned long long)seed, result.reason,
            result.dump);
  return result.verdict == SIM_GOOD;
}

#endif /* MIRROR_TWO_DISKS_H */
