/* SPDX-License-Identifier: BSD-3-Clause */
/* ranges: which parts of the array are being modified, in order of arrival.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing but the caller's
 * ready function.
 *
 * The list is walked from end to end: it is no longer than there are
 * request descriptors, and a walk costs less than the I/O it guards.
 */
#include "ground/util.h"
#include "logic/ranges.h"

static bool
overlaps (const struct range *a, const struct range *b)
{
  return ranges_overlap (a->offset, a->length, b->offset, b->length);
}

bool
ranges_add (struct ranges *ranges, struct range *range)
{
  assert (range->length > 0);
  assert (range->length <= UINT64_MAX - range->offset);
  range->blockers = 0;
  for (const struct range *r = ranges->first; r != NULL; r = r->next)
    if (overlaps (r, range))
      range->blockers++;

  range->previous = ranges->last;
  range->next = NULL;
  if (ranges->last != NULL)
    ranges->last->next = range;
  else
    ranges->first = range;
  ranges->last = range;
  return range->blockers == 0;
}

static void
unlink_range (struct ranges *ranges, struct range *range)
{
  if (range->previous != NULL)
    range->previous->next = range->next;
  else
    ranges->first = range->next;
  if (range->next != NULL)
    range->next->previous = range->previous;
  else
    ranges->last = range->previous;
  range->previous = range->next = NULL;
}

void
ranges_remove (struct ranges *ranges, struct range *range,
               void (*ready) (void *opaque, struct range *r), void *opaque)
{
  struct range *next = range->next;

  assert (range->blockers == 0);
  assert (range->previous != NULL || ranges->first == range);
  unlink_range (ranges, range);
  /* Only later ones can have been waiting for it. */
  for (struct range *r = next; r != NULL; r = next) {
    next = r->next;
    if (!overlaps (r, range))
      continue;
    assert (r->blockers > 0);
    if (--r->blockers == 0)
      ready (opaque, r);
  }
}

bool
ranges_oldest_epoch (const struct ranges *ranges, uint64_t offset,
                     uint64_t length, uint64_t *ret)
{
  bool found = false;

  assert (length > 0);
  for (const struct range *r = ranges->first; r != NULL; r = r->next)
    if (r->blockers == 0
        && ranges_overlap (r->offset, r->length, offset, length)) {
      *ret = found ? MIN (*ret, r->epoch) : r->epoch;
      found = true;
    }
  return found;
}
