/* SPDX-License-Identifier: BSD-3-Clause */
/* join: a disk becomes a member by order: add, readd, replace, spare.
 */
#ifndef MIRROR_JOIN_H
#define MIRROR_JOIN_H

#include "engine/array.h"

struct newcomer;

/* @order, one of these, with a disk that is open, which is still the caller's if
 * it does not join.  0 and it is on record, or -errno; *@answer in either case.
 * array->change_lock held.  Blocks on the turn, the disks.
 */
int join_opened (struct array *array, const struct array_order *order,
                 struct newcomer *newcomer, struct array_answer *answer);

#endif /* MIRROR_JOIN_H */
