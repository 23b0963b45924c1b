/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-shape: choosing a geometry, and making members of it. */
#include <stdio.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-marks.h"
#include "crash-store.h"
#include "ground/limits.h"
#include "ground/util.h"
#include "logic/create-plan.h"
#include "sim-stamp.h"

#define SUPER_SECTORS (SB1_BLOCK_SIZE / SECTOR_SIZE)
#define PAGE_SECTORS (BITMAP_PAGE_SIZE / SECTOR_SIZE)
#define BBLOG_SECTORS 8u
#define SET_UUID 0x5e
#define GAP 0x9a /* what fills the gaps */

static const char *const raid10_names[] = { "n2", "f2", "o2", "n3", "f3" };

/* --- choosing --- */

static void
choose_layout (struct random_stream *chance, struct layout *layout)
{
  do {
    *layout = (struct layout){ .level = LEVEL_RAID1,
                               .slots = random_between (chance, 2, 3),
                               .near = 1,
                               .far = 1 };
    if (random_one_in (chance, 2))
      continue;
    layout->level = LEVEL_RAID10;
    layout->slots = random_between (chance, 2, CRASH_LEGS_MAX);
    layout->chunk = random_one_in (chance, 3) ? 8192 : 4096;
    layout_parse (layout, raid10_names[random_below (
                            chance, random_one_in (chance, 4)
                                      ? ARRAY_LENGTH (raid10_names)
                                      : 3)]);
  } while (layout_check (layout) != NULL);
}

/* Where everything lies on @leg, whose data are @size sectors; holes count. */
static void
place_areas (struct crash_shape *shape, struct random_stream *chance,
             unsigned leg, uint32_t size)
{
  struct crash_leg *l = &shape->leg[leg];
  uint32_t skew = 8 * random_below (chance, 3);
  uint32_t metadata = 8, bitmap = shape->pages * PAGE_SECTORS;
  uint64_t super = 0;

  l->data = (struct crash_area){ skew, size };
  l->sectors = skew + size + bitmap + BBLOG_SECTORS + SUPER_SECTORS + 8
               + (shape->block > 1 ? 0 : random_below (chance, 16));
  if (shape->version != SB1_VERSION_1_0) {
    l->data.first
      += (shape->version == SB1_VERSION_1_2 ? 24 : 16) + bitmap;
    l->sectors += skew + (shape->version == SB1_VERSION_1_2 ? 8 : 0);
  }
  if (!sb1_offset (shape->version, (uint64_t)l->sectors * SECTOR_SIZE, &super))
    assert (0);
  l->super = (struct crash_area){ super / SECTOR_SIZE, SUPER_SECTORS };
  metadata = l->super.first + SUPER_SECTORS;
  if (shape->version == SB1_VERSION_1_0)
    metadata = l->super.first - bitmap - BBLOG_SECTORS;
  if (shape->has_bitmap)
    l->bitmap = (struct crash_area){ metadata, bitmap };
  if (random_one_in (chance, 2))
    l->bblog = (struct crash_area){ metadata + bitmap, BBLOG_SECTORS };
}

enum crash_place
shape_place (const struct crash_shape *shape, unsigned leg, uint32_t sector)
{
  const struct crash_leg *l = &shape->leg[leg];
  const struct {
    const struct crash_area *area;
    enum crash_place place;
  } places[] = { { &l->data, PLACE_DATA },
                 { &l->super, PLACE_SUPER },
                 { &l->bitmap, PLACE_BITMAP },
                 { &l->bblog, PLACE_BBLOG } };

  for (unsigned i = 0; i < ARRAY_LENGTH (places); i++)
    if (sector - places[i].area->first < places[i].area->count
        && sector >= places[i].area->first)
      return places[i].place;
  return PLACE_NOWHERE;
}

/* --- making members --- */

uint64_t
shape_initial (const struct crash_shape *shape, unsigned leg)
{
  return VALUE_INITIAL + (shape->begins_clean ? 0 : leg);
}

static void
put_bytes (struct crash_images *images, unsigned leg, uint32_t first,
           const uint8_t *bytes, size_t size)
{
  for (size_t i = 0; i < size / SECTOR_SIZE; i++)
    images->sector[leg][first + i] = store_put (bytes + i * SECTOR_SIZE);
}

