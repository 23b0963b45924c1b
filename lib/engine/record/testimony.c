/* SPDX-License-Identifier: BSD-3-Clause */
/* testimony: what the witness knows, on record.
 *
 * Locks held on entry: the turn.  May block on: the stores.
 */
#include "engine/array-internal.h"
#include "engine/record/testimony.h"
#include "ground/util.h"

/* What is right now. */
static void
renew (const struct metadata *md, struct witness *witness)
{
  struct evidence next;

  witness_tell_all (witness, &next);
  /* Clean: who begins to write waits for the turn, to say dirty. */
  next.events
    = metadata_state (md) == METADATA_CLEAN ? md->truth.events : 0;
  evidence_encode (&next, witness->block);
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
  witness_drop_older (array->witness);
  request_pin_newest (array->md->request);
  return testimony_forget (array,
                           request_view (array->md->request)->targets);
}
