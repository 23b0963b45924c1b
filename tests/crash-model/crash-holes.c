/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-holes: which sectors are kept, and where they are. */
#include <string.h>

#include "crash-holes.h"
#include "ground/limits.h"
#include "ground/util.h"

/* Regions whose bits are in the pages before page @page. */
#define REGIONS_BEFORE(page)                                                  \
  (((page) * BITMAP_PAGE_SIZE - BITMAP_HEAD_SIZE) * 8u)

#define ALIGNMENT 8u /* sectors: the largest block */
#define TAIL 64u     /* sectors at least that have bits in the last page */
#define REAL_MAX (2 * REGIONS_BEFORE (CRASH_PAGES_MAX))

/* The first sector of @sorted, @count of them, that is not before @real. */
static uint32_t
find (const uint32_t *sorted, uint32_t count, uint64_t real)
{
  uint32_t low = 0, high = count;

  while (low < high) {
    uint32_t middle = (low + high) / 2;

    if (sorted[middle] < real)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

uint32_t
shape_sector (const struct crash_shape *shape, unsigned leg, uint64_t real)
{
  const struct crash_leg *l = &shape->leg[leg];

  return shape->has_holes ? find (l->real, l->sectors, real)
                          : MIN (real, (uint64_t)l->sectors);
}

uint32_t
shape_lba (const struct crash_shape *shape, uint64_t real)
{
  return shape->has_holes ? find (shape->real, shape->sectors, real)
                          : MIN (real, (uint64_t)shape->sectors);
}

uint32_t
shape_run (const struct crash_shape *shape, uint32_t first, uint32_t count)
{
  uint32_t n = 1;

  while (n < count && shape->real[first + n] == shape->real[first] + n)
    n++;
  return n;
}

enum crash_place
shape_place_real (const struct crash_shape *shape, unsigned leg, uint64_t real)
{
  const struct crash_leg *l = &shape->leg[leg];
  uint32_t sector = shape_sector (shape, leg, real);

  /* Nothing but data has holes. */
  if (sector == l->sectors || l->real[sector] != real)
    return PLACE_DATA;
  return shape_place (shape, leg, sector);
}

/* --- the array --- */

uint32_t
holes_member_size (const struct crash_shape *shape)
{
  const struct layout *layout = &shape->layout;
  uint32_t unit = layout->chunk > 0 ? layout->chunk / SECTOR_SIZE : ALIGNMENT;
  uint32_t wanted
    = shape->is_wide ? 2 * shape->region + shape->region / 2
                     : REGIONS_BEFORE (shape->pages - 1) * shape->region + TAIL;
  uint32_t size
    = div_round_up (wanted * layout_copies (layout), layout->slots);

  return div_round_up (size, unit) * unit + 2 * unit * layout->far;
}

static void
keep (struct crash_shape *shape, uint32_t from, uint32_t end)
{
  if (shape->sectors > 0)
    from = MAX (from, shape->real[shape->sectors - 1] + 1);
  for (; from < end; from++) {
    assert (shape->sectors < CRASH_ARRAY_MAX);
    shape->real[shape->sectors++] = from;
  }
}

static uint32_t
choose_length (struct random_stream *chance)
{
  return ALIGNMENT * random_between (chance, 2, 6);
}

/* Around the places where pages begin. */
static void
keep_pages (struct random_stream *chance, struct crash_shape *shape,
            uint32_t end)
{
  assert (end > REGIONS_BEFORE (shape->pages - 1) * shape->region);
  for (unsigned page = 1; page < shape->pages; page++) {
    uint32_t at = REGIONS_BEFORE (page) * shape->region;

    keep (shape, at - choose_length (chance),
          MIN (at + choose_length (chance), end));
  }
}

/* Around the places where the steps of a resync begin, and so its regions; and
 * in some window within.
 */
static void
keep_steps (struct random_stream *chance, struct crash_shape *shape,
            uint32_t end)
{
  uint32_t step = SYNC_SPAN / SECTOR_SIZE, window = TODO_WINDOW / SECTOR_SIZE;

  for (uint32_t at = step; at < end; at += step) {
    uint32_t within
      = at - step + window * random_between (chance, 1, step / window - 1);

    keep (shape, within - ALIGNMENT, within + ALIGNMENT);
    keep (shape, at - ALIGNMENT, MIN (at + 2 * ALIGNMENT, end));
  }
}

static void
number_regions (struct crash_shape *shape)
{
  shape->regions = 0;
  for (uint32_t lba = 0; lba < shape->sectors; lba++) {
    uint32_t bit = shape->real[lba] / shape->region;

    if (lba == 0 || bit != shape->bit[shape->regions - 1]) {
      shape->bit[shape->regions] = bit;
      shape->first[shape->regions++] = lba;
    }
    shape->region_of[lba] = shape->regions - 1;
  }
  shape->first[shape->regions] = shape->sectors;
}

void
holes_choose (struct random_stream *chance, struct crash_shape *shape)
{
  uint32_t end = shape->layout.array_size / SECTOR_SIZE, at;

  shape->sectors = 0;
  if (!shape->has_holes)
    keep (shape, 0, end);
  else {
    assert (end < REAL_MAX);
    keep (shape, 0, choose_length (chance));
    if (shape->is_wide)
      keep_steps (chance, shape, end);
    else
      keep_pages (chance, shape, end);
    at = round_down (end, ALIGNMENT);
    keep (shape, at - choose_length (chance), end);
  }
  number_regions (shape);
}

/* --- its members --- */

/* Areas behind the holes move to the front. */
static void
move_area (const struct crash_shape *shape, unsigned leg,
           struct crash_area *area)
{
  area->first = shape_sector (shape, leg, area->first);
}

/* @kept: of the data area, by real offset. */
static void
number_sectors (struct crash_shape *shape, unsigned leg, const bool *kept)
{
  struct crash_leg *l = &shape->leg[leg];
  struct crash_area data = l->data;
  uint32_t count = 0;

  l->real_sectors = l->sectors;
  for (uint32_t i = 0; i < l->real_sectors; i++) {
    bool is_data = i >= data.first && i - data.first < data.count;

    if (is_data && shape->has_holes && !kept[i - data.first])
      continue;
    assert (count < CRASH_MEMBER_MAX);
    l->lba[count] = CRASH_LBA_NONE;
    l->real[count++] = i;
  }
  l->sectors = count;
  l->data.count
    = shape_sector (shape, leg, data.first + data.count) - data.first;
  move_area (shape, leg, &l->super);
  move_area (shape, leg, &l->bitmap);
  move_area (shape, leg, &l->bblog);
}

void
holes_map (struct crash_shape *shape)
{
  static bool kept[CRASH_LEGS_MAX][REAL_MAX];
  struct copy copies[LEGS_MAX];

  shape->copies = layout_copies (&shape->layout);
  memset (kept, 0, sizeof kept);
  memset (shape->copy, 0, sizeof shape->copy);
  for (uint32_t lba = 0; lba < shape->sectors; lba++) {
    layout_map (&shape->layout, (uint64_t)shape->real[lba] * SECTOR_SIZE,
                copies);
    for (unsigned i = 0; i < shape->copies; i++)
      kept[copies[i].slot][copies[i].offset / SECTOR_SIZE] = true;
  }
  for (unsigned leg = 0; leg < shape->slots; leg++)
    number_sectors (shape, leg, kept[leg]);
  for (uint32_t lba = 0; lba < shape->sectors; lba++) {
    layout_map (&shape->layout, (uint64_t)shape->real[lba] * SECTOR_SIZE,
                copies);
    for (unsigned i = 0; i < shape->copies; i++) {
      unsigned leg = copies[i].slot;
      uint32_t sector
        = shape_sector (shape, leg, shape->leg[leg].data.first
                                      + copies[i].offset / SECTOR_SIZE);

      shape->copy[lba][i] = (struct crash_copy){ leg, sector };
      shape->leg[leg].lba[sector] = lba;
    }
  }
}
