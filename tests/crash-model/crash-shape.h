/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-shape: the geometry of one array, and its members as they were made.
 *
 * Small enough that every sector of every member is looked at in every crash
 * state.  Numbers are sectors of 512 bytes.  Legs are numbered by the slot
 * that they have in the beginning.
 *
 * An array whose bitmap has several pages, or regions of several steps of a
 * resync, is large, so it has holes: sectors that nobody looks at, and no
 * client asks for.  Those that are kept are
 * numbered without them, everywhere but in what the engine sees; real[] and
 * crash-holes.h know the places that they have there.
 */
#ifndef MIRROR_CRASH_SHAPE_H
#define MIRROR_CRASH_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/bitmap-disk.h"
#include "logic/layout.h"
#include "logic/sb1.h"
#include "sim-random.h"

#define CRASH_LEGS_MAX 4
#define CRASH_MEMBER_MAX 640u /* sectors of a member */
#define CRASH_ARRAY_MAX 1024u /* sectors of the array */
#define CRASH_PAGES_MAX 3u    /* of a bitmap */

#define CRASH_LBA_NONE UINT32_MAX

struct crash_area {
  uint32_t first, count; /* count 0: there is none */
};

/* What an area is for. */
enum crash_place {
  PLACE_NOWHERE, /* gaps: nobody may write there */
  PLACE_DATA,
  PLACE_SUPER,
  PLACE_BITMAP,
  PLACE_BBLOG,
};

struct crash_leg {
  uint32_t sectors;
  struct crash_area super, bitmap, bblog, data;
  uint32_t lba[CRASH_MEMBER_MAX]; /* of the array, or CRASH_LBA_NONE */
  uint32_t real[CRASH_MEMBER_MAX]; /* where it is on the disk */
  uint32_t real_sectors;           /* of the disk */
};

struct crash_copy {
  uint8_t leg;
  uint32_t sector; /* of the member */
};

struct crash_shape {
  struct layout layout;
  enum sb1_version version;
  unsigned slots, copies;
  uint32_t block;   /* sectors: what all legs can write */
  uint32_t sectors; /* of the array */
  bool has_bitmap;
  uint32_t region;  /* sectors of a bit */
  uint32_t regions;  /* that have sectors which are kept */
  uint32_t pages;    /* of the bitmap */
  uint32_t data_size; /* sectors of a member, with holes */
  bool has_holes;
  bool is_wide; /* regions of several windows of a resync */
  bool begins_clean; /* and all copies alike; else all of it is dirty */
  uint32_t real[CRASH_ARRAY_MAX]; /* LBAs as the engine has them */
  uint32_t region_of[CRASH_ARRAY_MAX]; /* of an LBA */
  uint32_t bit[CRASH_ARRAY_MAX];       /* of a region */
  uint32_t first[CRASH_ARRAY_MAX + 1]; /* LBA of a region; the last's end */
  struct crash_leg leg[CRASH_LEGS_MAX];
  struct crash_copy copy[CRASH_ARRAY_MAX][CRASH_LEGS_MAX];
};

struct crash_images {
  uint32_t sector[CRASH_LEGS_MAX][CRASH_MEMBER_MAX]; /* contents */
};

/* The value that @leg holds everywhere in the beginning; values of clients'
 * writes are larger.
 */
#define CRASH_VALUES 0x100u
uint64_t shape_initial (const struct crash_shape *shape, unsigned leg);

/* A shape out of chance, and its members fresh from their creation. */
void shape_choose (struct random_stream *chance, struct crash_shape *ret,
                   struct crash_images *ret_images);

/* Where does sector @sector of @leg lie? */
enum crash_place shape_place (const struct crash_shape *shape, unsigned leg,
                              uint32_t sector);

void shape_print (const struct crash_shape *shape);

#endif /* MIRROR_CRASH_SHAPE_H */
