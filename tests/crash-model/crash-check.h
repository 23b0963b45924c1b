/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-check: may a crash leave members like these?  The oracles that need
 * no engine:
 *
 *   O1   the members make an array, and so does every subset that still has
 *        a current copy of everything
 *   O2   every current copy of every sector holds a value that a single
 *        disk could hold after such a crash
 *   O3a  where current copies differ, the array is dirty and the bitmap
 *        marks that region; where a member that is to catch up by bitmap
 *        differs, the bitmap marks it
 *
 * After a split brain all of it holds for the history that is kept.
 *
 * Not judged: O5, since nobody else is here to agree with: these files read
 * metadata with lib/logic themselves.  tests/kill has a second reader,
 * tests/kernel asks Linux.
 */
#ifndef MIRROR_CRASH_CHECK_H
#define MIRROR_CRASH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-legal.h"
#include "crash-meta.h"

#define CRASH_WHY_MAX 512

/* Only this checker is on trial ("L5"); NULL: all are. */
extern const char *crash_only;

/* A checker has something to say: into @why (CRASH_WHY_MAX bytes), which begins
 * with the checker's name.  False; true if it is not on trial, so that the
 * caller goes on.
 */
bool crash_objects (char *why, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

struct crash_check {
  const struct crash_shape *shape;
  const struct crash_images *images;
  uint32_t present;          /* legs that there are */
  int keep;                  /* as of struct crash_life */
  const struct legal *legal; /* NULL: any value will do */
  char *why;                 /* CRASH_WHY_MAX bytes */
};

/* Is there a leg of @legs for every copy group? */
bool check_is_enough (const struct crash_shape *shape, uint32_t legs);

/* All legs present. */
bool check_all (const struct crash_check *check);

/* Only the legs @subset of those: the others did not come back. */
bool check_subset (const struct crash_check *check, uint32_t subset);

#endif /* MIRROR_CRASH_CHECK_H */
