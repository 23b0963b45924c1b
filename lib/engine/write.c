/* SPDX-License-Identifier: BSD-3-Clause */
/* write: THE WRITE PATH, top to bottom; write, zero and trim enter here.
 *
 *   modify            descriptor, range lock; md arrays: the intent
 *                     on record (intent_begin); segment by segment:
 *     modify_segment  1 which members                 (targets)
 *                     2 to all of them, at once       (send_everywhere)
 *                     3 what could not be zeroed, as written zeroes
 *                     4 a member missed it?  it is out, or the client is told
 *                     5 FUA where the leg has none: flush
 *                     6 md arrays: who is out on record, before the reply
 *
 * The rule this project is about is in send_everywhere: the request's
 * counter starts at one; each child is issued the moment it is taken from
 * the fixed-size pool and adds one; the submitter drops its own reference
 * last, and whoever reaches zero completes the request.  If children were
 * gathered first and issued together, two writers holding half of the pool
 * each would wait for one another for ever.
 *
 * Invariants (numbers of HACKING):
 *  1. A write is acknowledged only when every leg of its write set has
 *     stored it or is durably recorded as failed.
 *  2. A leg recorded in-sync holds every acknowledged write.
 *  3. The bitmap bit of a region is durable before any leg of it changes.
 *  5. At most one modifying operation is active on any byte.
 *  9. The last copy is never failed: errors go to the client.
 * 10. No leg I/O while holding the state mutex.
 * 11. No pointer to a client buffer survives the call that brought it.
 *
 * Locks held on entry: none.  May block on: a request descriptor, the range
 * lock, a bounce buffer, the metadata's turn (before the data and after it), a
 * flush round, a child, the disks.  Whoever waits holds only things of this
 * list that come before it, and nobody who has those needs them to go on.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/failure.h"
#include "ground/log.h"
#include "ground/util.h"

/* What is to be done to a range of the array. */
struct modification {
  enum child_op op;   /* CHILD_WRITE or CHILD_ZERO */
  uint32_t flags;     /* CHILD_FUA, CHILD_MAY_TRIM, CHILD_FAST */
  uint64_t offset, length;
  const char *buffer; /* CHILD_WRITE: @length bytes.  CHILD_ZERO: NULL, or
                         array->zeroes, to be written instead */
};

/* One copy of one piece to one leg, in as many children as the leg's limits
 * ask for.
 */
static void
send_copy (struct request *request, const struct modification *m,
           const struct copy *copy, uint64_t done, uint64_t length)
{
  struct array *array = request->array;
  const struct leg *leg = array->member[copy->slot].leg;
  bool as_zeroes = m->op == CHILD_ZERO && m->buffer != NULL;
  struct child what = { .op = as_zeroes ? CHILD_WRITE : m->op };
  uint64_t most = what.op == CHILD_ZERO ? leg->caps.zero_max
                                        : leg->caps.request_max;

  if (as_zeroes)
    most = MIN (most, (uint64_t)ZERO_BUFFER_SIZE);
  what.flags = what.op == CHILD_ZERO ? m->flags : m->flags & CHILD_FUA;
  if (!leg->caps.fua)
    what.flags &= ~CHILD_FUA;

  for (uint64_t at = 0; at < length; at += what.length) {
    what.offset = copy->offset + at;
    what.length = MIN (length - at, most);
    if (as_zeroes)
      what.buffer = array->zeroes;
    else if (m->buffer != NULL)
      what.buffer = (char *)m->buffer + done + at;
    request_issue (request, copy->slot, &what);
  }
}

/* All pieces, to those of @slots that hold a copy. */
static void
send_pieces (struct request *request, const struct modification *m,
             uint32_t slots)
{
  const struct layout *layout = &request->array->layout;
  struct copy copies[LEGS_MAX];
  unsigned count = layout_copies (layout);
  uint64_t length;

  if (slots == 0)
    return;
  for (uint64_t done = 0; done < m->length; done += length) {
    length = layout_piece (layout, m->offset + done, m->length - done);
    layout_map (layout, m->offset + done, copies);
    for (unsigned i = 0; i < count; i++)
      if (slots & 1u << copies[i].slot)
        send_copy (request, m, &copies[i], done, length);
  }
}

/* The modification to every one of @targets, and wait for all of them. */
static void
send_everywhere (struct request *request, const struct modification *m,
                 uint32_t targets, struct pool *pool)
{
  const struct array *array = request->array;

  /* remaining = 1: until request_finish nobody can complete the request. */
  request_arm (request, pool);

  /* Remote legs first, so that the network works while we write to disk. */
  for (unsigned rank = 0; rank < LEG_RANKS; rank++)
    if (targets & array->slots_of_rank[rank])
      send_pieces (request, m, targets & array->slots_of_rank[rank]);

  /* remaining - 1, then wait for the last mirror's ack. */
  request_finish (request);
}

