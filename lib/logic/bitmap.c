/* SPDX-License-Identifier: BSD-3-Clause */
/* bitmap: the write-intent bitmap while the array runs: which bits must be
 * stored before this write, which may be cleared now.
 *
 * Pure: no I/O, no locks, no allocation.  Calls bitmap-disk for the bits.
 *
 * Only a region that is SET and has no writers ever has an age.  settled
 * counts those, so whoever walks over them may stop at the last one.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/bitmap.h"

/* Periods without a write; whole ones from the second on. */
#define AGE_WHOLE 2
#define AGE_MAX (BITMAP_AGED - 1)

/* ------------------------------------------------------------------ memory */

static uint64_t
area_bytes (uint64_t regions)
{
  return round_up (BITMAP_HEAD_SIZE + div_round_up (regions, 8),
                   BITMAP_PAGE_SIZE);
}

size_t
bitmap_memory (uint64_t regions)
{
  uint64_t area = area_bytes (regions), pages = area / BITMAP_PAGE_SIZE;
  uint64_t bytes = area + pages * (sizeof (uint64_t) + sizeof (bool))
                   + regions * sizeof (struct bitmap_region);
  size_t ret = bytes;

  assert (ret == bytes);
  return ret;
}

static uint8_t *
bits_of (const struct bitmap *bitmap)
{
  return bitmap->image + BITMAP_HEAD_SIZE;
}

static uint64_t
pages_of (const struct bitmap *bitmap)
{
  return bitmap->area_size / BITMAP_PAGE_SIZE;
}

static uint64_t
page_of (uint64_t region)
{
  return (BITMAP_HEAD_SIZE + region / 8) / BITMAP_PAGE_SIZE;
}

static void
set_behind_last_region (struct bitmap *bitmap)
{
  uint64_t region = bitmap->regions;

  for (; !is_aligned (region, 8); region++)
    bitmap_set (bits_of (bitmap), region);
  memset (bits_of (bitmap) + region / 8, 0xff,
          bitmap->area_size - BITMAP_HEAD_SIZE - region / 8);
}

void
bitmap_init (struct bitmap *bitmap, uint64_t size, uint64_t region_size,
             void *memory)
{
  uint64_t regions;

  assert (size > 0);
  assert (is_power_of_2 (region_size) && region_size >= SECTOR_SIZE);
  assert (is_aligned ((uintptr_t)memory, BITMAP_PAGE_SIZE));
  regions = div_round_up (size, region_size);
  *bitmap = (struct bitmap){
    .size = size,
    .regions = regions,
    .region_size = region_size,
    .area_size = area_bytes (regions),
    .image = memory,
  };
  /* In the order of their alignment. */
  bitmap->marked = (uint64_t *)(bitmap->image + bitmap->area_size);
  bitmap->region = (struct bitmap_region *)(bitmap->marked + pages_of (bitmap));
  bitmap->changed = (bool *)(bitmap->region + regions);
  memset (memory, 0, bitmap_memory (regions));
  set_behind_last_region (bitmap);
}

void
bitmap_load (struct bitmap *bitmap, const uint8_t *bits)
{
  for (uint64_t i = 0; i < bitmap->regions; i++)
    assert (bitmap->region[i].writers == 0);
  bitmap_merge (bits_of (bitmap), bits, bitmap->regions);
  bitmap->settled = bitmap_count_set (bitmap);
}

bool
bitmap_is_set (const struct bitmap *bitmap, uint64_t region)
{
  assert (region < bitmap->regions);
  return bitmap_get (bits_of (bitmap), region);
}

uint64_t
bitmap_count_set (const struct bitmap *bitmap)
{
  return bitmap_count (bits_of (bitmap), bitmap->regions);
}

/* ------------------------------------------------------------------ writes */

/* The regions @ret_first ... @ret_last that the range touches. */
static void
regions_touched (const struct bitmap *bitmap, uint64_t offset, uint64_t length,
                 uint64_t *ret_first, uint64_t *ret_last)
{
  assert (length > 0);
  assert (offset < bitmap->size && length <= bitmap->size - offset);
  *ret_first = offset / bitmap->region_size;
  *ret_last = (offset + length - 1) / bitmap->region_size;
}

/* One more writer.  Returns whether the bit had to be set. */
static bool
region_enter (struct bitmap *bitmap, uint64_t index)
{
  struct bitmap_region *region = &bitmap->region[index];

  region->age = 0;
  if (region->writers++ > 0)
    return false;
  if (bitmap_get (bits_of (bitmap), index)) {
    assert (bitmap->settled > 0);
    bitmap->settled--;
    return false;
  }
  bitmap_set (bits_of (bitmap), index);
  return true;
}

bool
bitmap_begin (struct bitmap *bitmap, uint64_t offset, uint64_t length,
              uint64_t *ret_sequence)
{
  uint64_t next = bitmap->sets + 1, sequence = 0;
  uint64_t first, last;

  regions_touched (bitmap, offset, length, &first, &last);
  for (uint64_t i = first; i <= last; i++)
    if (bitmap->region[i].writers == UINT16_MAX)
      return false;

  for (uint64_t i = first; i <= last; i++) {
    uint64_t page = page_of (i);

    if (region_enter (bitmap, i)) {
      bitmap->sets = bitmap->marked[page] = next;
      bitmap->changed[page] = true;
    }
    sequence = MAX (sequence, bitmap->marked[page]);
  }
  *ret_sequence = sequence;
  return true;
}

