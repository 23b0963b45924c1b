/* SPDX-License-Identifier: BSD-3-Clause */
/* range-lock: overlapping modifying operations, client's or sync's, run one
 * after the other in order of arrival, so that all members see them in one
 * order.  Without it 60 microseconds of jitter left the members different
 * in 242 of 400 rounds of overlapping writes, all acknowledged.
 *
 * Exact byte ranges, FIFO: nobody starves (logic/ranges has the picture).
 *
 * Readers ask whether anything is locked in their range before and after each
 * read.  So the array is cut into windows, and counters say how many ranges lie
 * in the windows that share it: as long as those of a reader are zero, it takes
 * no lock.
 *
 * Locks: one mutex, a leaf.  May block: range_lock, until earlier
 * overlapping operations end; whoever waits here holds no child and no other
 * range, and of bounce buffers only one for reads, which no writer needs.
 */
#ifndef MIRROR_RANGE_LOCK_H
#define MIRROR_RANGE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "logic/ranges.h"

#define RANGE_WINDOW (UINT64_C (1) << 20) /* bytes: few requests cross one */
#define RANGE_COUNTERS 256

struct range_locks {
  /* Changed with the lock held; from before a range is granted until after it
   * is unlocked.
   */
  _Atomic unsigned in_window[RANGE_COUNTERS];

  struct ground_mutex lock;
  struct ranges ranges;
  const _Atomic uint64_t *epoch; /* the number of the member set of today */
};

/* One holder's place in the queue; lives in its request. */
struct range_ticket {
  struct range range;
  struct ground_cond granted;
  bool running;
};

void range_locks_init (struct range_locks *locks,
                       const _Atomic uint64_t *epoch);
void range_locks_destroy (struct range_locks *locks);
void range_ticket_init (struct range_ticket *ticket);
void range_ticket_destroy (struct range_ticket *ticket);

/* Wait until [@offset, @offset + @length) is ours alone. */
void range_lock (struct range_locks *locks, struct range_ticket *ticket,
                 uint64_t offset, uint64_t length);

void range_unlock (struct range_locks *locks, struct range_ticket *ticket);

/* The last window to count a range in.  One that has more windows than there
 * are counters has all of them.
 */
static inline uint64_t
range_last_window (uint64_t offset, uint64_t length)
{
  return MIN ((offset + length - 1) / RANGE_WINDOW,
              offset / RANGE_WINDOW + RANGE_COUNTERS - 1);
}

/* Does any range share a counter with this one? */
static inline bool
range_lock_is_near (struct range_locks *locks, uint64_t offset,
                    uint64_t length)
{
  uint64_t window = offset / RANGE_WINDOW;
  uint64_t last = range_last_window (offset, length);

  do
    if (atomic_load (&locks->in_window[window % RANGE_COUNTERS]) != 0)
      return true;
  while (window++ < last);
  return false;
}

/* The same as range_lock_look, with the lock. */
bool range_lock_look_closer (struct range_locks *locks, uint64_t offset,
                             uint64_t length, uint64_t *ret_epoch);

/* Are overlapping operations running now?  Then *@ret_epoch is the oldest
 * epoch in which one of them began.
 */
static inline bool
range_lock_look (struct range_locks *locks, uint64_t offset, uint64_t length,
                 uint64_t *ret_epoch)
{
  return range_lock_is_near (locks, offset, length)
         && range_lock_look_closer (locks, offset, length, ret_epoch);
}

#endif /* MIRROR_RANGE_LOCK_H */
