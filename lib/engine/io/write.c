/* SPDX-License-Identifier: BSD-3-Clause */
/* write: THE WRITE PATH, top to bottom; write, zero, trim and flush enter here.
 *
 *   modify            descriptor, range lock; md arrays: the intent
 *                     on record (intent_begin); plain ones: noted, for disks
 *                     that come back (missed_begin); segment by segment:
 *                     (a thread that stays inside a disk which has left:
 *                     io/second does it again, and the rest)
 *     modify_segment  1 which members                 (request_pin_newest)
 *                     2 to all of them, at once       (send_to)
 *                     3 what could not be zeroed, as written zeroes; what
 *                       others could do, once more
 *                     4 a member missed it?  it is out, or the client is told
 *                       (settle)
 *                     5 FUA where the leg has none: flush
 *                     6 md arrays: who is out on record, before the reply
 *
 * The rule this project is about is in send_to: the request's
 * counter starts at one; each child is issued the moment it is taken from
 * the fixed-size pool and adds one; the submitter drops its own reference
 * last, and whoever reaches zero completes the request.  If children were
 * gathered first and issued together, two writers holding half of the pool
 * each would wait for one another for ever.
 *
 * Invariants (numbers of tests/RULES.md):
 *  1. A write is acknowledged only when every leg of its write set has
 *     stored it or is durably recorded as failed.
 *  2. A leg recorded in-sync holds every acknowledged write.
 *  3. The bitmap bit of a region is durable before any leg of it changes.
 *  5. At most one modifying operation is active on any byte.
 *  9. The last copy is never failed: errors go to the client.
 * 10. No leg I/O while holding the state mutex.
 * 11. No pointer to a client buffer survives the call that brought it.
 *
 * Locks held on entry: none.  May block on: a disk to come back (await), with
 * its range locked; before that a request descriptor, the range lock, a bounce buffer, the metadata's turn (before the data and after it), a
 * flush round, a child, the disks.  Whoever waits holds only things of this
 * list that come before it, and nobody who has those needs them to go on.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/second.h"
#include "engine/io/settle.h"
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
           const struct view_copy *copy, uint64_t done, uint64_t length)
{
  struct array *array = request->array;
  const struct leg *leg = request_member (request, copy->place)->leg;
  bool as_zeroes = m->op == CHILD_ZERO && m->buffer != NULL;
  struct child_spec what = { .op = as_zeroes ? CHILD_WRITE : m->op };
  uint64_t most = what.op == CHILD_ZERO ? leg->caps.zero_max
                                        : leg->caps.request_max;

  if (as_zeroes) {
    most = MIN (most, (uint64_t)ZERO_BUFFER_SIZE);
    what.buffer = array->zeroes;
  }
  else if (m->op == CHILD_WRITE)
    what.buffer = (char *)m->buffer + done;
  /* A zero request is followed by a flush instead, whose error cannot be
   * mistaken for "cannot zero".
   */
  if (m->op == CHILD_ZERO)
    what.flags = as_zeroes ? 0 : m->flags & ~CHILD_FUA;
  else
    what.flags = leg->caps.fua ? m->flags & CHILD_FUA : 0;

  for (uint64_t at = 0; at < length; at += what.length) {
    what.offset = copy->offset + at;
    what.length = MIN (length - at, most);
    request_issue (request, copy->place, &what);
    if (m->op == CHILD_WRITE)
      what.buffer += what.length;
  }
}

/* All pieces, to those of @places that hold a copy. */
static void
send_pieces (struct request *request, const struct modification *m,
             uint32_t places)
{
  const struct view *view = request_view (request);
  struct view_copy copies[LEGS_MAX];
  uint64_t length;

  if (places == 0)
    return;
  for (uint64_t done = 0; done < m->length; done += length) {
    unsigned count = view_copies (view, m->offset + done, copies);

    length = view_piece (view, m->offset + done, m->length - done);
    for (unsigned i = 0; i < count; i++)
      if (places & 1u << copies[i].place)
        send_copy (request, m, &copies[i], done, length);
  }
}

/* The modification to every one of @places, and wait for all of them.  The
 * request is armed: remaining = 1, and until request_finish nobody can complete
 * it.
 */
