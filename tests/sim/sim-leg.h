/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-leg: a leg driver over a simulated disk.
 *
 * Besides doing its job badly in every way that leg.h allows, it checks what
 * the engine asks of it (bounds, alignment, limits, no locks held, no two
 * overlapping writes in flight, nothing queued and forgotten) and ends the
 * world when that is wrong.
 */
#ifndef MIRROR_SIM_LEG_H
#define MIRROR_SIM_LEG_H

#include <stdbool.h>
#include <stddef.h>

#include "legs/leg.h"
#include "sim-disk.h"

/* Forget everything of the world before. */
void sim_leg_begin_world (void);

/* A leg on @disk, which stays the caller's.  Freed by leg->ops->close. */
struct leg *sim_leg_open (struct disk *disk);

/* Is a child in flight, on any leg, whose buffer lies in @buffer? */
bool sim_leg_uses_buffer (const void *buffer, size_t length);

/* Children in flight on all legs. */
unsigned sim_leg_in_flight (void);

#endif /* MIRROR_SIM_LEG_H */