static void
put_superblock (const struct crash_shape *shape, unsigned leg, uint64_t events,
                bool turned, struct crash_images *images)
{
  const struct crash_leg *l = &shape->leg[leg];
  uint64_t super = l->real[l->super.first];
  struct create_wish wish = { .layout = shape->layout,
                              .version = shape->version,
                              .assume_clean = shape->begins_clean,
                              .name = "crash" };
  struct create_plan plan
    = { .layout = shape->layout,
        .size = shape->layout.member_size / SECTOR_SIZE,
        .bitmap_chunk = shape->has_bitmap ? shape->region * SECTOR_SIZE : 0,
        .bitmap_offset = (int32_t)(l->real[l->bitmap.first] - super) };
  uint8_t set_uuid[16], device_uuid[16], block[SB1_BLOCK_SIZE];
  struct sb1 sb;

  memset (set_uuid, SET_UUID, sizeof set_uuid);
  memset (device_uuid, 0xd0 + (int)leg, sizeof device_uuid);
  for (unsigned i = 0; i < shape->slots; i++)
    wish.member_bytes[i] = (uint64_t)shape->leg[i].real_sectors * SECTOR_SIZE;
  plan.member[leg] = (struct create_member){
    .super_offset = super,
    .data_offset = l->data.first,
    .data_size = shape->data_size,
    .bblog_offset
    = l->bblog.count > 0 ? (int32_t)(l->real[l->bblog.first] - super) : 0,
    .bblog_size = (uint16_t)l->bblog.count,
  };
  create_superblock (&wish, &plan, leg, set_uuid, device_uuid,
                     SB1_TIME (1000000000, 0), &sb);
  if (!shape->has_bitmap)
    sb.bitmap_offset = 0;
  sb.events = events;
  /* Numbers of members need not be their slots. */
  for (unsigned i = 0; i < shape->slots && turned; i++)
    sb.roles[shape->slots - 1 - i] = (uint16_t)i;
  if (turned)
    sb.dev_number = shape->slots - 1 - leg;
  memset (block, 0xa5, sizeof block);
  memset (block, 0, SB1_HEAD_SIZE);
  sb1_encode (&sb, block);
  put_bytes (images, leg, l->super.first, block, sizeof block);
}

static void
put_bitmap (const struct crash_shape *shape, unsigned leg, uint64_t events,
            bool full, struct crash_images *images)
{
  struct create_plan plan = { .bitmap_chunk = shape->region * SECTOR_SIZE,
                              .bitmap_sync_size
                              = shape->layout.array_size / SECTOR_SIZE };
  uint32_t area = shape->pages * BITMAP_PAGE_SIZE;
  uint32_t regions = div_round_up (plan.bitmap_sync_size, shape->region);
  uint8_t pages[CRASH_PAGES_MAX * BITMAP_PAGE_SIZE] = { 0 }, set_uuid[16];
  struct bitmap_super bitmap;

  memset (set_uuid, SET_UUID, sizeof set_uuid);
  create_bitmap (&plan, set_uuid, &bitmap);
  bitmap.events = events;
  for (uint32_t i = 0; i < (area - BITMAP_HEAD_SIZE) * 8; i++)
    if (i >= regions || full)
      bitmap_set (pages + BITMAP_HEAD_SIZE, i);
  bitmap_encode (&bitmap, pages);
  put_bytes (images, leg, shape->leg[leg].bitmap.first, pages, area);
}

static void
make_member (const struct crash_shape *shape, unsigned leg, uint64_t events,
             bool turned, bool full, struct crash_images *images)
{
  const struct crash_leg *l = &shape->leg[leg];
  uint8_t gap[SECTOR_SIZE], sector[SECTOR_SIZE];

  memset (gap, GAP, sizeof gap);
  for (uint32_t i = 0; i < l->sectors; i++) {
    stamp_write (sector, l->lba[i], shape_initial (shape, leg));
    images->sector[leg][i]
      = store_put (l->lba[i] == CRASH_LBA_NONE ? gap : sector);
  }
  memset (sector, 0xff, sizeof sector);
  for (uint32_t i = 0; i < l->bblog.count; i++)
    images->sector[leg][l->bblog.first + i] = store_put (sector);
  put_superblock (shape, leg, events, turned, images);
  if (shape->has_bitmap)
    put_bitmap (shape, leg, events, full, images);
}

/* --- together --- */

static void
mark_shape (const struct crash_shape *shape)
{
  if (shape->layout.level == LEVEL_RAID1)
    SOMETIMES (RAID1);
  else if (shape->layout.far == 1)
    SOMETIMES (RAID10_NEAR);
  else if (shape->layout.offset)
    SOMETIMES (RAID10_OFFSET);
  else
    SOMETIMES (RAID10_FAR);
  if (!shape->has_bitmap)
    SOMETIMES (NO_BITMAP);
  if (!shape->begins_clean)
    SOMETIMES (BEGINS_DIRTY);
  if (shape->block > 1)
    SOMETIMES (LARGE_BLOCKS);
  if (shape->pages > 1)
    SOMETIMES (SEVERAL_PAGES);
  if (shape->is_wide)
    SOMETIMES (WIDE_REGIONS);
}

