/* SPDX-License-Identifier: BSD-3-Clause */
/* spares: disks that wait step in for slots that have nobody. */
#ifndef MIRROR_SPARES_H
#define MIRROR_SPARES_H

#include <stdint.h>

struct array;

/* Each slot that has been empty for long enough gets a spare, as long as there
 * are any: one that is written, and lacks everything.  It is on record, and is
 * to be rebuilt, or it is out.  In the resync's thread.  When to come again if
 * nobody wakes it: ground_now, or GROUND_NEVER.  Blocks on the turn, the disks.
 */
uint64_t spares_step_in (struct array *array);

#endif /* MIRROR_SPARES_H */
