/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-legal: which values may a sector of the array hold after a crash?
 *
 * One that some write of this life put there, or that was there in the
 * beginning, unless a write that must have survived came wholly after it.
 * Which must survive depends on what was lost: after the loss of power those
 * answered before a flush was asked for that succeeded, or answered with
 * FUA; after the end of our process all that were answered.
 *
 * What a leg loses with its power while the array lives on counts as lost until
 * it is on record that it is out, or catches up; for readers until it is out;
 * that of a last copy for ever.
 */
#ifndef MIRROR_CRASH_LEGAL_H
#define MIRROR_CRASH_LEGAL_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-life.h"
#include "crash-state.h"

struct legal {
  const struct crash_life *life;
  uint32_t at;
  /* By sector of the array: the latest beginning of a write that must have
   * survived (0: none), and the latest end of an operation that may have
   * left zeroes (RECORD_NEVER: of one that has none; 0: there is none).
   */
  uint32_t newest[CRASH_ARRAY_MAX], zeroed[CRASH_ARRAY_MAX];
};

/* After the first @at events. */
void legal_at (struct legal *ret, const struct crash_life *life, uint32_t at,
               enum crash_kind kind);

/* For a read invoked at @invoked and answered now: as if the process had
 * ended then, but for what began since.
 */
void legal_read (struct legal *ret, const struct crash_life *life,
                 uint32_t invoked);

bool legal_value (const struct legal *legal, uint32_t lba, uint64_t value);

/* Is it one of those that were there in the beginning, and of no write since?
 */
bool legal_is_base (const struct legal *legal, uint32_t lba, uint64_t value);

#endif /* MIRROR_CRASH_LEGAL_H */
