/* SPDX-License-Identifier: BSD-3-Clause */
/* witness: what clients wrote lately, so that a disk is known again whose
 * superblock is not on it, but in a state file.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/record/witness.h"
#include "ground/util.h"

struct witness *
witness_new (const struct evidence *stored)
{
  struct witness *witness = calloc (1, sizeof *witness);

  if (witness == NULL)
    return NULL;
  ground_mutex_init (&witness->lock);
  if (stored != NULL)
    witness->stored = *stored;
  return witness;
}

void
witness_free (struct witness *witness)
{
  if (witness == NULL)
    return;
  ground_mutex_destroy (&witness->lock);
  free (witness);
}

/* ------------------------------------------------------------------ writers */

void
witness_forget (struct witness *witness, uint64_t offset, uint64_t length)
{
  if (witness == NULL)
    return;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < WITNESS_RECENT; i++)
    if (ranges_overlap (witness->recent[i].sample.offset, EVIDENCE_SAMPLE,
                        offset, length))
      witness->recent[i].state = WITNESS_FREE;
  ground_mutex_unlock (&witness->lock);
}

void
witness_note (struct witness *witness, const void *buffer, uint64_t offset,
              uint64_t length)
{
  uint64_t at = round_up (offset, EVIDENCE_SAMPLE), sum;
  struct witness_recent *recent;

  if (witness == NULL || length < EVIDENCE_SAMPLE
      || at - offset > length - EVIDENCE_SAMPLE)
    return;
  sum = evidence_sum ((const char *)buffer + (at - offset));
  if (sum == 0)
    return;
  ground_mutex_lock (&witness->lock);
  recent = &witness->recent[witness->next];
  witness->next = (witness->next + 1) % WITNESS_RECENT;
  recent->sample = (struct evidence_sample){ at, sum };
  recent->state = WITNESS_WRITTEN;
  ground_mutex_unlock (&witness->lock);
}

/* ------------------------------------------------------------------ flushes */

static void
change_all (struct witness *witness, enum witness_state from,
            enum witness_state to)
{
  if (witness == NULL)
    return;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < WITNESS_RECENT; i++)
    if (witness->recent[i].state == from)
      witness->recent[i].state = to;
  ground_mutex_unlock (&witness->lock);
}

void
witness_flush_begin (struct witness *witness)
{
  change_all (witness, WITNESS_WRITTEN, WITNESS_COVERED);
}

void
witness_flush_end (struct witness *witness)
{
  change_all (witness, WITNESS_COVERED, WITNESS_FLUSHED);
}

/* ------------------------------------------------------------------ looking */

void
witness_tell (struct witness *witness, bool flushed, struct evidence *ret)
{
  ret->count = 0;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < WITNESS_RECENT; i++) {
    const struct witness_recent *recent
      = &witness->recent[(witness->next + WITNESS_RECENT - 1 - i)
                         % WITNESS_RECENT];

    if (recent->state != WITNESS_FREE
        && (recent->state == WITNESS_FLUSHED) == flushed)
      ret->sample[ret->count++] = recent->sample;
  }
  ground_mutex_unlock (&witness->lock);
}