/* The slots that could not zero but may still be written.  Not supported,
 * invalid (so nbdkit's servers say "not supported"), or an error that writing
 * may get around: only advice failed so far.
 */
static uint32_t
not_zeroed (const struct request *request)
{
  uint32_t slots = 0;

  for (uint32_t left = request->failed; left != 0; left &= left - 1)
    if (!leg_error_is_gone (request->error[__builtin_ctz (left)]))
      slots |= left & -left;
  return slots;
}

/* Zeroes for the legs that have no zeroing of their own: all of @slots. */
static void
send_zeroes (struct request *request, const struct modification *m,
             uint32_t slots)
{
  struct modification zeroes = *m;
  uint32_t asked = request->asked;
  uint32_t failed = request->failed & ~slots;

  zeroes.buffer = request->array->zeroes;
  send_everywhere (request, &zeroes, slots, &request->array->pool);
  /* The others' outcome still counts. */
  request->asked = asked;
  request->failed |= failed;
}

/* The client gets an error, and the copies may differ where it wanted to
 * write.  An md array brings them together again (intent_end).
 */
static int
give_up (struct request *request, const char *what, int error)
{
  struct array *array = request->array;

  if (array->md == NULL && !atomic_exchange (&array->reads_pinned, true))
    log_error ("%s failed on %s: %s.  The client gets the error; copies may "
               "differ there, so from now on everybody reads the first one; "
               "this is said once",
               what,
               request->failed == request->asked
                 ? "every disk that holds the data"
                 : "a disk that stays in use",
               log_strerror (error));
  return error;
}

/* A write with FUA that a leg could not store may be all that is ever heard
 * of earlier ones that it lost.
 */
static void
distrust_flushes (struct request *request)
{
  struct array *array = request->array;

  for (uint32_t left = request->failed & array_targets (array); left != 0;
       left &= left - 1) {
    unsigned slot = __builtin_ctz (left);
    int error = request->error[slot];

    if (!leg_error_is_harmless (error) && !leg_error_is_full (error))
      flush_lost (array, slot, error);
  }
}

/* Every member has answered.  Those that missed it are out when this
 * returns 0.
 */
static int
settle (struct request *request, const char *what, uint32_t flags)
{
  int r;

  /* Who is out has to be out before a reader may take this place for quiet. */
  assert (request->range.running);
  if (request->failed == 0)
    return 0;
  /* If no member took it that can be read, that is an error for the client,
   * but no reason to call one of them worse than the others.
   */
  if ((request->asked & ~request->failed & array_in_sync (request->array)) == 0)
    r = request->error[__builtin_ctz (request->failed)];
  else
    r = failure_settle (request, what);
  if (flags & CHILD_FUA)
    distrust_flushes (request);
  return r < 0 ? give_up (request, what, r) : 0;
}

static int
modify_segment (struct request *request, const struct modification *m)
{
  const char *what = m->op == CHILD_ZERO ? "a zero request" : "a write";
  struct array *array = request->array;
  uint32_t targets = array_targets (array);
  uint32_t again;
  int r;

  send_everywhere (request, m, targets, &array->pool);
  again = m->op == CHILD_ZERO ? not_zeroed (request) : 0;
  if (again != 0)
    send_zeroes (request, m, again);

  r = settle (request, what, m->flags);
  if (r == 0 && (m->flags & CHILD_FUA))
    r = flush_where_no_fua (request, request->asked & array_targets (array),
                            &array->pool);
  /* Who missed it is out; no reply before that is on record. */
  return r == 0 ? metadata_settle (array) : r;
}

/* Segment by segment through one bounce buffer where legs want aligned
 * memory; in one go elsewhere.
 */
static int
modify_range (struct request *request, const struct modification *m)
{
  struct array *array = request->array;
  struct modification segment = *m;
  void *bounce;
  int r = 0;

  if (!array->bounced || m->op == CHILD_ZERO)
    return modify_segment (request, m);

  bounce = bounce_take (&array->write_bounces);
  segment.buffer = bounce;
  for (uint64_t done = 0; done < m->length && r == 0;
       done += segment.length) {
    segment.offset = m->offset + done;
    segment.length = MIN (m->length - done, (uint64_t)array->bounce_size);
    memcpy (bounce, m->buffer + done, segment.length);
    r = modify_segment (request, &segment);
  }
  bounce_give (&array->write_bounces, bounce);
  return r;
}

