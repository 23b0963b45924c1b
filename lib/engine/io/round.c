/* SPDX-License-Identifier: BSD-3-Clause */
/* round: the children that a request sends at once: issued one by one, answered
 * from any thread, waited for; and what somebody else may do in its place.
 */
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/request.h"
#include "ground/util.h"

void
request_arm (struct request *request, struct pool *pool)
{
  assert (request->remaining == 0 && request->queued == 0
          && request->unread == 0);

  request->pool = pool;
  request->all_answered = false;
  request->asked = 0;
  request->failed = 0;
  request->failed_tags = 0;
  request->repeats = false;
  memset (request->issued, 0, sizeof request->issued);
  request->remaining = 1;
}

void
request_arm_again (struct request *request, struct pool *pool, uint32_t places)
{
  uint32_t asked = request->asked, failed = request->failed;

  assert ((places & ~failed) == 0);
  request_arm (request, pool);
  request->asked = asked;
  request->failed = failed & ~places;
}

void
request_arm_repeat (struct request *request, struct pool *pool, uint32_t places)
{
  request_arm_again (request, pool, places);
  request->repeats = true;
  memcpy (request->repeated, request->failed_children,
          sizeof request->repeated);
}

bool
request_failed_in (const struct request *request, unsigned place,
                   uint64_t offset, uint64_t length)
{
  uint64_t base = request_member (request, place)->data_offset;
  uint64_t from = request->failed_from[place];

  return (request->failed & 1u << place)
         && ranges_overlap (base + offset, length, from,
                            request->failed_end[place] - from);
}

/* The worst error of a leg counts, the first of several, and where it failed at
 * all.  Lock held.
 */
static RARE void
note_failure (struct request *request, const struct child *child, int error)
{
  unsigned place = child->place;
  uint64_t end = child->offset + child->length;

  if (request->failed & 1u << place) {
    request->failed_from[place]
      = MIN (request->failed_from[place], child->offset);
    request->failed_end[place] = MAX (request->failed_end[place], end);
  }
  else {
    request->failed |= 1u << place;
    request->error[place] = 0;
    request->failed_from[place] = child->offset;
    request->failed_end[place] = end;
    request->failed_children[place] = 0;
  }
  if (request->error[place] == 0
      || leg_error_is_worse (error, request->error[place])) {
    request->error[place] = error;
    request->generation[place] = child->generation;
  }
  request->failed_children[place] |= 1u << child->number;
  request->failed_tags |= 1u << child->tag;
}

/* True for the caller that let go last. */
static bool
drop_reference (struct request *request)
{
  unsigned before = atomic_fetch_sub (&request->remaining, 1);

  assert (before > 0);
  return before == 1;
}

/* A leg has answered.  Runs in any thread, perhaps inside leg_issue. */
static void
child_answered (struct child *child, int error)
{
  struct request *request = child->owner;
  struct member *member = child->member;

  if (error != 0) {
    ground_mutex_lock (&request->lock);
    note_failure (request, child, error);
    ground_mutex_unlock (&request->lock);
  }
  if (child->issued_ns != 0)
    latency_note (request, child);
  member_answered (member, child, error);
  /* From here on the child may be another request's. */
  pool_give (child->pool, child);
  if (drop_reference (request)) {
    ground_mutex_lock (&request->lock);
    request->all_answered = true;
    ground_cond_signal (&request->answered);
    ground_mutex_unlock (&request->lock);
  }
}

/* ---------------------------------------------------- done by somebody else */

/* The thread may stay away for long, because of its children or inside_of.  What
 * was taken once is nobody's to take again.
 */
static inline void
go_inside (struct request *request)
{
  if (request->is_offered && !request->is_taken)
    atomic_store_explicit (&request->inside, ++request->entries,
                           memory_order_release);
}

static inline void
come_out (struct request *request)
{
  if (request->is_offered && !request->is_taken)
    request->is_taken = atomic_exchange (&request->inside, REQUEST_OUTSIDE)
                        == REQUEST_TAKEN;
}

bool
request_take (struct request *request, uint64_t inside)
{
  assert (inside != REQUEST_OUTSIDE && inside != REQUEST_TAKEN);
  return atomic_compare_exchange_strong (&request->inside, &inside,
                                         REQUEST_TAKEN);
}

void
request_taken_done (struct request *request, int result)
{
  ground_mutex_lock (&request->lock);
  request->is_done = true;
  request->result = result;
  ground_cond_signal (&request->answered);
  ground_mutex_unlock (&request->lock);
}

int
request_wait_taken (struct request *request)
{
  assert (request->is_taken);
  ground_mutex_lock (&request->lock);
  /* Woken by who has taken it, whose children have deadlines. */
  while (!request->is_done)
    ground_cond_wait (&request->answered, &request->lock, GROUND_NEVER);
  ground_mutex_unlock (&request->lock);
  return request->result;
}

/* ------------------------------------------------------------------- a round */

/* All of *@places, which are none then. */
static void
kick_off_places (struct request *request, uint32_t *places)
{
  while (*places != 0) {
    unsigned place = __builtin_ctz (*places);

    *places &= ~(1u << place);
    leg_kickoff (request_member (request, place)->leg);
  }
}

/* Others read the answers of remote legs. */
static void
let_read (struct request *request)
{
  kick_off_places (request, &request->unread);
}

static void
kick_off_queued (struct request *request)
{
  go_inside (request);
  kick_off_places (request, &request->queued);
  request->queued_children = 0;
  come_out (request);
}

/* First those of remote legs, since a disk may keep this thread. */
static __attribute__ ((noinline)) void
kick_off_all (struct request *request)
{
  let_read (request);
  if (request->queued != 0)
    kick_off_queued (request);
}

