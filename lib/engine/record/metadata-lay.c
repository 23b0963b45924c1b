/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-lay: the bitmap and the list of what differs, laid out for a size;
 * and laid anew while the array runs.
 *
 *   1  flush           what was written is on all targets
 *   2  superblocks     without a bitmap, where they are to be: after a crash
 *                      from here to 4 everything is brought together
 *   3  the new bitmap  set is what was set, and what is new
 *   4  superblocks     with it, and with the new size
 *
 * Locks held on entry: the turn, but for the maps; the whole range.  May block
 * on: flush rounds, the stores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/record/testimony.h"
#include "ground/util.h"

/* ------------------------------------------------------------------ memory */

int
metadata_maps_make (uint64_t size, uint64_t region_size, uint32_t block,
                    struct metadata_maps *ret)
{
  uint64_t window = todo_window_size (size, region_size, block);
  size_t regions = 0, area = 0, list = todo_memory (size, window);
  char *at;

  *ret = (struct metadata_maps){ .has_bitmap = region_size != 0 };
  if (ret->has_bitmap) {
    uint64_t bytes = bitmap_area_bytes (size / SECTOR_SIZE, region_size);

    regions = bitmap_memory (div_round_up (size, region_size));
    regions = round_up (regions, BITMAP_PAGE_SIZE);
    area = round_up (bytes, BITMAP_PAGE_SIZE);
    ret->area_used = round_up (bytes, block);
  }
  /* One piece for all. */
  ret->memory_size = area + regions + list;
  if (posix_memalign (&ret->memory, BOUNCE_ALIGNMENT, ret->memory_size) != 0) {
    ret->memory = NULL;
    return -ENOMEM;
  }
  at = ret->memory;
  ret->staging = (uint8_t *)at;
  at += area;
  if (ret->has_bitmap) {
    bitmap_init (&ret->bitmap, size, region_size, at);
    assert (ret->bitmap.area_size == area);
  }
  at += regions;
  todo_init (&ret->todo, size, window, at);
  return 0;
}

void
metadata_maps_take (struct metadata *md, const struct metadata_maps *maps)
{
  md->has_bitmap = maps->has_bitmap;
  md->bitmap = maps->bitmap;
  md->area_used = maps->area_used;
  md->staging = maps->staging;
  md->todo = maps->todo;
  md->memory = maps->memory;
  md->memory_size = maps->memory_size;
}

/* ---------------------------------------------------------------- laid anew */

/* As if there had been a write. */
static void
set_bits (struct bitmap *bitmap, uint64_t offset, uint64_t length)
{
  uint64_t sequence;
  bool counted = bitmap_begin (bitmap, offset, length, &sequence);

  assert (counted);
  bitmap_end (bitmap, offset, length);
}

/* What the bitmap of before has set. */
static void
carry_over (const struct bitmap *from, struct bitmap *to)
{
  for (uint64_t i = 0; i < from->regions; i++)
    if (bitmap_is_set (from, i)) {
      uint64_t offset = i * from->region_size;

      set_bits (to, offset, MIN (from->region_size, from->size - offset));
    }
}

/* Nobody knows what is there. */
static void
mark_new (struct metadata_maps *maps, uint64_t before, uint64_t size)
{
  if (size <= before)
    return;
  todo_add (&maps->todo, before, size - before);
  if (maps->has_bitmap)
    set_bits (&maps->bitmap, before, size - before);
}

static void
make_head (struct metadata *md, const struct metadata_plan *plan, bool had)
{
  struct bitmap_super *head = &md->head;

  if (!had) {
    *head = (struct bitmap_super){ .magic = BITMAP_MAGIC,
                                   .version = BITMAP_VERSION,
                                   .daemon_sleep = BITMAP_DAEMON_SLEEP_DEFAULT };
    memcpy (head->uuid, md->truth.set_uuid, sizeof head->uuid);
    /* It does not know what those who are gone have missed. */
    head->events_cleared = md->truth.events;
  }
  head->events = md->truth.events;
  head->sync_size = plan->layout.array_size / SECTOR_SIZE;
  head->chunk = plan->chunk;
  head->sectors_reserved = 0;
}

