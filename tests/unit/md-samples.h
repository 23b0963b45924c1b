/* SPDX-License-Identifier: BSD-3-Clause */
/* md-samples: superblocks of arrays that were never written to, to be bent.
 *
 * Header only, for the tests of everything that reads superblocks.
 */
#ifndef MIRROR_MD_SAMPLES_H
#define MIRROR_MD_SAMPLES_H

#include <string.h>

#include "ground/util.h"
#include "logic/assemble.h"
#include "logic/bitmap-disk.h"
#include "logic/create-plan.h"
#include "logic/sb1.h"
#include "unit.h"

#define SAMPLE_BYTES (UINT64_C (16) << 20)

struct sample {
  struct create_wish wish;
  struct create_plan plan;
  struct sb1 sb[LEGS_MAX];
  struct bitmap_super bitmap; /* without one: all 0 */
};

static const uint8_t sample_uuid[16] = "an array's uuid";

/* A clean array; every member has events 20. */
static inline void
sample_make (struct sample *sample, enum level level, const char *layout,
             unsigned slots, enum sb1_version version, bool bitmap)
{
  char why[MESSAGE_MAX];

  memset (sample, 0, sizeof *sample);
  sample->wish.layout
    = (struct layout){ .level = level, .slots = slots, .near = 1, .far = 1 };
  if (level == LEVEL_RAID10) {
    ck_assert (layout_parse (&sample->wish.layout, layout));
    sample->wish.layout.chunk = 65536;
  }
  ck_assert_ptr_null (layout_check (&sample->wish.layout));
  sample->wish.version = version;
  sample->wish.bitmap = bitmap;
  sample->wish.bitmap_chunk = bitmap ? 65536 : 0;
  sample->wish.assume_clean = true;
  strcpy (sample->wish.name, "host:sample");
  for (unsigned i = 0; i < slots; i++)
    sample->wish.member_bytes[i] = SAMPLE_BYTES;
  ck_assert_msg (create_plan (&sample->wish, &sample->plan, why), "%s", why);
  for (unsigned i = 0; i < slots; i++) {
    uint8_t device_uuid[16] = { 'd', 'e', 'v', 'i', 'c', 'e', (uint8_t)i };

    create_superblock (&sample->wish, &sample->plan, i, sample_uuid,
                       device_uuid, SB1_TIME (UINT64_C (1700000000), 0),
                       &sample->sb[i]);
    sample->sb[i].events = 20;
  }
  if (bitmap) {
    create_bitmap (&sample->plan, sample_uuid, &sample->bitmap);
    sample->bitmap.events = 20;
    sample->bitmap.events_cleared = 20;
  }
}

/* Member @i failed: its own superblock stays, all others know, and go on. */
static inline void
sample_fail (struct sample *sample, unsigned i)
{
  for (unsigned j = 0; j < sample->plan.layout.slots; j++)
    if (j != i && sample->sb[i].roles[j] != SB1_ROLE_FAULTY) {
      sample->sb[j].roles[i] = SB1_ROLE_FAULTY;
      sample->sb[j].events += 3;
    }
}

/* Member @i was started alone, and knows that nobody else was there. */
static inline void
sample_run_alone (struct sample *sample, unsigned i, unsigned events)
{
  for (unsigned j = 0; j < sample->plan.layout.slots; j++)
    if (j != i)
      sample->sb[i].roles[j] = SB1_ROLE_SPARE;
  sample->sb[i].events += events;
}

static inline void
sample_block (const struct sb1 *sb, uint8_t *block)
{
  memset (block, 0, SB1_BLOCK_SIZE);
  sb1_encode (sb, block);
}

/* Decode what @sb becomes on disk, and judge it. */
static inline enum sb1_verdict
sample_check (const struct sb1 *sb, char *why)
{
  uint8_t block[SB1_BLOCK_SIZE];
  struct sb1 read;

  sample_block (sb, block);
  ck_assert (sb1_decode (sb->version, block, &read));
  return sb1_check (&read, block, SAMPLE_BYTES, why);
}

#endif /* MIRROR_MD_SAMPLES_H */
