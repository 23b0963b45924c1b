/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-replay: what each leg holds after the first N events of a life, for
 * sure and perhaps.
 *
 *   durable   survives any crash: answered before a flush was sent that
 *             succeeded, or sent with FUA and answered
 *   kept      answered: survives the end of our process
 *   pending   the writes that are in kept and not in durable, and those not
 *             answered; of each sector of them nobody knows
 *
 * A write that failed counts as one of the sectors that it did.  What a
 * failed flush should have stored is never stored by a later one.
 *
 * When a leg loses its power it is recorded what it holds then: that is
 * durable.  What was under way may be carried out later all the same, over
 * whatever is there: ghosts.
 */
#ifndef MIRROR_CRASH_REPLAY_H
#define MIRROR_CRASH_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-life.h"

#define REPLAY_GHOSTS_MAX 128u

struct replay_pending {
  uint32_t io;
  bool stuck; /* a flush of it failed */
};

struct replay_leg {
  uint32_t durable[CRASH_MEMBER_MAX], kept[CRASH_MEMBER_MAX];
  /* The io that stored it, + 1; 0: from the beginning. */
  uint32_t durable_by[CRASH_MEMBER_MAX], kept_by[CRASH_MEMBER_MAX];
  struct replay_pending *pending; /* in the order in which they were sent */
  unsigned count, room;
  uint32_t ghosts[REPLAY_GHOSTS_MAX]; /* ios */
  unsigned ghosts_count;
};

struct replay {
  const struct crash_life *life;
  uint32_t at; /* events so far */
  struct replay_leg leg[CRASH_LEGS_MAX];
};

void replay_init (struct replay *replay, const struct crash_life *life);
void replay_free (struct replay *replay);

/* One event more. */
void replay_step (struct replay *replay);

static inline void
replay_to (struct replay *replay, uint32_t at)
{
  while (replay->at < at)
    replay_step (replay);
}

/* Is @io answered by now? */
static inline bool
replay_is_done (const struct replay *replay, const struct record_io *io)
{
  return io->done <= replay->at;
}

/* May nobody know of it even if the disk keeps its power? */
static inline bool
replay_is_open (const struct replay *replay, const struct record_io *io)
{
  return !replay_is_done (replay, io) || io->lost;
}

/* So many sectors of @io may be there. */
static inline uint32_t
replay_extent (const struct replay *replay, const struct record_io *io)
{
  return replay_is_done (replay, io) && !io->lost ? io->effective : io->count;
}

/* Does @io write to @sector? */
static inline bool
replay_covers (const struct replay *replay, const struct record_io *io,
               uint32_t sector)
{
  return sector >= io->first
         && sector - io->first < replay_extent (replay, io);
}

#endif /* MIRROR_CRASH_REPLAY_H */