static void
move_superblocks (struct metadata *md, const struct metadata_plan *plan)
{
  const struct view *view = request_view (md->request);

  for (uint32_t left = view->targets | view->spares; left != 0;
       left &= left - 1) {
    unsigned place = __builtin_ctz (left);
    struct sb1 *sb = &view->member[place]->super.sb;

    sb->super_offset = plan->member[place].super_offset;
    sb->data_size = plan->member[place].data_size;
    sb->bitmap_offset = plan->bitmap_offset;
  }
}

/* In memory; *@maps become what was there before. */
static void
exchange_maps (struct array *array, const struct metadata_plan *plan, bool had,
               struct metadata_maps *maps)
{
  struct metadata *md = array->md;
  struct metadata_maps old = { .memory = md->memory };

  /* First: who finds something on the list finds it in the view. */
  ground_mutex_lock (&array->state_lock);
  array->layout = plan->layout;
  view_publish (array);
  ground_mutex_unlock (&array->state_lock);
  ground_mutex_lock (&md->lock);
  metadata_maps_take (md, maps);
  md->stored_sets = 0;
  md->bits_stored = false;
  if (md->has_bitmap) {
    make_head (md, plan, had);
    bitmap_encode (&md->head, md->bitmap.image);
    bitmap_untake (&md->bitmap);
  }
  metadata_publish (md);
  ground_mutex_unlock (&md->lock);
  md->truth.size = plan->layout.member_size / SECTOR_SIZE;
  md->truth.bitmap_offset = plan->bitmap_offset;
  *maps = old;
}

static void
forget_bitmap (struct metadata *md)
{
  ground_mutex_lock (&md->lock);
  md->has_bitmap = false;
  ground_mutex_unlock (&md->lock);
}

static int
store_without (struct array *array, const struct metadata_plan *plan)
{
  struct metadata *md = array->md;
  int r;

  request_pin_newest (md->request);
  r = flush_members (md->request, request_view (md->request)->targets,
                     &md->pool);
  if (r < 0)
    return r;
  forget_bitmap (md);
  request_pin_newest (md->request);
  move_superblocks (md, plan);
  return metadata_write_supers (array, true, NULL);
}

static void
store_spares (struct array *array)
{
  struct request *request = array->md->request;

  request_pin_newest (request);
  for (uint32_t left = request_view (request)->spares; left != 0;
       left &= left - 1)
    metadata_store_spare_bitmap (
      array, request_member (request, __builtin_ctz (left)));
  metadata_store_spares (array);
}

static int
store_with (struct array *array)
{
  /* Bits that are clear there say nothing of what was written before. */
  int r = testimony_forget_all (array);

  if (r == 0)
    r = metadata_store_bits (array);
  if (r < 0)
    forget_bitmap (array->md);
  if (r == 0)
    r = metadata_write_supers (array, true, NULL);
  if (r == 0)
    store_spares (array);
  return r;
}

int
metadata_lay (struct array *array, const struct metadata_plan *plan)
{
  struct metadata *md = array->md;
  uint64_t size = plan->layout.array_size;
  bool had = md->has_bitmap;
  struct metadata_maps maps;
  int r;

  assert (atomic_load (&md->todo_left) == 0 && md->writers == 0);
  r = metadata_maps_make (size, plan->chunk, array->leg_block, &maps);
  if (r < 0)
    return r;
  if (had && maps.has_bitmap)
    carry_over (&md->bitmap, &maps.bitmap);
  mark_new (&maps, array->layout.array_size, size);
  r = store_without (array, plan);
  if (r == 0) {
    exchange_maps (array, plan, had, &maps);
    r = store_with (array);
  }
  free (maps.memory);
  return r;
}