static int
check (const struct array *array, uint64_t length, uint64_t offset)
{
  if (!is_aligned (offset | length, array->limits.block_minimum))
    return -EINVAL;
  if (array->limits.readonly)
    return -EROFS;
  return 0;
}

/* Will everything be readable that is written here?  Not where every current
 * copy has a bad block on record: nobody reads such a place.
 */
static bool
is_readable (const struct array *array, const struct modification *m)
{
  struct copy copies[LEGS_MAX];
  uint64_t length;

  if (!array->has_bad_blocks)
    return true;
  for (uint64_t done = 0; done < m->length; done += length) {
    uint64_t most = layout_piece (&array->layout, m->offset + done,
                                  m->length - done);

    length = 0;
    layout_map (&array->layout, m->offset + done, copies);
    for (unsigned i = 0; i < layout_copies (&array->layout); i++)
      if (array_in_sync (array) & 1u << copies[i].slot)
        length = MAX (length,
                      member_good_length (&array->member[copies[i].slot],
                                          copies[i].offset, most));
    if (length == 0)
      return false;
  }
  return true;
}

/* With the intent on record, and nothing sent before. */
static int
modify_protected (struct request *request, const struct modification *m)
{
  struct array *array = request->array;
  int r = intent_begin (array, m->offset, m->length);
  bool sent = r == 0;

  if (sent)
    r = modify_range (request, m);
  intent_end (array, m->offset, m->length, sent && r < 0);
  return r;
}

/* Enter, lock the range, do it, leave. */
static int
modify (struct array *array, const struct modification *m)
{
  struct request *request;
  int r;

  r = check (array, m->length, m->offset);
  if (r < 0 || m->length == 0)
    return r;
  r = request_begin (&array->modifiers, &request);
  if (r < 0)
    return r;
  range_lock (&array->ranges, &request->range, m->offset, m->length);
  if (is_readable (array, m))
    r = modify_protected (request, m);
  else
    r = -EIO;
  range_unlock (&array->ranges, &request->range);
  request_end (&array->modifiers, request);
  return r;
}

int
array_write (struct array *array, const void *buffer, uint64_t length,
             uint64_t offset, uint32_t flags)
{
  struct modification m = { .op = CHILD_WRITE,
                            .offset = offset,
                            .length = length,
                            .buffer = buffer };

  if (flags & ARRAY_FUA)
    m.flags |= CHILD_FUA;
  return modify (array, &m);
}

/* Does every current leg zero without being sent zeroes?  1, 0, or
 * -ESHUTDOWN.
 */
static int
everybody_can_zero (struct array *array, uint32_t child_flags)
{
  struct request *request;
  int r = request_begin (&array->modifiers, &request);

  if (r < 0)
    return r;
  r = 1;
  for (uint32_t left = array_targets (array); left != 0; left &= left - 1) {
    struct leg *leg = array->member[__builtin_ctz (left)].leg;

    r &= leg->ops->can_zero (leg, child_flags);
  }
  request_end (&array->modifiers, request);
  return r;
}

int
array_zero (struct array *array, uint64_t length, uint64_t offset,
            uint32_t flags)
{
  struct modification m = { .op = CHILD_ZERO,
                            .offset = offset,
                            .length = length };
  int r;

  if (flags & ARRAY_FUA)
    m.flags |= CHILD_FUA;
  if (flags & ARRAY_MAY_TRIM)
    m.flags |= CHILD_MAY_TRIM;
  if (flags & ARRAY_FAST_ZERO)
    m.flags |= CHILD_FAST;
  r = check (array, length, offset);
  if (r == 0 && (flags & ARRAY_FAST_ZERO)) {
    r = everybody_can_zero (array, m.flags);
    if (r == 0)
      return -EOPNOTSUPP;
  }
  return r < 0 ? r : modify (array, &m);
}

/* The members must stay alike, so a trim is a zero with holes on all of
 * them; it is only advice, so where one of them cannot do that cheaply it is
 * done on none.
 */
int
array_trim (struct array *array, uint64_t length, uint64_t offset,
            uint32_t flags)
{
  int r = check (array, length, offset);

  if (r == 0)
    r = everybody_can_zero (array, CHILD_MAY_TRIM);
  if (r < 0)
    return r;
  if (r == 0)
    return (flags & ARRAY_FUA) ? array_flush (array) : 0;
  return array_zero (array, length, offset,
                     (flags & ARRAY_FUA) | ARRAY_MAY_TRIM);
}
