/* SPDX-License-Identifier: BSD-3-Clause */
/* members: what md metadata says, read by somebody who did not write the
 * mirror.  Only what the checks need; nothing of lib/ is used, so that the
 * two can disagree.
 *
 * A plain array has no superblocks: then everything is data, and all legs are
 * in sync for ever.
 */
#ifndef MIRROR_KILL_MEMBERS_H
#define MIRROR_KILL_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "reclog.h"

#define MD_CLEAN UINT64_MAX
#define NO_SECTOR UINT32_MAX

/* What one superblock says. */
struct md_super {
  uint32_t features;
  uint64_t events;
  uint64_t resync_offset;   /* sectors; MD_CLEAN */
  uint64_t recovery_offset; /* sectors */
  uint32_t dev_number;
  uint32_t roles[RECLOG_LEGS]; /* by dev_number */
  /* These never change. */
  uint32_t level, layout, chunk, disks;
  uint64_t size, data_offset; /* sectors */
  int32_t bitmap_offset;
};

#define MD_BITMAP 1u
#define MD_RECOVERING 2u
#define MD_ROLE_FAULTY 0xfffeu

/* Where things are.  Bytes of the leg, or sectors. */
struct geometry {
  bool md;
  unsigned legs;
  unsigned copies;
  uint64_t super_at;    /* bytes; the superblock is in this sector */
  uint64_t bitmap_at;   /* bytes; 0: there is none */
  uint64_t bitmap_size; /* bytes, with its head */
  uint64_t region;      /* sectors of the array for one bit */
  uint64_t data_at;     /* bytes */
  uint64_t data_size;   /* bytes */
  uint64_t sectors;     /* of the array */
  /* copy[i * sectors + s]: leg and sector, from data_at, of copy i */
  struct place {
    uint8_t leg;
    uint32_t sector;
  } *copy;
  uint32_t *array_sector[RECLOG_LEGS]; /* back; NO_SECTOR */
};

/* False: that is no valid superblock (@sector: SECTOR bytes). */
bool md_read (const uint8_t *sector, struct md_super *ret);

/* From the members as they were created: @image[legs], all the same.  False:
 * they make no sense.
 */
bool geometry_open (struct geometry *geometry, const uint8_t *const *image,
                    const uint64_t *size, unsigned legs);
void geometry_close (struct geometry *geometry);

static inline const struct place *
geometry_copy (const struct geometry *geometry, unsigned copy, uint64_t sector)
{
  return &geometry->copy[copy * geometry->sectors + sector];
}

/* Byte @region bit in a bitmap area. */
static inline bool
bitmap_bit (const uint8_t *area, uint64_t region)
{
  return area[256 + region / 8] >> (region % 8) & 1;
}

/* What all superblocks together say. */
struct verdict {
  uint32_t in_sync;    /* mask of legs */
  uint32_t recovering;
  uint32_t readable;   /* legs whose superblock is valid */
  unsigned freshest;
  uint64_t events;
  bool clean;          /* the freshest says so */
};

/* @image[leg], NULL: that leg is missing.  With no valid superblock at all
 * in_sync is 0.
 */
void members_judge (const struct geometry *geometry,
                    const uint8_t *const *image, struct verdict *ret);

/* Has every sector of the array a copy on one of these legs? */
bool geometry_is_enough (const struct geometry *geometry, uint32_t legs);

#endif /* MIRROR_KILL_MEMBERS_H */
