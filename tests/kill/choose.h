/* SPDX-License-Identifier: BSD-3-Clause */
/* choose: one of the states that a crash may leave on a disk.
 *
 * Power cut: what is not durable may be gone, sector by sector.  Death of the
 * client: what was completed stays, what was in flight may be there in part.
 *
 * Purely random states hardly ever are the interesting ones, so each disk
 * first draws a style: nothing lost, everything, all but one write, one
 * write only, any subset of writes, any subset of sectors.
 */
#ifndef MIRROR_KILL_CHOOSE_H
#define MIRROR_KILL_CHOOSE_H

#include "cache.h"
#include "sim/sim-random.h"

enum style {
  STYLE_ALL_KEPT,
  STYLE_ALL_LOST,
  STYLE_ONE_LOST,
  STYLE_ONE_KEPT,
  STYLE_WRITES,
  STYLE_SECTORS,
  STYLES,
};

/* Calls @set for each stretch of sectors that changes; @scratch is memory for
 * an image.
 */
void choose_state (const struct cache *cache, bool power, enum style style,
                   struct random_stream *chance, uint8_t *scratch,
                   void (*set) (void *opaque, uint64_t offset, uint32_t length,
                                const uint8_t *data),
                   void *opaque);

#endif /* MIRROR_KILL_CHOOSE_H */
