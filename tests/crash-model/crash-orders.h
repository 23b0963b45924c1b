/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-orders: an administrator who fails, removes and brings back legs while
 * clients work.
 *
 * A leg comes back under its own name into its own slot, so slots are legs, and
 * all that is judged stays as it is.  One that had a fault does not come back:
 * what a flush that failed has left of it, nobody knows.
 */
#ifndef MIRROR_CRASH_ORDERS_H
#define MIRROR_CRASH_ORDERS_H

#include <stdbool.h>

#include "engine/array.h"

/* For the array: opens the legs of this world once more. */
struct array_opener orders_opener (void);

/* Some orders at random moments; a fiber. */
void orders_run (void *argument);

/* Every leg that is there, good and out comes back.  False: the array refuses
 * one.
 */
bool orders_bring_back (void);

#endif /* MIRROR_CRASH_ORDERS_H */
