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
witness_new (const struct evidence *older)
{
  struct witness *witness = calloc (1, sizeof *witness);

  if (witness == NULL)
    return NULL;
  ground_mutex_init (&witness->lock);
  witness->written = (struct witness_ring){ witness->samples, WITNESS_WRITTEN,
                                            0 };
  witness->flushed
    = (struct witness_ring){ witness->samples + WITNESS_WRITTEN,
                             WITNESS_FLUSHED, 0 };
  if (older != NULL)
    witness->older = *older;
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

/* Lock held. */
static void
push (struct witness_ring *ring, const struct evidence_sample *sample)
{
  ring->sample[ring->next] = *sample;
  ring->next = (ring->next + 1) % ring->size;
}

void
witness_forget (struct witness *witness, uint64_t offset, uint64_t length)
{
  if (witness == NULL)
    return;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < ARRAY_LENGTH (witness->samples); i++)
    if (ranges_overlap (witness->samples[i].offset, EVIDENCE_SAMPLE, offset,
                        length))
      witness->samples[i].sum = 0;
  for (unsigned i = 0; i < witness->older.count; i++)
    if (ranges_overlap (witness->older.sample[i].offset, EVIDENCE_SAMPLE,
                        offset, length))
      witness->older.sample[i].sum = 0;
  ground_mutex_unlock (&witness->lock);
}

void
witness_note (struct witness *witness, const void *buffer, uint64_t offset,
              uint64_t length)
{
  struct evidence_sample sample
    = { .offset = round_up (offset, EVIDENCE_SAMPLE) };

  if (witness == NULL || length < EVIDENCE_SAMPLE
      || sample.offset - offset > length - EVIDENCE_SAMPLE)
    return;
  sample.sum
    = evidence_sum ((const char *)buffer + (sample.offset - offset));
  if (sample.sum == 0)
    return;
  ground_mutex_lock (&witness->lock);
  witness->covered[witness->written.next] = false;
  push (&witness->written, &sample);
  ground_mutex_unlock (&witness->lock);
}

/* ------------------------------------------------------------------ flushes */

void
witness_flush_begin (struct witness *witness)
{
  if (witness == NULL)
    return;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < WITNESS_WRITTEN; i++)
    witness->covered[i] = true;
  ground_mutex_unlock (&witness->lock);
}

void
witness_flush_end (struct witness *witness)
{
  if (witness == NULL)
    return;
  ground_mutex_lock (&witness->lock);
  for (unsigned i = 0; i < WITNESS_WRITTEN; i++) {
    unsigned oldest = (witness->written.next + i) % WITNESS_WRITTEN;
    struct evidence_sample *sample = &witness->written.sample[oldest];

    if (witness->covered[oldest] && sample->sum != 0) {
      push (&witness->flushed, sample);
      sample->sum = 0;
    }
  }
  ground_mutex_unlock (&witness->lock);
}

/* ------------------------------------------------------------------ looking */

/* Lock held. */
static void
tell (const struct witness_ring *ring, struct evidence *ret)
{
  ret->count = 0;
  for (unsigned i = 1; i <= ring->size; i++) {
    const struct evidence_sample *sample
      = &ring->sample[(ring->next + ring->size - i) % ring->size];

    if (sample->sum != 0)
      ret->sample[ret->count++] = *sample;
  }
}

void
witness_tell (struct witness *witness, bool flushed, struct evidence *ret)
{
  ground_mutex_lock (&witness->lock);
  tell (flushed ? &witness->flushed : &witness->written, ret);
  ground_mutex_unlock (&witness->lock);
}

void
witness_tell_all (struct witness *witness, struct evidence *ret)
{
  ground_mutex_lock (&witness->lock);
  tell (&witness->flushed, ret);
  for (unsigned i = 0; i < witness->older.count && ret->count < EVIDENCE_MAX;
       i++)
    if (witness->older.sample[i].sum != 0)
      ret->sample[ret->count++] = witness->older.sample[i];
  ground_mutex_unlock (&witness->lock);
}

void
witness_drop_older (struct witness *witness)
{
  ground_mutex_lock (&witness->lock);
  witness->older.count = 0;
  ground_mutex_unlock (&witness->lock);
}