static void
send_to (struct request *request, const struct modification *m, uint32_t places)
{
  const struct view *view = request_view (request);
  /* Whoever is on that list is waited for by others. */
  bool may_be_taken = request->whole != NULL && request->stable.number == 0;

  if (may_be_taken)
    request_offer (request);
  /* Remote legs first, so that the network works while we write to disk. */
  for (unsigned rank = 0; rank < LEG_RANKS; rank++)
    if (places & view->of_rank[rank])
      send_pieces (request, m, places & view->of_rank[rank]);

  /* remaining - 1, then wait for the last mirror's ack. */
  request_finish (request);
  if (may_be_taken)
    request_keep (request);
}

/* The places that could not zero but may still be written.  Not supported,
 * invalid (so nbdkit's servers say "not supported"), or an error that writing
 * may get around: only advice failed so far.
 */
static uint32_t
not_zeroed (const struct request *request)
{
  uint32_t places = 0;

  for (uint32_t left = request->failed; left != 0; left &= left - 1)
    if (!leg_error_is_gone (request->error[__builtin_ctz (left)]))
      places |= left & -left;
  return places;
}

/* To all targets of today, until each has done it or failed for good. */
static void
send_until_settled (struct request *request, struct modification m,
                    const struct settle *settle)
{
  struct array *array = request->array;
  uint32_t again;

  request_arm (request, &array->pool);
  send_to (request, &m, request_view (request)->targets);
  if (request->is_taken)
    return;
  again = m.op == CHILD_ZERO ? not_zeroed (request) : 0;
  if (again != 0) {
    m.buffer = array->zeroes;
    request_arm_again (request, &array->pool, again);
    send_to (request, &m, again);
  }
  if (request->is_taken)
    return;
  again = settle_again (request, settle);
  if (again != 0) {
    request_arm_repeat (request, &array->retries, again);
    send_to (request, &m, again);
  }
}

static int
modify_segment (struct request *request, const struct modification *m)
{
  struct array *array = request->array;
  bool is_zero = m->op == CHILD_ZERO, fua = m->flags & CHILD_FUA;
  const struct settle round = { .what = is_zero ? "a zero request" : "a write",
                                .offset = m->offset,
                                .length = m->length,
                                .stable = fua && !is_zero };
  uint32_t places;
  int r;

  request_pin_newest (request);
  if (round.stable)
    flush_fua_begin (request);
  send_until_settled (request, *m, &round);
  if (request->is_taken)
    return request_wait_taken (request);
  r = settle (request, &round);
  places = request->asked & view_targets_now (array, request_view (request));
  if (r == 0 && fua)
    r = is_zero ? flush_members (request, places, &array->pool)
                : flush_where_no_fua (request, places, &array->pool);
  /* Who missed it is out; no reply before that is on record. */
  return r == 0 ? metadata_settle (array) : r;
}

/* Segment by segment through one bounce buffer: some leg wants aligned
 * memory.
 */
static RARE int
modify_bounced (struct request *request, const struct modification *m)
{
  struct array *array = request->array;
  struct modification segment = *m;
  struct bounce *bounces = request->stands_in != NULL
                             ? &array->second.bounces : &array->write_bounces;
  void *bounce = bounce_take (bounces);
  int r = 0;

  segment.buffer = bounce;
  for (uint64_t done = 0; done < m->length && r == 0 && !request->is_taken;
       done += segment.length) {
    segment.offset = m->offset + done;
    segment.length = MIN (m->length - done, (uint64_t)array->bounce_size);
    memcpy (bounce, m->buffer + done, segment.length);
    r = modify_segment (request, &segment);
  }
  bounce_give (bounces, bounce);
  return r;
}

static int
modify_range (struct request *request, const struct modification *m)
{
  return request->array->bounced && m->op != CHILD_ZERO
           ? modify_bounced (request, m)
           : modify_segment (request, m);
}