/* Nothing of ours stays where nobody works on it. */
static inline void
kick_off (struct request *request)
{
  if ((request->queued | request->unread) != 0)
    kick_off_all (request);
}

/* Before waiting for a child, all that were taken are on their way: what we wait
 * for may be one of our own.  NULL: the request is taken.
 */
static RARE struct child *
wait_for_child (struct request *request, unsigned place)
{
  struct child *child;

  kick_off (request);
  if (request->is_taken)
    return NULL;
  if (!request->is_offered)
    return pool_wait (request->pool, place);
  atomic_store (&request->inside_of, request_member (request, place));
  go_inside (request);
  child = pool_wait (request->pool, place);
  come_out (request);
  atomic_store (&request->inside_of, NULL);
  if (!request->is_taken)
    return child;
  pool_give (request->pool, child);
  return NULL;
}

/* An inline leg keeps this thread until its disk has answered; and a leg whose
 * queue is full would do what is in it with another child in hand, so that
 * nobody could take the request over.
 */
static inline bool
must_kick_off (const struct request *request, enum leg_rank rank)
{
  return rank == LEG_INLINE || request->queued_children == RING_ENTRIES;
}

/* Right before it is issued. */
static void
latency_begin (struct child *child)
{
  if (child->op <= CHILD_ZERO)
    child->issued_ns = ground_now ();
}

static inline void
issue (struct request *request, unsigned place, const struct child_spec *what,
       uint64_t base)
{
  struct member *member = request_member (request, place);
  enum leg_rank rank = member->leg->rank;
  /* A queued leg does what it does not queue. */
  bool may_stay = rank != LEG_REMOTE;
  unsigned number = request->issued[place]++ % 32;
  struct child *child;

  assert (what->tag < 32);
  if (request->repeats && !(request->repeated[place] & 1u << number))
    return;
  if (must_kick_off (request, rank))
    kick_off (request);
  if (request->is_taken)
    return;

  child = pool_try (request->pool, place);
  if (child == NULL)
    child = wait_for_child (request, place);
  if (child == NULL)
    return;
  child->op = what->op;
  child->flags = what->flags | request->pool->flags;
  child->offset = base + what->offset;
  child->length = what->length;
  child->buffer = what->buffer;
  child->extents = what->extents;
  child->extents_max = what->extents_max;
  child->extents_count = 0;
  child->tag = what->tag;
  child->number = number;
  child->issued_ns = 0;
  child->done = child_answered;
  child->owner = request;
  child->member = member;
  hung_note (child);

  request->asked |= 1u << place;
  request->queued_children += rank == LEG_QUEUED;
  atomic_fetch_add (&request->remaining, 1);
  member_issued (member);

  if (request->timed || rank == LEG_REMOTE)
    latency_begin (child);
  if (may_stay) {
    /* A queued leg may do this one at once, and stay in its disk. */
    if (rank == LEG_QUEUED)
      let_read (request);
    go_inside (request);
  }
#ifdef MIRROR_PLANT_GATHER
  /* Only in the build that shows what this file must never do. */
  child->next = request->gathered;
  request->gathered = child;
#else
  leg_issue (member->leg, child);
  if (rank == LEG_REMOTE)
    request->unread |= 1u << place;
  else if (member->leg->ops->kickoff != NULL)
    request->queued |= 1u << place;
#endif
  if (may_stay)
    come_out (request);
}

#ifdef MIRROR_PLANT_GATHER
static void
issue_gathered (struct request *request)
{
  while (request->gathered != NULL) {
    struct child *child = request->gathered;
    struct leg *leg = request_member (request, child->place)->leg;

    request->gathered = child->next;
    leg_issue (leg, child);
    if (leg->rank == LEG_REMOTE)
      leg_kickoff (leg);
    else
      request->queued |= 1u << child->place;
  }
}
#endif

void
request_issue (struct request *request, unsigned place,
               const struct child_spec *what)
{
  uint64_t base = request_member (request, place)->data_offset;

  issue (request, place, what, what->op == CHILD_FLUSH ? 0 : base);
}

void
request_issue_raw (struct request *request, unsigned place,
                   const struct child_spec *what)
{
  issue (request, place, what, 0);
}

/* Nothing was asked but of remote legs: there is nothing else that this thread
 * would wait for.
 */
static inline bool
is_remote_only (const struct request *request)
{
  return request->unread != 0 && request->asked == request->unread;
}

/* Not inline: who waits for local disks only needs no room for it. */
static __attribute__ ((noinline)) void
attend (struct request *request)
{
  struct leg *legs[LEGS_MAX];
  unsigned count = 0;

  for (uint32_t left = request->unread; left != 0; left &= left - 1)
    legs[count++] = request_member (request, __builtin_ctz (left))->leg;
  leg_attend (legs, count, &request->remaining);
  request->unread = 0;
}

void
request_finish (struct request *request)
{
  bool attends;

#ifdef MIRROR_PLANT_GATHER
  issue_gathered (request);
#endif
  attends = is_remote_only (request);
  if (!attends)
    kick_off (request);
  if (drop_reference (request)) {
    if (attends)
      request->unread = 0;
    return;
  }
  go_inside (request);
  if (attends)
    attend (request);
  ground_mutex_lock (&request->lock);
  /* Woken by the last answer; every child has a deadline at its leg. */
  while (!request->all_answered)
    ground_cond_wait (&request->answered, &request->lock, GROUND_NEVER);
  ground_mutex_unlock (&request->lock);
  come_out (request);
}
