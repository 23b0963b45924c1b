/* SPDX-License-Identifier: BSD-3-Clause */
/* open-legs: the disks that the options name, as legs. */
#ifndef MIRROR_OPEN_LEGS_H
#define MIRROR_OPEN_LEGS_H

#include "control/control.h"
#include "engine/array.h"
#include "legs/leg.h"
#include "plugin/options.h"

/* Opens a disk as the options want it, now and later; @options stay as long as
 * it is used.
 */
struct array_opener open_legs_opener (const struct options *options);

/* With state=: the file of an array that has been made gets its name, so that the
 * next start finds it.  0, or -1 and said.
 */
int open_legs_publish (struct array *array);

/* With state=: likewise state_is_unstored and state_check_at_stop; without it all
 * is well.
 */
bool open_legs_is_unstored (struct control_unstored *ret);
bool open_legs_check_at_stop (void);

/* In get_ready: open, lock and connect the disks.  For a plain array that
 * means every disk, and the number of them is checked here, too.  For an md
 * array some may be missing, after those that may still come were waited for:
 * then ret_legs[i] is NULL, and ret_absent[i] says which and why ("disk NAME:
 * REASON"; until the next call).  0, or -1 and said, with nothing left open.
 */
int open_legs (const struct options *options, struct leg **ret_legs,
               const char **ret_absent);

/* Those that no array has taken over. */
void close_legs (const struct options *options, struct leg **legs);

/* After the fork, before array_start: give those local legs that @array uses
 * a ring where that is faster.  Without one everything works, in turn.
 */
void open_legs_ring (const struct options *options, struct leg **legs,
                     const struct array *array);

/* After array_close, or after close_legs. */
void close_legs_rest (void);

#endif /* MIRROR_OPEN_LEGS_H */
