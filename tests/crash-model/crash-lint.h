/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint: rules that the order of events of any life obeys, whatever a
 * crash would leave of it.  Their numbers are those of the first design:
 *
 *   L1   data go to a leg only when every target says durably that the array
 *        is dirty there, and its bitmap has the region's bit
 *   L2   when a modification is answered with success, each leg has stored
 *        it, or all that did say durably that it is out
 *   L3   when a flush, or one with FUA, is answered with success, what it
 *        covers is durable on all of them
 *   L4   no two writes at once to the same sector of the array, nor of a leg
 *   L5   a bit is cleared only when the region is durable, and the same, on
 *        every leg of a complete array
 *   L6   a superblock says clean, or how far a rebuild came, only when what
 *        it vouches for is durable
 *   L7   what a leg gets is what the client sent, or what a current leg holds
 *   L8   no leg is written whose superblock was not read since it was opened
 *   L9   data go to data areas, the rest to superblocks and bitmaps
 *   L11  superblocks are good, and their events never go down
 *
 * L10 is checked by crash-leg.  What a leg has lost with its power while the
 * array lived on counts for L3 as not stored, until it is on record that the
 * leg is out, or catches up.
 */
#ifndef MIRROR_CRASH_LINT_H
#define MIRROR_CRASH_LINT_H

#include <stdbool.h>

#include "crash-life.h"

/* False, and @why (CRASH_WHY_MAX bytes).  Notes when it was on record that legs
 * which lost their power were out (record_cut.recorded).
 */
bool lint_life (struct crash_life *life, char *why);

#endif /* MIRROR_CRASH_LINT_H */
