/* SPDX-License-Identifier: BSD-3-Clause */
/* order: what all orders begin with, and how they are refused.
 *
 * Locks held on entry: array->change_lock.  May block on: change_enter, the
 * turn and the disks.
 */
#ifndef MIRROR_ORDER_H
#define MIRROR_ORDER_H

#include <stdbool.h>

#include "engine/array.h"
#include "logic/roster.h"

struct request;
struct requests;

/* Put why into *@answer, @reason a constant, and return @error for the caller
 * to pass on.
 */
int change_refuse (struct array_answer *answer, int error, const char *reason,
                   const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* The same, for a step of the roster; @name: of the disk, or "". */
int change_refuse_step (struct array_answer *answer,
                        enum roster_refusal refusal, const char *name);

/* From now on the stop waits for us, until request_end of *@ret; and, unless it
 * is a dry run, there is something on record that can be changed.  0, or
 * -errno and *@answer.
 */
int change_enter (struct array *array, bool dry_run, struct request **ret,
                  struct array_answer *answer);

/* The same, with a descriptor of @requests. */
int change_enter_by (struct array *array, struct requests *requests,
                     bool dry_run, struct request **ret,
                     struct array_answer *answer);

#endif /* MIRROR_ORDER_H */
