/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-check: what leg.h demands of whoever issues children.
 *
 * Each check ends the world when it fails.
 */
#ifndef MIRROR_SIM_CHECK_H
#define MIRROR_SIM_CHECK_H

#include <stdbool.h>

#include "legs/leg.h"
#include "sim-disk.h"

/* False until a client has asked for a modification: before, nobody may
 * change a disk.
 */
extern bool check_may_modify;

/* How many mutexes this fiber may hold across the calls of a leg.  Only a
 * stop may: whoever wants to stop, too, waits for it.
 */
void check_allow_locks (unsigned number);

const char *check_op_name (enum child_op op);

/* @child is well-formed for @disk, and the caller holds no lock. */
void check_child (const struct disk *disk, const struct child *child);

/* No two children in flight on one disk change the same byte. */
void check_no_overlap (const struct disk *disk, const struct child *child,
                       const struct child *other);

void check_no_locks (const struct disk *disk, const char *what);

#endif /* MIRROR_SIM_CHECK_H */
