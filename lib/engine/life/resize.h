/* SPDX-License-Identifier: BSD-3-Clause */
/* resize: an md array gets more room, or another bitmap, while it serves.
 *
 * Locks held on entry: change_lock.  May block on: all modifications under way,
 * the turn, the disks.  0 and it is on record, or -errno and @answer says why
 * not.
 */
#ifndef MIRROR_RESIZE_H
#define MIRROR_RESIZE_H

#include "engine/array.h"

int resize_array (struct array *array, const struct array_order *order,
                  struct array_answer *answer);

#endif /* MIRROR_RESIZE_H */
