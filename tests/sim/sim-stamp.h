/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-stamp: what every 512-byte sector that a client writes looks like.
 *
 * {magic, LBA, id of the write, 61 words that follow from both}: lost,
 * stale, torn and misplaced sectors are told apart by one look.  The value
 * of a sector is the id of the write that made it; zeroes are value 0.
 */
#ifndef MIRROR_SIM_STAMP_H
#define MIRROR_SIM_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VALUE_ZERO UINT64_C (0)
#define VALUE_INITIAL UINT64_C (1) /* before the first write */
#define VALUE_FIRST UINT64_C (2)   /* of the clients' writes */

#define STAMP_SECTOR 512u
#define STAMP_WORDS (STAMP_SECTOR / 8u)
#define STAMP_MAGIC UINT64_C (0x4d6972726f725321)

static inline uint64_t
stamp_word (uint64_t lba, uint64_t value, unsigned i)
{
  return (value * UINT64_C (0x9e3779b97f4a7c15) ^ lba) + i * STAMP_MAGIC;
}

/* @sector need not be aligned. */
static inline void
stamp_write (void *sector, uint64_t lba, uint64_t value)
{
  uint64_t words[STAMP_WORDS];

  words[0] = STAMP_MAGIC;
  words[1] = lba;
  words[2] = value;
  for (unsigned i = 3; i < STAMP_WORDS; i++)
    words[i] = stamp_word (lba, value, i);
  if (value == VALUE_ZERO)
    memset (words, 0, sizeof words);
  memcpy (sector, words, sizeof words);
}

/* False: not a whole sector of @lba. */
static inline bool
stamp_read (const void *sector, uint64_t lba, uint64_t *ret_value)
{
  uint64_t words[STAMP_WORDS];
  uint64_t wrong = 0;

  memcpy (words, sector, sizeof words);
  if (words[0] == 0) {
    for (unsigned i = 1; i < STAMP_WORDS; i++)
      wrong |= words[i];
    *ret_value = VALUE_ZERO;
    return wrong == 0;
  }
  wrong = (words[0] ^ STAMP_MAGIC) | (words[1] ^ lba);
  for (unsigned i = 3; i < STAMP_WORDS; i++)
    wrong |= words[i] ^ stamp_word (lba, words[2], i);
  *ret_value = words[2];
  return wrong == 0 && words[2] != VALUE_ZERO;
}

#endif /* MIRROR_SIM_STAMP_H */
