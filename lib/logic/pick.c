/* SPDX-License-Identifier: BSD-3-Clause */
/* pick: which member to read.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 *
 * A head that stands exactly at the offset has distance 0, so "streams on"
 * and "nearest" are one comparison.  A full tie goes to the first candidate.
 */
#include "ground/util.h"
#include "logic/pick.h"

static uint64_t
distance (const struct candidate *candidate)
{
  return candidate->offset > candidate->head
           ? candidate->offset - candidate->head
           : candidate->head - candidate->offset;
}

static bool
is_better (const struct candidate *a, const struct candidate *b)
{
  if (a->outstanding != b->outstanding)
    return a->outstanding < b->outstanding;
  return distance (a) < distance (b);
}

int
pick_read (const struct candidate *candidates, unsigned count)
{
  int best = -1;

  for (unsigned i = 0; i < count; i++)
    if (candidates[i].usable
        && (best == -1 || is_better (&candidates[i], &candidates[best])))
      best = i;
  return best;
}

int
pick_fixed (const struct candidate *candidates, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (candidates[i].usable)
      return i;
  return -1;
}
