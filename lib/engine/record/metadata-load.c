/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata-load: memory for an array's metadata, filled with what its members
 * say.
 *
 * Runs before the server forks; does no I/O.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "ground/util.h"
#include "members/members.h"
#include "members/proof.h"

/* All that any of them says: a bit too many costs time, one too few data. */
static void
load_bitmap (struct metadata *md, const struct array *array,
             const struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  const struct member_record *authority = &members->record[assembly->authority];

  md->head = authority->bitmap;
  /* mdadm begins with a rougher number; Linux puts it right, too. */
  md->head.sync_size = array->layout.array_size / SECTOR_SIZE;
  memcpy (md->bitmap.image, authority->head, BITMAP_HEAD_SIZE);
  bitmap_encode (&md->head, md->bitmap.image);
  if (!assembly->bitmap_good)
    bitmap_load (&md->bitmap, NULL);
  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];

    if (record->seat.slot != ASSEMBLE_NO_SLOT && record->bits != NULL
        && (!record->seat.rejoins || record->seat.by_bitmap))
      bitmap_load (&md->bitmap, record->bits);
  }
  /* They may differ, and new members have none: all of it is stored with
   * the first.
   */
  bitmap_untake (&md->bitmap);
}

/* What may differ between copies: after a crash, what the bitmap has set from
 * the checkpoint on.
 */
static void
load_todo (struct metadata *md, const struct array *array,
           const struct assembly *assembly)
{
  uint64_t size = array->layout.array_size, from, region;

  if (!assembly->dirty || assembly->resync_from >= size / SECTOR_SIZE)
    return;
  from = assembly->resync_from * SECTOR_SIZE;
  if (!md->has_bitmap) {
    todo_add (&md->todo, from, size - from);
    return;
  }
  region = md->bitmap.region_size;
  for (uint64_t i = from / region; i < md->bitmap.regions; i++)
    if (bitmap_is_set (&md->bitmap, i))
      todo_add (&md->todo, i * region, region);
}

static void
load (struct metadata *md, const struct array *array,
      const struct members *members)
{
  const struct assembly *assembly = &members->assembly;

  md->truth = members->record[assembly->authority].sb;
  if (md->has_bitmap)
    load_bitmap (md, array, members);
  load_todo (md, array, assembly);
  metadata_publish (md);
  for (unsigned i = 0; i < array->count; i++)
    md->checkpoint.recovered[array->members[i]->place]
      = array->members[i]->recovered;
  for (unsigned i = 0; i < members->count; i++)
    if (members->record[i].seat.slot != ASSEMBLE_NO_SLOT)
      md->seen |= 1u << members->record[i].seat.slot;
  md->found_dirty = assembly->dirty;
  md->checkpoint.resync_offset = assembly->resync_from;
}

uint64_t
metadata_memory (unsigned slots)
{
  return sizeof (struct metadata) + 2 * sizeof (struct request)
         + 2 * LEGS_MAX * (uint64_t)sizeof (struct child)
         + slots * (uint64_t)SB1_BLOCK_SIZE;
}

int
metadata_create (struct array *array, const struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  const struct member_record *authority = &members->record[assembly->authority];
  /* Who only reads has no use for it, and it may be one that nobody can use.
   */
  uint64_t region_size
    = authority->bitmap_verdict != BITMAP_NONE && !array->limits.readonly
        ? authority->bitmap.chunk
        : 0;
  struct metadata *md = calloc (1, sizeof *md);
  struct metadata_maps maps;
  int failed = 0;

  if (md == NULL)
    return -ENOMEM;
  array->md = md;
  ground_mutex_init (&md->lock);
  ground_cond_init (&md->over);
  failed |= requests_init (&md->requests, 1, array);
  failed |= pool_init (&md->pool, LEGS_MAX, LEGS_MAX, 1);
  failed |= requests_init (&md->flushers, 1, array);
  failed |= pool_init (&md->flush_pool, LEGS_MAX, LEGS_MAX, 1);
  failed |= metadata_maps_make (array->layout.array_size, region_size,
                                array->leg_block, &maps);
  metadata_maps_take (md, &maps);
  if (array->beside && !array->limits.readonly) {
    struct evidence kept;

    proof_keep (authority, &kept);
    array->witness = witness_new (&kept);
    failed |= array->witness == NULL ? -ENOMEM : 0;
  }
  if (failed != 0)
    return -ENOMEM;
  load (md, array, members);
  return 0;
}

void
metadata_destroy (struct array *array)
{
  struct metadata *md = array->md;

  if (md == NULL)
    return;
  assert (!md->busy && md->writers == 0);
  pool_destroy (&md->flush_pool);
  requests_destroy (&md->flushers);
  pool_destroy (&md->pool);
  requests_destroy (&md->requests);
  ground_cond_destroy (&md->over);
  ground_mutex_destroy (&md->lock);
  free (md->memory);
  free (md);
  witness_free (array->witness);
  array->witness = NULL;
  array->md = NULL;
}
