/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-now: one I/O at a time, for tools: do it, wait for it, say how it went.
 *
 * After leg->ops->start.  Any alignment and length: what a leg wants
 * aligned is read, changed and written back.  From one thread.
 */
#ifndef MIRROR_LEG_NOW_H
#define MIRROR_LEG_NOW_H

#include "legs/leg.h"

/* 0 or -errno. */
int leg_read_now (struct leg *leg, void *buffer, uint64_t length,
                  uint64_t offset);
int leg_write_now (struct leg *leg, const void *buffer, uint64_t length,
                   uint64_t offset);

/* All that was written is on stable storage. */
int leg_flush_now (struct leg *leg);

#endif /* MIRROR_LEG_NOW_H */
