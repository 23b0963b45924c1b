/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-assemble: what one input is made of, and the legs that watch.
 *
 * An input is a struct of bytes, so that a change in one place moves nothing
 * else; a short one is padded with zeroes.
 */
#ifndef MIRROR_FUZZ_ASSEMBLE_H
#define MIRROR_FUZZ_ASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "legs/leg.h"
#include "logic/layout.h"
#include "logic/sb1.h"

#define MEMBERS_MAX 4
#define OPS_MAX 8
#define SUPER_BYTES 512  /* of the superblock; roles behind it are spare */
#define BITMAP_BYTES 384 /* of the bitmap and its head */
#define BAD_BYTES 64     /* of the bad block log; behind it all ones */
#define IMAGE_SECTORS 16400u

/* struct input_member.place: bits 0-1 the version; */
enum {
  PLACE_AS_IT_IS = 4,     /* do not mend the superblock */
  PLACE_BITMAP_AS_IT_IS = 8,
  PLACE_TWICE = 0x10,     /* the superblock in the next version's place, too */
  PLACE_ABSENT = 0x20,    /* this disk cannot be opened */
  PLACE_BITS_SET = 0x40,  /* bits behind BITMAP_BYTES */
};

/* struct input_member.caps: bits 0-1 the block size; */
enum {
  CAPS_READONLY = 4,
  CAPS_NO_FUA = 8,
  CAPS_NO_ZERO = 0x10,
  CAPS_ALIGNED = 0x20, /* of memory, too */
  CAPS_SHORT = 0x40,   /* at most 4 KiB in one request */
};

/* struct input_member.dies: */
enum { DIES_ONCE = 0x80 }; /* only one command fails, not all from there on */

/* struct input.wish: bits 0-2 keep; */
enum {
  WISH_NO_DEGRADED = 8,
  WISH_LEVEL = 0x10, /* raid10 is wanted */
  WISH_READ_ONLY = 0x20, /* nobody ever writes */
  WISH_STOP_EARLY = 0x40, /* before resync has ended */
  WISH_SPURIOUS = 0x80,
};

struct input_member {
  uint8_t sectors[2]; /* of the image; little-endian */
  uint8_t rest;       /* bytes of it that are no whole sector */
  uint8_t place;
  uint8_t caps;
  uint8_t dies;       /* commands until it fails; 0: never */
  uint8_t super[SUPER_BYTES];
  uint8_t bitmap[BITMAP_BYTES];
  uint8_t bad[BAD_BYTES];
};

struct input_op {
  uint8_t kind;
  uint8_t length;
  uint8_t offset[2];
};

struct input {
  uint8_t members; /* bits 0-1: one less than there are */
  uint8_t wish;
  uint8_t switches; /* how often the scheduler switches */
  uint8_t seed;
  struct input_op op[OPS_MAX];
  struct input_member member[MEMBERS_MAX];
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most,
                                unsigned seed);

_Noreturn void fuzz_fail (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* ---------------------------------------------------------- fuzz-image.c */

struct area {
  uint64_t start, length; /* bytes */
};

enum { AREA_SUPER, AREA_DATA, AREA_BITMAP, AREA_BAD, AREAS };

/* One disk: it outlives the legs on it. */
struct image {
  uint8_t *bytes;
  uint64_t size;
  struct sb1 sb;             /* as image_survey found it */
  struct area area[AREAS];   /* none yet: nothing may be written */
  uint32_t block;            /* of the whole array */
  bool dirty[IMAGE_SECTORS / 8 + 1]; /* pages that are not zero */
};

/* All zeroes, then what @member says. */
void image_fill (struct image *image, const struct input_member *member);

void image_write (struct image *image, uint64_t offset, const void *from,
                  uint64_t length);

/* From now on what its superblock says may be written; @data bytes of its
 * data are in use, and zero.
 */
void image_survey (struct image *image, uint64_t data, uint32_t block);

/* Its superblock as it is now; false: it is not good. */
bool image_super (const struct image *image, struct sb1 *ret);

/* --------------------------------------------------------- fuzz-leg.c */

/* What may be asked of legs now. */
enum fuzz_phase {
  PHASE_LOOKING, /* array_create: only read_now */
  PHASE_READING,
  PHASE_WRITING,
};

extern enum fuzz_phase fuzz_phase;
extern unsigned fuzz_faults; /* commands that failed by intent */

/* A leg on @image as @member has it.  *@ret_closed tells when it is. */
struct leg *fuzz_leg_new (struct image *image,
                          const struct input_member *member, unsigned number,
                          bool faults, bool *ret_closed);

#endif /* MIRROR_FUZZ_ASSEMBLE_H */
