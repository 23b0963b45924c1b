/* SPDX-License-Identifier: BSD-3-Clause */
/* extents: merge what several members say of the same range.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include "ground/util.h"
#include "logic/extents.h"

void
extents_init (struct extents *extents, uint64_t length, uint32_t flags)
{
  extents->count = 0;
  extents_append (extents, length, flags);
}

bool
extents_append (struct extents *extents, uint64_t length, uint32_t flags)
{
  struct extent *last;

  assert (extents->count <= EXTENTS_ROUND);
  if (length == 0)
    return true;
  if (extents->count > 0) {
    last = &extents->entry[extents->count - 1];
    if (last->flags == flags) {
      assert (length <= UINT64_MAX - last->length);
      last->length += length;
      return true;
    }
  }
  if (extents->count == EXTENTS_ROUND)
    return false;
  extents->entry[extents->count++]
    = (struct extent){ .length = length, .flags = flags };
  return true;
}

void
extents_merge (struct extents *a, const struct extents *b)
{
  struct extents merged = { .count = 0 };
  uint64_t a_used = 0, b_used = 0; /* of the current entries */
  unsigned i = 0, j = 0;

  while (i < a->count && j < b->count) {
    uint64_t a_left = a->entry[i].length - a_used;
    uint64_t b_left = b->entry[j].length - b_used;
    uint64_t length = MIN (a_left, b_left);

    if (!extents_append (&merged, length,
                         a->entry[i].flags & b->entry[j].flags))
      break;
    a_used += length;
    b_used += length;
    if (length == a_left) {
      i++;
      a_used = 0;
    }
    if (length == b_left) {
      j++;
      b_used = 0;
    }
  }
  *a = merged;
}

void
extents_align (struct extents *extents, uint64_t block)
{
  struct extents aligned = { .count = 0 };
  uint64_t begun = 0; /* bytes of a block that an entry has not filled */
  uint32_t flags = 0;
  bool fits = true;

  assert (block > 0 && extents->count > 0);
  for (unsigned i = 0; i < extents->count && fits; i++) {
    const struct extent *entry = &extents->entry[i];

    for (uint64_t left = entry->length; left > 0 && fits;) {
      uint64_t part = MIN (left, block - begun);

      if (begun == 0 && left >= block) {
        part = round_down (left, block);
        fits = extents_append (&aligned, part, entry->flags);
      } else {
        flags = begun == 0 ? entry->flags : flags & entry->flags;
        begun += part;
        if (begun == block) {
          fits = extents_append (&aligned, block, flags);
          begun = 0;
        }
      }
      left -= part;
    }
  }
  if (aligned.count == 0)
    extents_init (&aligned, block, 0);
  *extents = aligned;
}
