/* SPDX-License-Identifier: BSD-3-Clause */
/* extent: what a stretch of bytes is made of, in NBD's own numbers. */
#ifndef MIRROR_EXTENT_H
#define MIRROR_EXTENT_H

#include <stdint.h>

/* 0 is plain data, always safe to say. */
enum {
  EXTENT_HOLE = 1, /* takes no space */
  EXTENT_ZERO = 2, /* reads as zeroes */
};

struct extent {
  uint64_t length; /* bytes, never 0 */
  uint32_t flags;
};

#endif /* MIRROR_EXTENT_H */
