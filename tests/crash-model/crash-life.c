/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-life: the beginning of a life. */
#include <stdlib.h>
#include <string.h>

#include "crash-life.h"
#include "crash-meta.h"
#include "crash-store.h"
#include "ground/util.h"

static void
add_base (struct crash_life *life, uint32_t lba, uint64_t value)
{
  for (unsigned i = 0; i < life->bases[lba]; i++)
    if (life->base[lba][i] == value)
      return;
  assert (life->bases[lba] < CRASH_BASES_MAX);
  life->base[lba][life->bases[lba]++] = value;
}

/* What current copies hold. */
static void
add_bases (struct crash_life *life, const struct crash_meta *meta)
{
  const struct crash_shape *shape = life->shape;

  for (uint32_t lba = 0; lba < shape->sectors; lba++)
    for (unsigned i = 0; i < shape->copies; i++) {
      const struct crash_copy *copy = &shape->copy[lba][i];
      uint64_t value;

      if (meta_is_current (shape, meta, copy)
          && store_value (life->start.sector[copy->leg][copy->sector], lba,
                          &value))
        add_base (life, lba, value);
    }
}

struct crash_life *
life_new (const struct crash_shape *shape, const struct crash_life *parent,
          const struct crash_images *images, uint32_t present, int keep)
{
  static unsigned number;
  static struct crash_meta meta;
  struct crash_life *life = calloc (1, sizeof *life);
  uint32_t current;

  assert (life != NULL);
  number = parent == NULL ? 1 : number + 1;
  life->shape = shape;
  life->parent = parent;
  life->depth = parent == NULL ? 0 : parent->depth + 1;
  life->number = number;
  life->present = present;
  life->keep = keep;
  life->start = *images;
  record_init (&life->record, shape);
  for (uint32_t lba = 0; lba < shape->sectors; lba++)
    life->seen[lba] = CRASH_NO_VALUE;
  /* Those that stay away may count, too, as long as nothing is written without
   * them; so what any company of them would believe.
   */
  meta_look (shape, images, (1u << shape->slots) - 1, keep, &meta);
  current = meta.in_sync;
  for (uint32_t legs = 1; legs < 1u << shape->slots; legs++) {
    if (!(legs & current) && legs != present)
      continue;
    meta_look (shape, images, legs, keep, &meta);
    add_bases (life, &meta);
  }
  meta_look (shape, images, present, keep, &meta);
  life->in_sync = meta.in_sync;
  for (unsigned leg = 0; leg < shape->slots; leg++)
    if (meta.part[leg].part == PART_SPLIT)
      life->apart |= 1u << leg;
  return life;
}

void
life_free (struct crash_life *life)
{
  record_free (&life->record);
  free (life);
}
