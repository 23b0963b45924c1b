/* SPDX-License-Identifier: BSD-3-Clause */
/* grow: an array gets more slots or fewer, or another name, while it serves.
 *
 * Locks held on entry: change_lock.  May block on: the turn, the disks.  0 and
 * it is on record (of a plain array: until it stops), or -errno and @answer says
 * why not.
 */
#ifndef MIRROR_GROW_H
#define MIRROR_GROW_H

#include "engine/array.h"

struct newcomer;

/* @newcomer: order->disk, which is open; if not only asked for. */
int grow_legs (struct array *array, const struct array_order *order,
               struct newcomer *newcomer, struct array_answer *answer);

int rename_array (struct array *array, const struct array_order *order,
                  struct array_answer *answer);

#endif /* MIRROR_GROW_H */
