/* SPDX-License-Identifier: BSD-3-Clause */
/* witness: what clients wrote lately, so that a disk is known again whose
 * superblock is not on it, but in a state file (logic/evidence.h).
 *
 *   written   acknowledged: a server that dies may lose it
 *   covered   a flush of all members has begun since
 *   flushed   and succeeded: on stable storage wherever it counts
 *
 * Before a sector is written again its sample is forgotten, so what is here is
 * what the array holds, also while others write.
 *
 * What is flushed goes on record (testimony).
 *
 * Costs one sum of 512 bytes and some hundred comparisons for each write.  Locks:
 * its own, a leaf.  Does not block.
 */
#ifndef MIRROR_WITNESS_H
#define MIRROR_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"
#include "logic/evidence.h"

#define WITNESS_WRITTEN 32
#define WITNESS_FLUSHED 96

/* Samples, the oldest at @next; a sum of 0 is none. */
struct witness_ring {
  struct evidence_sample *sample;
  unsigned size, next;
};

struct witness {
  struct ground_mutex lock;
  struct evidence_sample samples[WITNESS_WRITTEN + WITNESS_FLUSHED];
  struct witness_ring written, flushed;
  bool covered[WITNESS_WRITTEN];
  struct evidence older; /* on record before this run, and still so */

  uint8_t block[EVIDENCE_SIZE]; /* what is stored; of who has the metadata's
                                   turn */
};

/* @older: what was found on record and is true now, or NULL.  NULL: no memory. */
struct witness *witness_new (const struct evidence *older);
void witness_free (struct witness *witness); /* NULL is none */

/* Before anything is sent of a modification, with its range locked, and when a
 * write of @buffer has succeeded.  NULL is no witness.
 */
void witness_forget (struct witness *witness, uint64_t offset,
                     uint64_t length);
void witness_note (struct witness *witness, const void *buffer,
                   uint64_t offset, uint64_t length);

/* Before a flush of all members is sent, and after it succeeded on all that
 * count.  NULL is no witness.
 */
void witness_flush_begin (struct witness *witness);
void witness_flush_end (struct witness *witness);

/* All that is flushed, or all that is not, the newest first. */
void witness_tell (struct witness *witness, bool flushed,
                   struct evidence *ret);

/* All that is flushed, the newest first, and then what is older, as far as there
 * is room.
 */
void witness_tell_all (struct witness *witness, struct evidence *ret);

/* What is older is none of ours any more. */
void witness_drop_older (struct witness *witness);

#endif /* MIRROR_WITNESS_H */
