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
 * has lost something, whatever the error says; it is out before the client
 * hears of success.  Where it stays, because no other copy of something could
 * flush either, no later flush succeeds.  So it is with a write that was to be
 * stable (CHILD_FUA), since servers do that with a flush.
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
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/io/flush.h"
#include "ground/log.h"
#include "ground/util.h"

/* Those whose connection is lost: nothing ever succeeds on it, and what becomes of
 * what was not flushed is life/reattach's.
 */
static uint32_t
unreached (const struct request *request, uint32_t places)
{
  uint32_t ret = 0;

  for (uint32_t left = places; left != 0; left &= left - 1)
    if (member_is_lost (request_member (request, __builtin_ctz (left))))
      ret |= left & -left;
  return ret;
}

/* @places stay current although they may have lost what they had not yet
 * stored.  Each is said once.
 */
static void
lost (struct request *request, uint32_t places, const char *what)
{
  struct array *array = request->array;
  const struct member *member;
  unsigned first, others;
  uint32_t new = 0;
  char like[24] = "";

  places &= ~unreached (request, places);
  for (uint32_t left = places; left != 0; left &= left - 1)
    if (!atomic_exchange (
          &request_member (request, __builtin_ctz (left))->flush_lost, true))
      new |= left & -left;
  stable_lost (&array->stables, places);
  if (new == 0)
    return;
  atomic_store (&array->flush_lost, true);
  first = __builtin_ctz (new);
  others = __builtin_popcount (new) - 1;
  member = request_member (request, first);
  if (others > 0)
    snprintf (like, sizeof like, ", like %u other%s,", others,
              others > 1 ? "s" : "");
  log_error ("disk %.200s (slot %u)%s stays in use although %s failed on it: "
             "%s.  What was acknowledged before may be lost there, so every "
             "flush fails from now on; check the disk, then start the mirror "
             "again", member->name,
             view_slot (request_view (request), member), like, what,
             log_strerror (request->error[first]));
}

/* What was to be stable failed. */
static void
distrust (struct request *request)
{
  const struct view *view = request_view (request);
  uint32_t fua = view->with_fua, places = 0;

  for (uint32_t left
       = request->failed & view_targets_now (request->array, view);
       left != 0; left &= left - 1) {
    int error = request->error[__builtin_ctz (left)];

    /* A full disk has refused the write, and so has one that says "try
     * again".  "Invalid" may stand for any error, but not of the plain write
     * that a leg without FUA gets.
     */
    if (!leg_error_is_full (error) && !leg_error_may_pass (error)
        && (!leg_error_is_harmless (error) || (fua & left & -left)))
      places |= left & -left;
  }
  lost (request, places, "a write that was to be stable");
}

void
flush_fua_begin (struct request *request)
{
  struct array *array = request->array;

  if (request_view (request)->with_fua != 0)
    stable_begin (&array->stables, &request->stable);
}

int
flush_fua_settle (struct request *request, int r)
{
  struct array *array = request->array;
  const struct view *view = request_view (request);
  uint32_t places;

  distrust (request);
  places = stable_end (&array->stables, &request->stable);
  places &= request->asked & view->with_fua & view_targets_now (array, view);
  return r == 0 && places != 0 ? -EIO : r;
}

void
flush_absent (struct member *member, unsigned slot)
{
  if (!atomic_exchange (&member->flush_absent, true))
    log_notice ("disk %.200s (slot %u): cannot flush.  A flush succeeds all "
                "the same, so what clients flush%s may be lost on this disk "
                "if its machine loses power; use a server that can flush",
                member->name, slot,
                member->leg->caps.fua ? "" : ", or write with FUA,");
}

/* Where no copy has a flush after all nothing failed, but people must know. */
static void
excuse_absent (struct request *request)
{
  for (uint32_t left = failure_excused (request); left != 0;
       left &= left - 1) {
    unsigned place = __builtin_ctz (left);
    struct member *member = request_member (request, place);

    if (request->error[place] != -EOPNOTSUPP || atomic_load (&member->flushed))
      continue;
    request->failed &= ~(1u << place);
    flush_absent (member, view_slot (request_view (request), member));
  }
}

static void
note_flushed (struct request *request)
{
  for (uint32_t left = request->asked & ~request->failed; left != 0;
       left &= left - 1) {
    struct member *member = request_member (request, __builtin_ctz (left));

    /* It is so nearly always: then nothing is written. */
    if (!atomic_load_explicit (&member->flushed, memory_order_relaxed))
      atomic_store (&member->flushed, true);
  }
}

/* Does any of them only say that it flushes? */
static bool
is_any_absent (const struct view *view)
{
  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    if (atomic_load (&view->member[__builtin_ctz (left)]->flush_absent))
      return true;
  return false;
}

/* Do all members of the array hold for sure what they were flushed for?  Not
 * while somebody is out, nor if nobody can tell.
 */
static bool
is_everywhere (const struct request *request, uint32_t places)
{
  const struct view *view = request_view (request);

  if (!view->is_complete || view_is_old (request->array, view)
      || (view->targets & ~places) != 0 || request->failed != 0
      || atomic_load (&request->array->reads_pinned))
    return false;
  return !is_any_absent (view);
}

/* All of @places at once, and nobody else's flush beside.  They are places of
 * today, or of views that others have: who is at one of them now was there
 * then, or needs none of it.
 */
static int
flush_now (struct request *request, uint32_t places, struct pool *pool)
{
  struct array *array = request->array;
  const struct child_spec flush = { .op = CHILD_FLUSH };
  const struct view *view;
  bool everywhere;
  int r;

  missed_flush_begin (&array->missed);
  witness_flush_begin (array->witness);
  request_pin_newest (request);
  view = request_view (request);

  stable_begin (&array->stables, &request->stable);
  request_arm (request, pool);
  for (unsigned rank = 0; rank < LEG_RANKS; rank++)
    for (uint32_t left = places & view->of_rank[rank]; left != 0;
         left &= left - 1)
      request_issue (request, __builtin_ctz (left), &flush);
  request_finish (request);

  everywhere = is_everywhere (request, places);
  note_flushed (request);
  excuse_absent (request);
  /* Not once more: what was lost is told only once. */
  r = failure_settle (request, "a flush", failure_excused (request));
  lost (request, request->failed & view_targets_now (array, view), "a flush");
  stable_end (&array->stables, &request->stable);
  /* A member that is out since then no longer matters. */
  if (view_flush_is_lost (array, view, view_targets_now (array, view)))
    return -EIO;
  if (r == 0 && everywhere)
    missed_flush_end (&array->missed, view->number);
  if (r == 0 && !is_any_absent (view))
    witness_flush_end (array->witness);
  return r;
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
flush_members (struct request *request, uint32_t places, struct pool *pool)
{
  struct flush_rounds *rounds = &request->array->flushes;
  uint64_t ours;
  int r;

  ground_mutex_lock (&rounds->lock);
  rounds->wanted |= places;
  ours = rounds->started + 1;
  /* Woken by the leader; its children end, at their legs' deadlines. */
  while (rounds->running && rounds->started <= ours)
    ground_cond_wait (&rounds->over, &rounds->lock, GROUND_NEVER);
  if (rounds->started < ours) {
    rounds->started = ours;
    rounds->running = true;
    places = rounds->wanted;
    rounds->wanted = 0;
    ground_mutex_unlock (&rounds->lock);
    r = flush_now (request, places, pool);
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
flush_where_no_fua (struct request *request, uint32_t places,
                    struct pool *pool)
{
  places &= ~request_view (request)->with_fua;
  return places == 0 ? 0 : flush_members (request, places, pool);
}
