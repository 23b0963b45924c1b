/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-life: one life of the array: from its members to a crash or a stop.
 *
 * A life begins with images.  What happens in it is recorded; where it ends
 * is chosen afterwards, any number of times, from the recording.
 */
#ifndef MIRROR_CRASH_LIFE_H
#define MIRROR_CRASH_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-meta.h"
#include "crash-record.h"
#include "crash-shape.h"

#define CRASH_BASES_MAX CRASH_LEGS_MAX

/* No value at all. */
#define CRASH_NO_VALUE UINT64_MAX

struct crash_life {
  const struct crash_shape *shape;
  const struct crash_life *parent; /* NULL: the first one */
  unsigned depth;   /* 0: the first one */
  unsigned number;  /* of this seed's lives, from 1 on */
  uint64_t seed;    /* of the world it happens in */
  uint32_t present; /* legs that are there */
  int keep;         /* the leg whose history is to be kept, as of a split brain;
                       or CRASH_KEEP_NONE */
  uint32_t in_sync; /* legs that are current in the beginning */
  uint32_t apart;   /* those that ran on their own */
  struct crash_images start;
  struct record record;
  bool no_fault; /* no leg had any fault */
  bool was_ordered; /* there was an administrator */
  bool gave_up; /* the first store failed on a last copy that was away, and
                   nobody wrote later: what it has stored stays */
  uint32_t at_rest; /* the event at which it was stopped; 0: never */

  /* What each sector of the array may hold in the beginning: the values of
   * its current copies.
   */
  unsigned bases[CRASH_ARRAY_MAX];
  uint64_t base[CRASH_ARRAY_MAX][CRASH_BASES_MAX];
  /* Which of them readers saw. */
  uint64_t seen[CRASH_ARRAY_MAX];
};

/* A life that begins with @images of the legs @present.  @parent: NULL if
 * they were just made.  What current copies hold must be known: see
 * check_images.  The result is to be freed.
 */
struct crash_life *life_new (const struct crash_shape *shape,
                             const struct crash_life *parent,
                             const struct crash_images *images,
                             uint32_t present, int keep);
void life_free (struct crash_life *life);

/* The value that operation @op of this life stores. */
static inline uint64_t
life_value (const struct crash_life *life, uint32_t op)
{
  return CRASH_VALUES + ((uint64_t)life->number << 24) + op;
}

/* The operation of this life that stores @value, or RECORD_NEVER. */
static inline uint32_t
life_op_of (const struct crash_life *life, uint64_t value)
{
  uint64_t first = life_value (life, 0);

  return value >= first && value < first + life->record.ops_count
           ? (uint32_t)(value - first)
           : RECORD_NEVER;
}

#endif /* MIRROR_CRASH_LIFE_H */
