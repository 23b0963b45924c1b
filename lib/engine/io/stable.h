/* SPDX-License-Identifier: BSD-3-Clause */
/* stable: when may it be said that something is on stable storage?
 *
 * Whoever flushes a disk, or writes to it with FUA, may be the only one to hear
 * of what the disk has lost, even if that was somebody else's: the other one,
 * answered meanwhile, is told success.  So whoever makes something stable is on
 * the list from before its first child until it is settled what its failures
 * mean; and whoever succeeded waits until all are off the list who were on it
 * then:
 *
 *   A  begin .................. answered, settled, end
 *   B      begin .. answered, end: waits for A ......, may be believed
 *   C                             begin ............. answered, end
 *
 * Locks: one mutex, a leaf.  May block: stable_end, for others who wait for
 * children and disks only.
 */
#ifndef MIRROR_STABLE_H
#define MIRROR_STABLE_H

#include <stdint.h>

#include "ground/ground.h"
#include "ground/limits.h"

/* One's place on the list; lives in its request.  Starts as zeroes. */
struct stable_ticket {
  uint64_t number; /* 0: not on the list */
  struct stable_ticket *previous, *next;
};

struct stables {
  struct ground_mutex lock;
  struct ground_cond over; /* the first of the list is off it */
  struct stable_ticket *first, *last;
  uint64_t begun;             /* the last number */
  uint64_t lost_at[LEGS_MAX]; /* it when something was last lost on a place */
};

void stables_init (struct stables *stables);
void stables_destroy (struct stables *stables);

void stable_begin (struct stables *stables, struct stable_ticket *ticket);

/* Something may be lost on @places, which stay current. */
void stable_lost (struct stables *stables, uint32_t places);

/* What failed was judged.  When this returns, so was what ran beside it.
 * The places on which something may have been lost since @ticket began; none if
 * it never did.
 */
uint32_t stable_end (struct stables *stables, struct stable_ticket *ticket);

#endif /* MIRROR_STABLE_H */
