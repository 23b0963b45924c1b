/* SPDX-License-Identifier: BSD-3-Clause */
/* badblocks: parse, sort, merge, ask, store.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/badblocks.h"
#include "logic/bytes.h"

#define ENTRY_SIZE 8
#define ENTRY_END UINT64_MAX
#define ENTRY_LENGTH_BITS 10
#define ENTRY_LENGTH_MASK ((1u << ENTRY_LENGTH_BITS) - 1)
#define ENTRY_LENGTH_MAX 512
#define SECTORS_MAX (UINT64_C (1) << 54)

bool
badblocks_entry (const uint8_t *bytes, unsigned shift, struct badblock *ret)
{
  uint64_t entry = load_le64 (bytes);

  if (entry == ENTRY_END)
    return false;
  ret->start = entry >> ENTRY_LENGTH_BITS << shift;
  ret->length = (entry & ENTRY_LENGTH_MASK) << shift;
  return true;
}

/* Nothing at sector 0: to Linux, too, no entry.  A log that was zeroed, or whose
 * rest was never filled with ones, is full of these.
 */
static bool
is_blank (uint64_t entry)
{
  return entry == 0;
}

/* Linux records ranges beyond the member's end when it is told to; nobody
 * will ever ask for them.  Only what no number of sectors can be is wrong.
 */
static bool
is_sound (uint64_t entry, unsigned shift)
{
  uint64_t start = entry >> ENTRY_LENGTH_BITS;
  uint64_t length = entry & ENTRY_LENGTH_MASK;
  uint64_t units = SECTORS_MAX >> shift;

  return length >= 1 && length <= ENTRY_LENGTH_MAX && start < units
         && length <= units - start;
}

/* Insertion: the list is short and mostly in order. */
static void
insert_sorted (struct badblocks *bad, struct badblock range)
{
  unsigned i = bad->count++;

  assert (bad->count <= BADBLOCKS_ENTRIES_MAX);
  for (; i > 0 && bad->range[i - 1].start > range.start; i--)
    bad->range[i] = bad->range[i - 1];
  bad->range[i] = range;
}

static void
merge_neighbours (struct badblocks *bad)
{
  unsigned kept = 0;

  for (unsigned i = 0; i < bad->count; i++) {
    struct badblock *last = kept > 0 ? &bad->range[kept - 1] : NULL;
    const struct badblock *range = &bad->range[i];

    if (last != NULL && range->start <= last->start + last->length)
      last->length
        = MAX (last->length, range->start + range->length - last->start);
    else
      bad->range[kept++] = *range;
  }
  bad->count = kept;
}

bool
badblocks_parse (const uint8_t *log, unsigned log_bytes, unsigned shift,
                 struct badblocks *ret, char *why)
{
  struct badblocks bad;
  struct badblock range;

  assert (log_bytes <= BADBLOCKS_LOG_MAX && is_aligned (log_bytes, ENTRY_SIZE));
  assert (shift < 54);
  why[0] = '\0';
  bad.count = 0;
  for (unsigned i = 0; i < log_bytes; i += ENTRY_SIZE) {
    if (!badblocks_entry (log + i, shift, &range))
      break;
    if (is_blank (load_le64 (log + i)))
      continue;
    if (!is_sound (load_le64 (log + i), shift)) {
      snprintf (why, MESSAGE_MAX, "bad block log entry %u 0x%016" PRIx64
                ": not a range of 1 to 512 blocks", i / ENTRY_SIZE,
                load_le64 (log + i));
      return false;
    }
    insert_sorted (&bad, range);
  }
  merge_neighbours (&bad);
  *ret = bad;
  return true;
}

bool
badblocks_find (const struct badblocks *bad, uint64_t start, uint64_t length,
                struct badblock *ret)
{
  unsigned low = 0, high = bad->count;
  uint64_t from, to;

  assert (start + length >= start);
  while (low < high) {
    unsigned middle = (low + high) / 2;

    if (bad->range[middle].start + bad->range[middle].length <= start)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == bad->count || length == 0
      || bad->range[low].start >= start + length)
    return false;
  from = MAX (bad->range[low].start, start);
  to = MIN (bad->range[low].start + bad->range[low].length, start + length);
  *ret = (struct badblock){ .start = from, .length = to - from };
  assert (ret->length > 0);
  return true;
}

/* In units, rounded outwards. */
static void
to_units (const struct badblock *range, unsigned shift, uint64_t *ret_start,
          uint64_t *ret_length)
{
  uint64_t unit = UINT64_C (1) << shift;
  uint64_t end = div_round_up (range->start + range->length, unit);

  *ret_start = range->start >> shift;
  *ret_length = end - *ret_start;
}

bool
badblocks_encode (const struct badblocks *bad, unsigned shift, uint8_t *log,
                  unsigned log_bytes)
{
  unsigned entries = 0, at = 0;
  uint64_t start, length;

  assert (log_bytes <= BADBLOCKS_LOG_MAX && is_aligned (log_bytes, ENTRY_SIZE));
  for (unsigned i = 0; i < bad->count; i++) {
    to_units (&bad->range[i], shift, &start, &length);
    if (length > (uint64_t)BADBLOCKS_ENTRIES_MAX * ENTRY_LENGTH_MAX)
      return false;
    entries += (unsigned)div_round_up (length, ENTRY_LENGTH_MAX);
    if (entries * ENTRY_SIZE > log_bytes)
      return false;
  }
  for (unsigned i = 0; i < bad->count; i++) {
    to_units (&bad->range[i], shift, &start, &length);
    while (length > 0) {
      uint64_t part = MIN (length, (uint64_t)ENTRY_LENGTH_MAX);

      store_le64 (log + at, start << ENTRY_LENGTH_BITS | part);
      at += ENTRY_SIZE;
      start += part;
      length -= part;
    }
  }
  for (; at < log_bytes; at += ENTRY_SIZE)
    store_le64 (log + at, ENTRY_END);
  return true;
}