void
write_second (struct request *own, struct request *taken)
{
  const struct modification *m = taken->whole;
  struct array *array = own->array;
  int r;

  own->stands_in = taken;
  r = modify_range (own, m);
  own->stands_in = NULL;
  if (array->md == NULL)
    missed_end (&array->missed, taken->map);
  intent_end (array, m->offset, m->length, r < 0);
  range_unlock (&array->ranges, &taken->range);
  request_taken_done (taken, r);
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
static RARE bool
is_readable (const struct request *request, const struct modification *m)
{
  const struct view *view = request_view (request);
  struct view_copy copies[LEGS_MAX];
  uint64_t length;

  for (uint64_t done = 0; done < m->length; done += length) {
    uint64_t most = layout_piece (&view->layout, m->offset + done,
                                  m->length - done);
    unsigned count = view_copies (view, m->offset + done, copies);

    length = 0;
    for (unsigned i = 0; i < count; i++)
      if (view->in_sync & 1u << copies[i].place)
        length = MAX (length,
                      member_good_length (view->member[copies[i].place],
                                          copies[i].offset, most));
    if (length == 0)
      return false;
  }
  return true;
}

static RARE int
refuse_bad_blocks (struct array *array)
{
  log_error_repeats (&array->told_modify, ground_now (), -EIO,
                     "a write is refused where every disk that holds the data "
                     "has a bad block on record: it could not be read back");
  return -EIO;
}

/* Of a plain array: with it noted what disks may miss that come back.  A view
 * that the segments are sent with is pinned after that, so who joins then finds
 * the bit.
 */
static int
modify_noted (struct request *request, const struct modification *m)
{
  struct missed *missed = &request->array->missed;
  int r;

  request->map = missed_begin (missed, m->offset, m->length);
  r = modify_range (request, m);
  if (!request->is_taken)
    missed_end (missed, request->map);
  return r;
}

/* With the intent on record where there is one, and nothing sent before. */
static int
modify_protected (struct request *request, const struct modification *m)
{
  struct array *array = request->array;
  bool sent;
  int r;

  if (array->md == NULL)
    return modify_noted (request, m);
  r = intent_begin (array, m->offset, m->length);
  sent = r == 0;
  if (sent) {
    witness_forget (array->witness, m->offset, m->length);
    r = modify_range (request, m);
  }
  if (request->is_taken)
    return r;
  if (r == 0 && m->op == CHILD_WRITE)
    witness_note (array->witness, m->buffer, m->offset, m->length);
  intent_end (array, m->offset, m->length, sent && r < 0);
  return r;
}

/* Enter, lock the range, do it, leave. */
static int
modify (struct array *array, const struct modification *m)
{
  struct request *request;
  struct awaited awaited = await_begin (&array->await);
  int r;

  r = check (array, m->length, m->offset);
  if (r < 0 || m->length == 0)
    return r;
  r = request_begin (&array->modifiers, &request);
  if (r < 0)
    return r;
  range_lock (&array->ranges, &request->range, m->offset, m->length);
  /* Whoever locks it after us and a change of the members knows that we work
   * with what is current now, or later.
   */
  request_pin_newest (request);
  request->whole = m;
  if (!array->has_bad_blocks || is_readable (request, m))
    do
      r = modify_protected (request, m);
    while (!request->is_taken && await_disk (array, r, &awaited));
  else
    r = refuse_bad_blocks (array);
  request->whole = NULL;
  if (!request->is_taken)
    range_unlock (&array->ranges, &request->range);
  request->is_taken = false;
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
  for (uint32_t left = request_view (request)->targets; left != 0;
       left &= left - 1) {
    struct leg *leg = request_member (request, __builtin_ctz (left))->leg;

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
    r = MIN (r, 0);
  }
  if (r == 0)
    r = modify (array, &m);
  /* That would say that nothing was touched. */
  return (flags & ARRAY_FAST_ZERO) && r == -EOPNOTSUPP ? -EIO : r;
}

int
array_flush (struct array *array)
{
  struct request *request;
  struct awaited awaited = await_begin (&array->await);
  int r;

  r = request_begin (&array->modifiers, &request);
  if (r < 0)
    return r;
  do {
    request_pin_newest (request);
    r = flush_members (request, request_view (request)->targets, &array->pool);
    /* Who lost something is out, and that has to last before we say so. */
    if (r == 0)
      r = metadata_settle (array);
  } while (await_disk (array, r, &awaited));
  request_end (&array->modifiers, request);
  return r;
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
