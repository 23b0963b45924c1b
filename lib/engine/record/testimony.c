/* SPDX-License-Identifier: BSD-3-Clause */
/* testimony: what the witness knows, on record.
 *
 * Locks held on entry: the turn.  May block on: the stores.
 */
#include "engine/array-internal.h"
#include "engine/record/testimony.h"
#include "ground/util.h"

static bool
has (const struct evidence *evidence, uint64_t offset)
{
  for (unsigned i = 0; i < evidence->count; i++)
    if (evidence->sample[i].offset == offset)
      return true;
  return false;
}

/* May it have been written since it went on record?  Lock of @md held. */
static bool
is_marked (const struct metadata *md, uint64_t offset)
{
  uint64_t region;

  if (!md->has_bitmap)
    return true;
  region = offset / md->bitmap.region_size;
  return region >= md->bitmap.regions || bitmap_is_set (&md->bitmap, region);
}

/* What is right now. */
static void
renew (struct metadata *md, struct witness *witness)
{
  struct evidence next;

  witness_tell (witness, true, &next);
  /* Clean: who begins to write waits for the turn, to say dirty. */
  next.events
    = metadata_state (md) == METADATA_CLEAN ? md->truth.events : 0;
  ground_mutex_lock (&md->lock);
  for (unsigned i = 0; i < witness->stored.count; i++) {
    const struct evidence_sample *sample = &witness->stored.sample[i];

    if (next.count < EVIDENCE_MAX && !has (&next, sample->offset)
        && !is_marked (md, sample->offset))
      next.sample[next.count++] = *sample;
  }
  ground_mutex_unlock (&md->lock);
  witness->stored = next;
  evidence_encode (&witness->stored, witness->block);
}

int
testimony_store (struct array *array)
{
  struct witness *witness = array->witness;
  struct request *request = array->md->request;

  if (witness == NULL)
    return 0;
  renew (array->md, witness);
  request_pin_newest (request);
  return metadata_store_beside (array, request_view (request)->targets,
                                witness->block);
}

int
testimony_forget (struct array *array, uint32_t places)
{
  if (array->witness == NULL)
    return 0;
  request_pin_newest (array->md->request);
  return metadata_store_beside (array, places, array->zeroes);
}

int
testimony_forget_all (struct array *array)
{
  if (array->witness == NULL)
    return 0;
  array->witness->stored.count = 0;
  request_pin_newest (array->md->request);
  return testimony_forget (array,
                               request_view (array->md->request)->targets);
}
