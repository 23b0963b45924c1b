/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-explore: from one seed an array, its life, and what becomes of it
 * after crashes at many moments.
 */
#ifndef MIRROR_CRASH_EXPLORE_H
#define MIRROR_CRASH_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

struct explore_counts {
  uint64_t seeds, restarts, points, states, subsets;
};
extern struct explore_counts explore_counts;

/* False, and @why (CRASH_WHY_MAX bytes). */
bool explore_seed (uint64_t seed, char *why);

#endif /* MIRROR_CRASH_EXPLORE_H */
