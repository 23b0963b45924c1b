/* SPDX-License-Identifier: BSD-3-Clause */
/* open-legs: the disks that the options name, as legs. */
#ifndef MIRROR_OPEN_LEGS_H
#define MIRROR_OPEN_LEGS_H

#include "legs/leg.h"
#include "plugin/options.h"

/* In get_ready: open, lock and connect every disk.  0, or -1 and said, with
 * nothing left open.
 */
int open_legs (const struct options *options, struct leg **ret_legs);

/* After the fork, before array_start: give local legs a ring where that is
 * faster.  Without one everything works, in turn.
 */
void open_legs_ring (const struct options *options, struct leg **legs);

/* After array_close. */
void close_legs_ring (void);

#endif /* MIRROR_OPEN_LEGS_H */