void
bitmap_end (struct bitmap *bitmap, uint64_t offset, uint64_t length)
{
  uint64_t first, last;

  regions_touched (bitmap, offset, length, &first, &last);
  for (uint64_t i = first; i <= last; i++) {
    assert (bitmap->region[i].writers > 0);
    bitmap->settled += --bitmap->region[i].writers == 0;
  }
}

/* ----------------------------------------------------------------- storing */

uint64_t
bitmap_take (struct bitmap *bitmap, uint8_t *staging, uint64_t *ret_first,
             uint64_t *ret_count)
{
  uint64_t first = 0, end = 0;

  for (uint64_t i = 0; i < pages_of (bitmap); i++) {
    if (!bitmap->changed[i])
      continue;
    if (end == 0)
      first = i;
    end = i + 1;
    bitmap->changed[i] = false;
  }
  memcpy (staging + first * BITMAP_PAGE_SIZE,
          bitmap->image + first * BITMAP_PAGE_SIZE,
          (end - first) * BITMAP_PAGE_SIZE);
  *ret_first = first;
  *ret_count = end - first;
  return bitmap->sets;
}

void
bitmap_untake (struct bitmap *bitmap)
{
  for (uint64_t i = 0; i < pages_of (bitmap); i++)
    bitmap->changed[i] = true;
}

/* ------------------------------------------------------------------ ageing */

/* The first region at or behind @from that is SET without writers; there must
 * be one.
 */
static uint64_t
next_settled (const struct bitmap *bitmap, uint64_t from)
{
  const uint8_t *bits = bits_of (bitmap);
  uint64_t i = from;

  for (;;) {
    assert (i < bitmap->regions);
    if (bits[i / 8] == 0)
      i = round_down (i, 8) + 8;
    else if (bitmap_get (bits, i) && bitmap->region[i].writers == 0)
      return i;
    else
      i++;
  }
}

/* A period is over for each of them.  *@ret_of_age: how many have which age. */
static void
grow_older (struct bitmap *bitmap, uint64_t *ret_of_age)
{
  uint64_t i = 0;

  for (uint64_t left = bitmap->settled; left > 0; left--, i++) {
    struct bitmap_region *region;

    i = next_settled (bitmap, i);
    region = &bitmap->region[i];
    if (region->age < AGE_MAX)
      region->age++;
    ret_of_age[region->age]++;
  }
}

/* Of those with a whole period all but the youngest @stay become AGED.  Returns
 * how many.
 */
static uint64_t
retire (struct bitmap *bitmap, const uint64_t *of_age, uint64_t stay)
{
  unsigned oldest = 0;
  uint64_t i = 0, retired = 0;

  /* All up to this age stay, and then some. */
  while (oldest <= AGE_MAX && of_age[oldest] <= stay)
    stay -= of_age[oldest++];
  for (uint64_t left = bitmap->settled; left > 0; left--, i++) {
    struct bitmap_region *region;

    i = next_settled (bitmap, i);
    region = &bitmap->region[i];
    if (region->age < oldest || region->age == BITMAP_AGED)
      continue;
    if (region->age == oldest && stay > 0)
      stay--;
    else if (region->age >= AGE_WHOLE) {
      region->age = BITMAP_AGED;
      retired++;
    }
  }
  return retired;
}

uint64_t
bitmap_age (struct bitmap *bitmap, uint64_t hot)
{
  uint64_t of_age[BITMAP_AGED + 1] = { 0 };
  uint64_t written = bitmap_count_set (bitmap) - bitmap->settled;

  grow_older (bitmap, of_age);
  return of_age[BITMAP_AGED]
         + retire (bitmap, of_age, hot - MIN (hot, written));
}

void
bitmap_age_at_once (struct bitmap *bitmap)
{
  uint64_t i = 0;

  for (uint64_t left = bitmap->settled; left > 0; left--, i++) {
    i = next_settled (bitmap, i);
    bitmap->region[i].age = BITMAP_AGED;
  }
}

static bool
can_clear (const struct bitmap *bitmap, uint64_t region,
           bool (*keep) (void *opaque, uint64_t offset, uint64_t length),
           void *opaque)
{
  uint64_t offset = region * bitmap->region_size;

  return bitmap->region[region].age == BITMAP_AGED
         && !keep (opaque, offset,
                   MIN (bitmap->region_size, bitmap->size - offset));
}

bool
bitmap_is_clearable (const struct bitmap *bitmap,
                     bool (*keep) (void *opaque, uint64_t offset,
                                   uint64_t length),
                     void *opaque)
{
  uint64_t i = 0;

  for (uint64_t left = bitmap->settled; left > 0; left--, i++) {
    i = next_settled (bitmap, i);
    if (can_clear (bitmap, i, keep, opaque))
      return true;
  }
  return false;
}

uint64_t
bitmap_clear_aged (struct bitmap *bitmap,
                   bool (*keep) (void *opaque, uint64_t offset,
                                 uint64_t length),
                   void *opaque)
{
  uint64_t i = 0, cleared = 0;

  for (uint64_t left = bitmap->settled; left > 0; left--, i++) {
    i = next_settled (bitmap, i);
    if (!can_clear (bitmap, i, keep, opaque))
      continue;
    bitmap_clear (bits_of (bitmap), i);
    bitmap->region[i].age = 0;
    bitmap->changed[page_of (i)] = true;
    cleared++;
  }
  bitmap->settled -= cleared;
  bitmap->sets += cleared > 0;
  return cleared;
}
