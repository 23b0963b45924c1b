/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-shape: choosing a geometry, and making members of it. */
#include <stdio.h>
#include <string.h>

#include "crash-marks.h"
#include "crash-shape.h"
#include "crash-store.h"
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

/* Where everything lies on @leg, whose data are @size sectors. */
static void
place_areas (struct crash_shape *shape, struct random_stream *chance,
             unsigned leg, uint32_t size)
{
  struct crash_leg *l = &shape->leg[leg];
  uint32_t skew = 8 * random_below (chance, 3);
  uint32_t metadata = 8;
  uint64_t super = 0;

  l->data = (struct crash_area){ skew, size };
  l->sectors = skew + size + PAGE_SECTORS + BBLOG_SECTORS + SUPER_SECTORS + 8
               + (shape->block > 1 ? 0 : random_below (chance, 16));
  if (shape->version != SB1_VERSION_1_0) {
    l->data.first += shape->version == SB1_VERSION_1_2 ? 32 : 24;
    l->sectors += skew + (shape->version == SB1_VERSION_1_2 ? 8 : 0);
  }
  assert (l->sectors <= CRASH_MEMBER_MAX);
  if (!sb1_offset (shape->version, (uint64_t)l->sectors * SECTOR_SIZE, &super))
    assert (0);
  l->super = (struct crash_area){ super / SECTOR_SIZE, SUPER_SECTORS };
  metadata = l->super.first + SUPER_SECTORS;
  if (shape->version == SB1_VERSION_1_0)
    metadata = l->super.first - PAGE_SECTORS - BBLOG_SECTORS;
  if (shape->has_bitmap)
    l->bitmap = (struct crash_area){ metadata, PAGE_SECTORS };
  if (random_one_in (chance, 2))
    l->bblog = (struct crash_area){ metadata + PAGE_SECTORS, BBLOG_SECTORS };
}

/* Both ways between the array and its members. */
static void
map_sectors (struct crash_shape *shape)
{
  struct copy copies[LEGS_MAX];

  shape->copies = layout_copies (&shape->layout);
  memset (shape->copy, 0, sizeof shape->copy);
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++)
    for (uint32_t i = 0; i < CRASH_MEMBER_MAX; i++)
      shape->leg[leg].lba[i] = CRASH_LBA_NONE;
  for (uint32_t lba = 0; lba < shape->sectors; lba++) {
    layout_map (&shape->layout, (uint64_t)lba * SECTOR_SIZE, copies);
    for (unsigned i = 0; i < shape->copies; i++) {
      unsigned leg = copies[i].slot;
      uint32_t sector
        = shape->leg[leg].data.first + copies[i].offset / SECTOR_SIZE;

      shape->copy[lba][i] = (struct crash_copy){ leg, sector };
      shape->leg[leg].lba[sector] = lba;
    }
  }
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
  struct create_wish wish = { .layout = shape->layout,
                              .version = shape->version,
                              .assume_clean = shape->begins_clean,
                              .name = "crash" };
  struct create_plan plan
    = { .layout = shape->layout,
        .size = shape->layout.member_size / SECTOR_SIZE,
        .bitmap_chunk = shape->has_bitmap ? shape->region * SECTOR_SIZE : 0,
        .bitmap_offset = (int32_t)(l->bitmap.first - l->super.first) };
  uint8_t set_uuid[16], device_uuid[16], block[SB1_BLOCK_SIZE];
  struct sb1 sb;

  memset (set_uuid, SET_UUID, sizeof set_uuid);
  memset (device_uuid, 0xd0 + (int)leg, sizeof device_uuid);
  for (unsigned i = 0; i < shape->slots; i++)
    wish.member_bytes[i] = (uint64_t)shape->leg[i].sectors * SECTOR_SIZE;
  plan.member[leg] = (struct create_member){
    .super_offset = l->super.first,
    .data_offset = l->data.first,
    .data_size = l->data.count,
    .bblog_offset
    = l->bblog.count > 0 ? (int32_t)(l->bblog.first - l->super.first) : 0,
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
                              .bitmap_sync_size = shape->sectors };
  uint8_t page[BITMAP_PAGE_SIZE] = { 0 }, set_uuid[16];
  struct bitmap_super bitmap;

  memset (set_uuid, SET_UUID, sizeof set_uuid);
  create_bitmap (&plan, set_uuid, &bitmap);
  bitmap.events = events;
  for (uint32_t i = 0; i < (BITMAP_PAGE_SIZE - BITMAP_HEAD_SIZE) * 8; i++)
    if (i >= shape->regions || full)
      bitmap_set (page + BITMAP_HEAD_SIZE, i);
  bitmap_encode (&bitmap, page);
  put_bytes (images, leg, shape->leg[leg].bitmap.first, page, sizeof page);
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
}

void
shape_choose (struct random_stream *chance, struct crash_shape *ret,
              struct crash_images *ret_images)
{
  uint64_t events = random_below (chance, 100);
  bool turned = random_one_in (chance, 3), full;
  uint32_t unit, size;

  memset (ret, 0, sizeof *ret);
  memset (ret_images, 0, sizeof *ret_images);
  choose_layout (chance, &ret->layout);
  ret->slots = ret->layout.slots;
  ret->version = random_below (chance, 3);
  ret->block = random_one_in (chance, 5) ? 8 : 1;
  ret->has_bitmap = !random_one_in (chance, 4);
  ret->region = 8u << random_below (chance, 3);
  ret->begins_clean = !random_one_in (chance, 4);
  unit = ret->layout.chunk > 0 ? ret->layout.chunk / SECTOR_SIZE : 8;
  size = random_between (chance, 32, 384) / unit * unit;
  size = MAX (size, 2 * unit * ret->layout.far);
  layout_set_size (&ret->layout, (uint64_t)size * SECTOR_SIZE);
  ret->sectors = ret->layout.array_size / SECTOR_SIZE;
  assert (ret->sectors > 0 && ret->sectors <= CRASH_ARRAY_MAX);
  ret->regions = div_round_up (ret->sectors, ret->region);
  for (unsigned leg = 0; leg < ret->slots; leg++)
    place_areas (ret, chance, leg, size);
  map_sectors (ret);
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
          "%u regions of %u, %s\n",
          name, shape->slots, (unsigned long long)shape->layout.chunk,
          sb1_version_name (shape->version), shape->sectors, shape->block,
          shape->has_bitmap ? shape->regions : 0, shape->region,
          shape->begins_clean ? "clean" : "never synced");
  for (unsigned i = 0; i < shape->slots; i++) {
    const struct crash_leg *l = &shape->leg[i];

    printf ("  leg %u: %u sectors, super %u, bitmap %u+%u, log %u+%u, data "
            "%u+%u\n",
            i, l->sectors, l->super.first, l->bitmap.first, l->bitmap.count,
            l->bblog.first, l->bblog.count, l->data.first, l->data.count);
  }
}
