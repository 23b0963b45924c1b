/* SPDX-License-Identifier: BSD-3-Clause */
/* missed: in memory, where a disk of a plain array that comes back may lack
 * something.
 *
 * The array is cut into windows.  A bit says: some member that is out, or that
 * leaves from now on, may lack what was written there.  So it is set before
 * anything of a modification is sent, whether somebody is out or not: what a
 * server has acknowledged since its last flush it may lose when it dies, and
 * that a connection is lost is all that we hear of it.
 *
 * A bit is cleared when a flush that began after all modifications there had
 * ended succeeded on every member, and every slot has one that is in sync: then
 * whoever is or was a member lacks nothing.  Two maps take turns for that:
 *
 *   current   who begins to write counts himself in and sets his bits there
 *   old       nobody begins there; when the last of its writers has ended it
 *             is settled: a flush from then on covers all that it has
 *
 *   missed_flush_begin   old has no writers?  It is settled.  Is it empty, or
 *                        has current no writers either, so what it has moves
 *                        there: they change places
 *   missed_flush_end     settled: old is emptied
 *
 * So a write that is under way during a flush keeps its bit: it was counted
 * before old became old, hence that is not settled; or after, then its bit is
 * in the other map.  Who counts himself in looks once more which map is
 * current: if they have changed places in between he begins again, so that
 * nobody sets a bit in a map that was found without writers.  And a write has
 * ended only when those who failed it are out (settle), so that a flush of all
 * members that are left never covers for one of them.
 *
 * A member that left may be believed to lack no more than this as long as no
 * bit was cleared by a flush without it (cleared_view, member->known_until).
 *
 * Memory: two bits for each window and one for each 64 of these.  Two atomic
 * operations for each write, and one or two for each window that it is the
 * first to touch since the last flush.  No I/O, no clock.
 *
 * Locks: one mutex, a leaf, which no write takes.  Does not block.
 */
#ifndef MIRROR_MISSED_H
#define MIRROR_MISSED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"
#include "ground/limits.h"

struct missed_map {
  _Atomic uint64_t *words;
  _Atomic uint64_t *some; /* a bit for each word that may have one set */
};

struct missed {
  _Atomic bool is_kept;  /* all below is there */
  uint32_t least;        /* bytes: no window is smaller; a power of two */
  unsigned shift;        /* a window has so many bytes, a power of two */
  uint64_t windows;
  void *memory;
  struct missed_map map[2];
  _Atomic unsigned current;    /* of map */
  _Atomic unsigned writers[2];
  _Atomic bool used[2];        /* it may have a bit */

  struct ground_mutex lock; /* to move, clear and look at bits */

  /* For who leads a flush round, one at a time. */
  bool settled;

  _Atomic uint64_t cleared_view; /* the last one whose flush cleared any */

  /* Windows that were cleared lately, each number + 1, or 0: what an older copy
   * of a disk lacks.
   */
  _Atomic uint64_t recent[MISSED_RECENT];
  unsigned next_recent, added; /* where, and how many by this flush */
};

/* missed_begin, without a map. */
#define MISSED_NONE 2u

void missed_init (struct missed *missed);
void missed_destroy (struct missed *missed);

/* The memory for an array of @size bytes, whose blocks are @block bytes; with
 * @missed->least.  0 or -ENOMEM.  It is kept from missed_keep on, when nothing
 * is being written to the array.
 */
int missed_allocate (struct missed *missed, uint64_t size, uint32_t block);
void missed_keep (struct missed *missed);

/* How much that has allocated, bytes. */
uint64_t missed_memory (const struct missed *missed);

/* For missed_begin. */
unsigned missed_enter (struct missed *missed, uint64_t offset,
                       uint64_t length);

/* Before anything is sent of a modification of @length bytes of the array from
 * @offset on.  What missed_end wants, when all members that failed it are out.
 */
static inline unsigned
missed_begin (struct missed *missed, uint64_t offset, uint64_t length)
{
  return atomic_load_explicit (&missed->is_kept, memory_order_relaxed)
           ? missed_enter (missed, offset, length)
           : MISSED_NONE;
}

static inline void
missed_end (struct missed *missed, unsigned map)
{
  if (map != MISSED_NONE)
    atomic_fetch_sub (&missed->writers[map], 1);
}

/* Before a flush of all members is sent; and after it succeeded on all of those
 * of the view with number @view.
 */
void missed_flush_begin (struct missed *missed);
void missed_flush_end (struct missed *missed, uint64_t view);

/* Is some of the range set?  *@length becomes as much as the answer holds for.
 */
bool missed_is_set (struct missed *missed, uint64_t offset, uint64_t *length);

/* All that is set, bytes. */
uint64_t missed_bytes (struct missed *missed);

/* Entry @i of the windows that were cleared lately: where it begins and how
 * long it is.  False: there is none.
 */
bool missed_recent (struct missed *missed, unsigned i, uint64_t *ret_offset,
                    uint64_t *ret_length);

#endif /* MIRROR_MISSED_H */
