/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-plant: a leg that lies, as PLANT_ of crash-leg.h says. */
#ifndef MIRROR_CRASH_PLANT_H
#define MIRROR_CRASH_PLANT_H

#include "crash-leg-internal.h"

/* Record what is sent to the leg, as it really happens: its number, or
 * RECORD_NEVER if nothing does.
 */
uint32_t crash_plant_record (struct crash_leg_run *l,
                             const struct child *child);

/* Is @child answered long before it is done? */
bool crash_plant_is_early (struct crash_leg_run *l, const struct child *child);

/* It is about to be answered. */
void crash_plant_finish (struct crash_leg_run *l, const struct child *child);

/* Is what is recorded not what was sent? */
bool crash_plant_twists (void);

/* The content that a read of @sector finds. */
uint32_t crash_plant_read (struct crash_leg_run *l, uint32_t sector);

/* crash-plant-power: a write begins there; is nothing to be copied there to who
 * comes back?
 */
void crash_plant_begun (uint64_t offset, uint64_t length);
bool crash_plant_trusts (uint64_t offset, uint64_t length);

#endif /* MIRROR_CRASH_PLANT_H */
