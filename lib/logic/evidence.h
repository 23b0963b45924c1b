/* SPDX-License-Identifier: BSD-3-Clause */
/* evidence: by what a disk that says nothing of itself is known again.
 *
 * Pure.  Sums of samples: of sectors that clients have written and that are on
 * stable storage on every disk that counts.  They lie in the state file, behind
 * the superblock of each disk.  A sample tells something of a disk
 *
 *   if the disk's own bitmap has no bit there: it has not been written since, or
 *     the evidence would be newer
 *   if @events is what the disk's superblock has: nothing has been written since
 *
 * So a disk that was emptied, exchanged or restored from an older copy differs
 * from it, the older copy since what was written last comes first.
 *
 *   0 magic, 16 version, 20 count, 24 checksum, 32 events, 64 the samples: offset
 *   and sum, 8 bytes each.  All other bytes are 0, numbers little-endian.
 */
#ifndef MIRROR_EVIDENCE_H
#define MIRROR_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#define EVIDENCE_SIZE 4096u
#define EVIDENCE_AT 4096u     /* bytes behind the beginning of the superblock */
#define EVIDENCE_MAX 252u
#define EVIDENCE_SAMPLE 512u  /* bytes of each; offsets are multiples */

struct evidence {
  uint64_t events;
  unsigned count;
  struct evidence_sample {
    uint64_t offset; /* of the array */
    uint64_t sum;    /* never 0 */
  } sample[EVIDENCE_MAX];
};

/* Of EVIDENCE_SAMPLE bytes; 0: they are zeroes, which tell nothing. */
uint64_t evidence_sum (const void *sample);

void evidence_encode (const struct evidence *evidence, uint8_t *ret);

/* Of a block, as it is stored there. */
uint64_t evidence_checksum (const uint8_t *block);

/* @bytes come from a file.  False: there is none that can be used. */
bool evidence_decode (const uint8_t *bytes, struct evidence *ret);

#endif /* MIRROR_EVIDENCE_H */