/* Regions like those of the bitmap that Linux makes by default: a resync does
 * them in several windows, and large ones in several steps, and may be
 * interrupted in between.
 */
static void
widen (struct random_stream *chance, struct crash_shape *shape)
{
  uint32_t unit = shape->layout.chunk > 0 ? shape->layout.chunk / SECTOR_SIZE
                                          : 8;

  shape->has_bitmap = shape->is_wide = true;
  shape->pages = 1;
  shape->has_holes = random_one_in (chance, 2);
  if (shape->has_holes) {
    shape->region = (SYNC_SPAN / SECTOR_SIZE) << random_between (chance, 1, 2);
    shape->data_size = holes_member_size (shape);
  } else {
    shape->region = (TODO_WINDOW / SECTOR_SIZE)
                    << random_between (chance, 1, 2);
    shape->data_size = random_between (chance, 300, 480) / unit * unit;
  }
}

/* How large, and what is clean of it. */
static void
choose_size (struct random_stream *chance, struct crash_shape *shape)
{
  const struct layout *layout = &shape->layout;
  uint32_t unit = layout->chunk > 0 ? layout->chunk / SECTOR_SIZE : 8;
  uint32_t size = random_between (chance, 32, 384) / unit * unit;

  shape->has_bitmap = !random_one_in (chance, 4);
  shape->region = 8u << random_below (chance, 3);
  shape->begins_clean = !random_one_in (chance, 4);
  shape->pages = 1;
  shape->data_size = MAX (size, 2 * unit * layout->far);
  /* The others are enough to see what becomes of whole arrays. */
  if (shape->has_bitmap && shape->begins_clean && random_one_in (chance, 6)) {
    shape->pages = random_between (chance, 2, CRASH_PAGES_MAX);
    shape->has_holes = true;
    shape->region = 1;
    shape->data_size = holes_member_size (shape);
  }
}

void
shape_choose (struct random_stream *chance, struct crash_shape *ret,
              struct crash_images *ret_images)
{
  uint64_t events = random_below (chance, 100);
  bool turned = random_one_in (chance, 3), full;
  struct random_stream aside = *chance; /* so that nothing else shifts */

  random_init (&aside, random_next (&aside), 2);
  memset (ret, 0, sizeof *ret);
  memset (ret_images, 0, sizeof *ret_images);
  choose_layout (chance, &ret->layout);
  ret->slots = ret->layout.slots;
  ret->version = random_below (chance, 3);
  ret->block = random_one_in (chance, 5) ? 8 : 1;
  choose_size (chance, ret);
  if (!ret->has_holes && random_one_in (&aside, 6))
    widen (&aside, ret);
  layout_set_size (&ret->layout, (uint64_t)ret->data_size * SECTOR_SIZE);
  holes_choose (chance, ret);
  for (unsigned leg = 0; leg < ret->slots; leg++)
    place_areas (ret, chance, leg, ret->data_size);
  holes_map (ret);
  full = !ret->begins_clean || random_one_in (chance, 4);
  for (unsigned leg = 0; leg < ret->slots; leg++)
    make_member (ret, leg, events, turned, full, ret_images);
  mark_shape (ret);
}

void
shape_print (const struct crash_shape *shape)
{
  char name[64];

  layout_name (&shape->layout, name, sizeof name);
  printf ("%s, %u slots, chunk %llu, metadata %s, %u sectors in blocks of %u, "
          "%u regions of %u in %u pages, %s\n",
          name, shape->slots, (unsigned long long)shape->layout.chunk,
          sb1_version_name (shape->version), shape->sectors, shape->block,
          shape->has_bitmap ? shape->regions : 0, shape->region, shape->pages,
          shape->begins_clean ? "clean" : "never synced");
  for (unsigned i = 0; i < shape->slots; i++) {
    const struct crash_leg *l = &shape->leg[i];

    printf ("  leg %u: %u sectors, super %u, bitmap %u+%u, log %u+%u, data "
            "%u+%u\n",
            i, l->sectors, l->super.first, l->bitmap.first, l->bitmap.count,
            l->bblog.first, l->bblog.count, l->data.first, l->data.count);
  }
}
