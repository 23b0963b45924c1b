/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-meta: what the metadata on some images mean, as lib/logic reads them.
 */
#ifndef MIRROR_CRASH_META_H
#define MIRROR_CRASH_META_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-shape.h"
#include "logic/assemble.h"

#define META_BITS_SIZE (CRASH_ARRAY_MAX / 8 + 1)
#define META_BITMAP_SECTORS                                                   \
  (CRASH_PAGES_MAX * BITMAP_PAGE_SIZE / SECTOR_SIZE)

struct meta_member {
  enum sb1_verdict verdict;
  struct sb1 sb;
  enum bitmap_verdict bitmap_verdict;
  struct bitmap_super bitmap;
  uint8_t bits[META_BITS_SIZE];
  char why[MESSAGE_MAX], bitmap_why[MESSAGE_MAX];
};

struct crash_meta {
  uint32_t present;
  struct meta_member member[CRASH_LEGS_MAX];
  struct assembly assembly; /* members: the legs present, in their order */
  struct assemble_part part[CRASH_LEGS_MAX]; /* by leg */
  uint32_t in_sync;         /* legs; 0 unless it starts */
  bool dirty;
  uint32_t dirty_from;      /* LBAs before it are in sync */
  bool bits_count;          /* there is a bitmap that can be believed: */
  uint8_t bits[META_BITS_SIZE]; /* all of those together */
};

/* Read the superblock of @leg whose sectors begin at @sectors (contents of
 * SB1_BLOCK_SIZE bytes), and judge it.
 */
enum sb1_verdict meta_superblock (const struct crash_shape *shape, unsigned leg,
                                  const uint32_t *sectors, struct sb1 *ret,
                                  char *why);

/* The same of a bitmap, for a member with superblock @sb.  @ret_bits: NULL or
 * META_BITS_SIZE bytes.
 */
enum bitmap_verdict meta_bitmap (const struct crash_shape *shape, unsigned leg,
                                 const uint32_t *sectors, const struct sb1 *sb,
                                 struct bitmap_super *ret, uint8_t *ret_bits,
                                 char *why);

/* Only its bits: META_BITS_SIZE bytes. */
void meta_bits (const struct crash_shape *shape, const uint32_t *sectors,
                uint8_t *ret);

/* All of the legs @present.  @keep: the leg whose history the user would keep,
 * or CRASH_KEEP_NONE.
 */
#define CRASH_KEEP_NONE (-1)
void meta_look (const struct crash_shape *shape,
                const struct crash_images *images, uint32_t present, int keep,
                struct crash_meta *ret);

/* Does that copy count, wholly or as far as it was rebuilt? */
bool meta_is_current (const struct crash_shape *shape,
                      const struct crash_meta *meta,
                      const struct crash_copy *copy);

/* Will a start take it into account that copies of @lba may differ? */
bool meta_is_marked (const struct crash_shape *shape,
                     const struct crash_meta *meta, uint32_t lba);

/* Was a start refused, since two legs each call the other missing?  One left
 * behind by a leg that was rebuilt from a third since looks like that, too.
 * So do two that each got another update with the same number.
 */
bool meta_are_apart (const struct crash_shape *shape,
                     const struct crash_meta *meta);

/* For people. */
void meta_print (const struct crash_shape *shape,
                 const struct crash_meta *meta);

static inline bool
meta_bit (const struct crash_shape *shape, const uint8_t *bits, uint32_t lba)
{
  return bitmap_get (bits, shape->region_of[lba]);
}

#endif /* MIRROR_CRASH_META_H */
