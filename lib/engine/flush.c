/* SPDX-License-Identifier: BSD-3-Clause */
/* flush: what was acknowledged reaches stable storage on every member.
 *
 * A flush covers every write acknowledged before it, on any connection: all
 * connections share this engine, and an acknowledged write is on every
 * member that is current.  So flushing the current members, all of them in
 * parallel, is what NBD's multi-conn promises.
 *
 * A failed flush is never tried again and believed: kernels report it once,
 * drop the pages, and say success the next time.  A member whose flush fails
 * has lost something; it is out before the client hears of success.  Where
 * it stays, as the last copy or because the error was a harmless one, no
 * later flush succeeds.
 *
 * So flushes go in rounds, one at a time: a second flush beside one that
 * fails would be told success, and its client, while the member still counts
 * as current.  Who comes during a round takes part in the next one, which
 * one of them leads for all:
 *
 *   round 7 runs ........|round 8: for B, C and D ....|
 *      ^B  ^C    ^D       led by B
 *
 * Locks held on entry: no mutex; the caller may have a range, a bounce buffer
 * or the metadata's turn.  May block on: the round that is under way, a child
 * of the caller's pool, the disks.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/failure.h"
#include "engine/flush.h"
#include "ground/log.h"
#include "ground/util.h"

void
flush_lost (struct array *array, unsigned slot, int error)
{
  uint32_t before = atomic_fetch_or (&array->flush_lost, 1u << slot);

  if (!(before & 1u << slot))
    log_error ("disk %.200s (slot %u) stays in use although a flush failed on "
               "it: %s.  What was acknowledged before may be lost there, so every "
               "flush fails from now on; check the disk, then start the "
               "mirror again",
               array->member[slot].leg->name, slot, log_strerror (error));
}

void
flush_absent (struct array *array, unsigned slot)
{
  const struct leg *leg = array->member[slot].leg;
  uint32_t before = atomic_fetch_or (&array->flush_absent, 1u << slot);

  if (!(before & 1u << slot))
    log_notice ("disk %.200s (slot %u): cannot flush.  A flush succeeds all "
                "the same, so what clients flush%s may be lost on this disk "
                "if its machine loses power; use a server that can flush",
                leg->name, slot,
                leg->caps.fua ? "" : ", or write with FUA,");
}

/* A leg that has no flush after all: nothing failed, but people must know. */
static void
excuse_absent (struct request *request)
{
  for (uint32_t left = request->failed; left != 0; left &= left - 1)
    if (request->error[__builtin_ctz (left)] == -EOPNOTSUPP) {
      request->failed &= ~(left & -left);
      flush_absent (request->array, __builtin_ctz (left));
    }
}

/* All of @slots at once, and nobody else's flush beside. */
static int
flush_now (struct request *request, uint32_t slots, struct pool *pool)
{
  struct array *array = request->array;
  const struct child flush = { .op = CHILD_FLUSH };
  uint32_t lost;
  int r;

  request_arm (request, pool);
  for (unsigned rank = 0; rank < LEG_RANKS; rank++)
    for (uint32_t left = slots & array->slots_of_rank[rank]; left != 0;
         left &= left - 1)
      request_issue (request, __builtin_ctz (left), &flush);
  request_finish (request);

  excuse_absent (request);
  r = failure_settle (request, "a flush");
  lost = request->failed & array_targets (array);
  if (lost != 0)
    flush_lost (array, __builtin_ctz (lost),
                request->error[__builtin_ctz (lost)]);
  /* A member that is out since then no longer matters. */
  return atomic_load (&array->flush_lost) & array_targets (array) ? -EIO : r;
}

void
flush_rounds_init (struct flush_rounds *rounds)
{
  *rounds = (struct flush_rounds){ .running = false };
  ground_mutex_init (&rounds->lock);
  ground_cond_init (&rounds->over);
}

void
flush_rounds_destroy (struct flush_rounds *rounds)
{
  assert (!rounds->running);
  ground_cond_destroy (&rounds->over);
  ground_mutex_destroy (&rounds->lock);
}

int
flush_members (struct request *request, uint32_t slots, struct pool *pool)
{
  struct flush_rounds *rounds = &request->array->flushes;
  uint64_t ours;
  int r;

  ground_mutex_lock (&rounds->lock);
  rounds->wanted |= slots;
  ours = rounds->started + 1;
  /* Woken by the leader; its children end, at their legs' deadlines. */
  while (rounds->running && rounds->started <= ours)
    ground_cond_wait (&rounds->over, &rounds->lock, GROUND_NEVER);
  if (rounds->started < ours) {
    rounds->started = ours;
    rounds->running = true;
    slots = rounds->wanted;
    rounds->wanted = 0;
    ground_mutex_unlock (&rounds->lock);
    r = flush_now (request, slots, pool);
    ground_mutex_lock (&rounds->lock);
    rounds->running = false;
    if (r < 0) {
      rounds->failed = ours;
      rounds->error = r;
    }
    ground_cond_broadcast (&rounds->over);
  }
  /* A round that failed after ours counts as ours: better too many errors. */
  r = rounds->failed >= ours ? rounds->error : 0;
  ground_mutex_unlock (&rounds->lock);
  return r;
}

int
flush_where_no_fua (struct request *request, uint32_t slots,
                    struct pool *pool)
{
  const struct array *array = request->array;

  for (uint32_t left = slots; left != 0; left &= left - 1)
    if (array->member[__builtin_ctz (left)].leg->caps.fua)
      slots &= ~(left & -left);
  return slots == 0 ? 0 : flush_members (request, slots, pool);
}

int
array_flush (struct array *array)
{
  struct request *request;
  int r;

  r = request_begin (&array->modifiers, &request);
  if (r < 0)
    return r;
  r = flush_members (request, array_targets (array), &array->pool);
  /* Who lost something is out, and that has to last before we say so. */
  if (r == 0)
    r = metadata_settle (array);
  request_end (&array->modifiers, request);
  return r;
}
