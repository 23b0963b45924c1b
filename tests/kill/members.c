/* SPDX-License-Identifier: BSD-3-Clause */
/* members: see members.h. */

#include <stdlib.h>

#include "members.h"

static uint32_t
u32 (const uint8_t *at)
{
  return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t
u64 (const uint8_t *at)
{
  return u32 (at) | (uint64_t)u32 (at + 4) << 32;
}

static uint32_t
u16 (const uint8_t *at)
{
  return at[0] | at[1] << 8;
}

static uint32_t
checksum (const uint8_t *sector, uint32_t max_dev)
{
  uint64_t sum = 0;

  for (unsigned at = 0; at < 256 + 2 * max_dev; at += 4)
    if (at != 216)
      sum += u32 (sector + at);
  return (uint32_t)sum + (uint32_t)(sum >> 32);
}

bool
md_read (const uint8_t *sector, struct md_super *ret)
{
  uint32_t max_dev = u32 (sector + 220);

  /* All of it is in this sector. */
  if (u32 (sector) != 0xa92b4efc || max_dev > (SECTOR - 256) / 2
      || max_dev < RECLOG_LEGS || max_dev % 2 != 0
      || checksum (sector, max_dev) != u32 (sector + 216))
    return false;
  ret->features = u32 (sector + 8);
  ret->level = u32 (sector + 72);
  ret->layout = u32 (sector + 76);
  ret->size = u64 (sector + 80);
  ret->chunk = u32 (sector + 88);
  ret->disks = u32 (sector + 92);
  ret->bitmap_offset = u32 (sector + 96);
  ret->data_offset = u64 (sector + 128);
  ret->recovery_offset = u64 (sector + 152);
  ret->dev_number = u32 (sector + 160);
  ret->events = u64 (sector + 200);
  ret->resync_offset = u64 (sector + 208);
  for (unsigned i = 0; i < RECLOG_LEGS; i++)
    ret->roles[i] = u16 (sector + 256 + 2 * i);
  return ret->dev_number < RECLOG_LEGS && ret->disks <= RECLOG_LEGS;
}

/* ------------------------------------------------------------------- layout */

static void
place (struct geometry *geometry, unsigned copy, uint64_t s, unsigned leg,
       uint64_t sector)
{
  geometry->copy[copy * geometry->sectors + s]
      = (struct place){ .leg = leg, .sector = sector };
  geometry->array_sector[leg][sector] = s;
}

/* Section by section as md(4) describes them; @rows of chunks on each leg. */
static void
place_raid10 (struct geometry *geometry, const struct md_super *super,
              uint64_t rows)
{
  unsigned near = super->layout & 255, far = super->layout >> 8 & 255;
  bool is_offset = super->layout >> 16 & 1;
  uint64_t chunk = super->chunk, disks = super->disks;
  uint64_t stride = is_offset ? chunk : rows / far * chunk;

  for (uint64_t s = 0; s < geometry->sectors; s++)
    for (unsigned j = 0; j < near; j++) {
      uint64_t q = s / chunk * near + j;
      uint64_t at = q / disks * (is_offset ? far : 1) * chunk + s % chunk;

      for (unsigned k = 0; k < far; k++)
        place (geometry, j * far + k, s, (q + k * near) % disks,
               at + k * stride);
    }
}

static bool
lay_out (struct geometry *geometry, const struct md_super *super)
{
  uint64_t near = super->layout & 255, far = super->layout >> 8 & 255;
  uint64_t rows;

  if (super->level == 1) {
    geometry->copies = super->disks;
    geometry->sectors = super->size;
  }
  else {
    if (super->chunk == 0 || near == 0 || far == 0)
      return false;
    rows = super->size / super->chunk / far;
    geometry->copies = near * far;
    geometry->sectors = rows * super->disks / near * super->chunk;
  }
  geometry->copy = calloc (geometry->copies * geometry->sectors,
                           sizeof *geometry->copy);
  for (unsigned leg = 0; leg < geometry->legs; leg++) {
    geometry->array_sector[leg] = malloc (super->size * sizeof (uint32_t));
    memset (geometry->array_sector[leg], 255, super->size * sizeof (uint32_t));
  }
  if (super->level == 1)
    for (unsigned copy = 0; copy < geometry->copies; copy++)
      for (uint64_t s = 0; s < geometry->sectors; s++)
        place (geometry, copy, s, copy, s);
  else
    place_raid10 (geometry, super, super->size / super->chunk / far * far);
  return geometry->copies <= RECLOG_LEGS;
}

static bool
lay_out_plain (struct geometry *geometry, const uint64_t *size)
{
  struct md_super super = { .level = 1, .disks = geometry->legs };

  super.size = size[0] / SECTOR;
  geometry->data_size = size[0];
  return lay_out (geometry, &super);
}

static bool
find_super (const uint8_t *image, uint64_t size, uint64_t *ret_at,
            struct md_super *ret)
{
  uint64_t end = (size / SECTOR - 16) / 8 * 8;
  uint64_t places[3] = { 0, 8, end };

  for (unsigned i = 0; i < 3; i++)
    if (md_read (image + places[i] * SECTOR, ret)) {
      *ret_at = places[i] * SECTOR;
      return true;
    }
  return false;
}

bool
geometry_open (struct geometry *geometry, const uint8_t *const *image,
               const uint64_t *size, unsigned legs)
{
  struct md_super super;
  const uint8_t *bitmap;

  memset (geometry, 0, sizeof *geometry);
  geometry->legs = legs;
  if (!find_super (image[0], size[0], &geometry->super_at, &super))
    return lay_out_plain (geometry, size);
  geometry->md = true;
  geometry->data_at = super.data_offset * SECTOR;
  geometry->data_size = super.size * SECTOR;
  if (!lay_out (geometry, &super))
    return false;
  if (super.features & MD_BITMAP) {
    geometry->bitmap_at
        = geometry->super_at + (int64_t)super.bitmap_offset * (int)SECTOR;
    bitmap = image[0] + geometry->bitmap_at;
    if (u32 (bitmap) != 0x6d746962)
      return false;
    geometry->region = u32 (bitmap + 52) / SECTOR;
    geometry->bitmap_size
        = 256
          + ((geometry->sectors + geometry->region - 1) / geometry->region + 7)
                / 8;
  }
  return true;
}

void
geometry_close (struct geometry *geometry)
{
  free (geometry->copy);
  for (unsigned leg = 0; leg < geometry->legs; leg++)
    free (geometry->array_sector[leg]);
}

bool
geometry_is_enough (const struct geometry *geometry, uint32_t legs)
{
  for (uint64_t s = 0; s < geometry->sectors; s++) {
    bool found = false;

    for (unsigned i = 0; i < geometry->copies; i++)
      found |= legs >> geometry_copy (geometry, i, s)->leg & 1;
    if (!found)
      return false;
  }
  return true;
}

/* ------------------------------------------------------------------ verdict */

static bool
has_slot (const struct md_super *super, uint32_t dev_number)
{
  return super->roles[dev_number] < super->disks;
}

void
members_judge (const struct geometry *geometry, const uint8_t *const *image,
               struct verdict *ret)
{
  struct md_super super[RECLOG_LEGS];
  bool found = false;

  memset (ret, 0, sizeof *ret);
  if (!geometry->md) {
    for (unsigned leg = 0; leg < geometry->legs; leg++)
      ret->in_sync |= (uint32_t)(image[leg] != NULL) << leg;
    ret->readable = ret->in_sync;
    return;
  }
  for (unsigned leg = 0; leg < geometry->legs; leg++) {
    if (image[leg] == NULL
        || !md_read (image[leg] + geometry->super_at, &super[leg]))
      continue;
    ret->readable |= 1u << leg;
    if (has_slot (&super[leg], super[leg].dev_number)
        && (!found || super[leg].events > ret->events)) {
      found = true;
      ret->freshest = leg;
      ret->events = super[leg].events;
    }
  }
  if (!found)
    return;
  ret->clean = super[ret->freshest].resync_offset == MD_CLEAN;
  for (unsigned leg = 0; leg < geometry->legs; leg++)
    if (ret->readable >> leg & 1 && super[leg].events + 1 >= ret->events
        && has_slot (&super[ret->freshest], super[leg].dev_number)) {
      if (super[leg].features & MD_RECOVERING)
        ret->recovering |= 1u << leg;
      else
        ret->in_sync |= 1u << leg;
    }
}
