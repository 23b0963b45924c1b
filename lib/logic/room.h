/* SPDX-License-Identifier: BSD-3-Clause */
/* room: how much data the members of an array have room for, and where a bitmap
 * for it goes.
 *
 * Pure.  Members that exist keep where their data begins.  In versions 1.1 and
 * 1.2 the bitmap lies behind the superblock, before the data; in 1.0 before the
 * superblock, behind the data, with room for a bad block log in between.
 *
 * Sizes are sectors of 512 bytes, unless said otherwise.
 */
#ifndef MIRROR_ROOM_H
#define MIRROR_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/layout.h"
#include "logic/sb1.h"

struct room_wish {
  const struct sb1 *const *sb; /* good ones of one array, but for super_offset
                                  and data_size: as they are to be */
  unsigned count;
  uint32_t block;   /* bytes in which metadata is written */
  uint64_t size;    /* of each member's data; 0: as much as all have */
  uint32_t chunk;   /* bytes for each bit of the bitmap; 0: no bitmap */
  bool exact_chunk; /* else larger ones are as good */
};

struct room {
  uint64_t size;
  struct layout layout;  /* of that size */
  uint32_t chunk;        /* bytes; 0: no bitmap */
  int32_t bitmap_offset; /* as in a superblock */
};

enum room_verdict {
  ROOM_GOOD,
  ROOM_DATA,   /* some member has no room for so much data */
  ROOM_BITMAP, /* nor for such a bitmap */
};

enum room_verdict room_find (const struct room_wish *wish, struct room *ret);

/* What a superblock at @super_offset says of the room for data, if no bitmap
 * were there: data_size.  @bytes: of the member, whole blocks.
 */
uint64_t room_behind_offset (const struct sb1 *sb, uint64_t super_offset,
                             uint64_t bytes);

#endif /* MIRROR_ROOM_H */
