/* SPDX-License-Identifier: BSD-3-Clause */
/* request: one client operation, and the children it has under way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/request.h"
#include "ground/util.h"

int
requests_init (struct requests *requests, unsigned total, struct array *array)
{
  assert (total > 0);

  *requests = (struct requests){ .total = total };
  ground_mutex_init (&requests->lock);
  ground_cond_init (&requests->freed);
  requests->items = calloc (total, sizeof *requests->items);
  if (requests->items == NULL)
    return -ENOMEM;
  for (unsigned i = 0; i < total; i++) {
    struct request *request = &requests->items[i];

    request->array = array;
    range_ticket_init (&request->range);
    ground_mutex_init (&request->lock);
    ground_cond_init (&request->answered);
  }
  assert (array->groups < ARRAY_LENGTH (array->group));
  array->group[array->groups++] = requests;
  return 0;
}

static bool
is_busy (const struct request *request)
{
  return atomic_load (&request->state) & REQUEST_BUSY;
}

void
requests_destroy (struct requests *requests)
{
  for (unsigned i = 0; requests->items != NULL && i < requests->total; i++) {
    assert (!is_busy (&requests->items[i]));
    range_ticket_destroy (&requests->items[i].range);
    ground_cond_destroy (&requests->items[i].answered);
    ground_mutex_destroy (&requests->items[i].lock);
  }
  ground_cond_destroy (&requests->freed);
  ground_mutex_destroy (&requests->lock);
  free (requests->items);
}

static bool
change_state (struct request *request, unsigned from, unsigned to)
{
  return atomic_compare_exchange_strong (&request->state, &from, to);
}

/* One that is free; NULL: none was when we looked at it. */
static struct request *
find_free (struct requests *requests)
{
  unsigned at = ground_thread_number () % requests->total;

  for (unsigned i = 0; i < requests->total; i++) {
    struct request *request = &requests->items[at];

    if (atomic_load_explicit (&request->state, memory_order_relaxed)
          == REQUEST_FREE
        && change_state (request, REQUEST_FREE, REQUEST_BUSY))
      return request;
    at = at + 1 < requests->total ? at + 1 : 0;
  }
  return NULL;
}

/* Lock held.  What was its state? */
static unsigned
mark (struct request *request)
{
  return atomic_fetch_or (&request->state, REQUEST_CLOSED);
}

/* Lock held.  One that is free after all; else NULL, and each of them tells
 * when it ends.  One pass is enough: a mark stays until the request ends,
 * which takes the lock.
 */
static struct request *
take_or_mark (struct requests *requests)
{
  for (unsigned i = 0; i < requests->total; i++)
    if (mark (&requests->items[i]) == REQUEST_FREE) {
      requests->items[i].state = REQUEST_BUSY;
      return &requests->items[i];
    }
  return NULL;
}

static RARE struct request *
wait_for_free (struct requests *requests)
{
  struct request *request = NULL;

  ground_mutex_lock (&requests->lock);
  while (!requests->closed && (request = take_or_mark (requests)) == NULL)
    /* Woken by any of them that ends; their children have deadlines. */
    ground_cond_wait (&requests->freed, &requests->lock, GROUND_NEVER);
  ground_mutex_unlock (&requests->lock);
  return request;
}

/* Somebody may wait for the last one that has a view. */
static void
tell_closer (struct array *array)
{
  if (atomic_load (&array->views.retired_count) > 0)
    worker_wake (&array->views.closer);
}

void
request_pin_newest (struct request *request)
{
  struct array *array = request->array;
  struct view *view = atomic_load (&array->view);

  assert (request->remaining == 0);
  if (view == request_view (request))
    return;
  /* Once it is seen to be the newest after it was pinned, whoever retires it
   * sees the pin.
   */
  do {
    atomic_store (&request->view, view);
    view = atomic_load (&array->view);
  } while (view != request_view (request));
  tell_closer (array);
}

int
request_begin (struct requests *requests, struct request **ret)
{
  struct request *request = find_free (requests);
  uint64_t served;

  if (request == NULL)
    request = wait_for_free (requests);
  if (request == NULL)
    return -ESHUTDOWN;
  served = atomic_load_explicit (&request->served, memory_order_relaxed) + 1;
  atomic_store_explicit (&request->served, served, memory_order_relaxed);
  request->timed = served % LATENCY_SAMPLE == 1;
  hung_look (&request->array->hung);
  request_pin_newest (request);
  *ret = request;
  return 0;
}

void
request_end (struct requests *requests, struct request *request)
{
  assert (request->remaining == 0 && !request->range.running);
  assert (request->stable.number == 0);

  /* After this the array may be gone: the stop has seen that we are. */
  if (change_state (request, REQUEST_BUSY, REQUEST_FREE))
    return;
  ground_mutex_lock (&requests->lock);
  assert (request->state == REQUEST_WANTED);
  atomic_store (&request->state,
                requests->closed ? REQUEST_CLOSED : REQUEST_FREE);
  ground_cond_broadcast (&requests->freed);
  tell_closer (request->array);
  ground_mutex_unlock (&requests->lock);
}

/* Lock held.  Nobody begins with one that is marked; a busy one tells when it
 * ends; one that is closed may be used by the stop.
 */
static bool
keeps_view (struct request *request, const struct view *view)
{
  if (request_view (request) != view)
    return false;
  if (mark (request) != REQUEST_FREE)
    return true;
  atomic_store (&request->view, NULL);
  atomic_store (&request->state, REQUEST_FREE);
  return false;
}

bool
requests_release_view (struct requests *requests, const struct view *view)
{
  bool kept = false;

  ground_mutex_lock (&requests->lock);
  for (unsigned i = 0; i < requests->total; i++)
    kept |= keeps_view (&requests->items[i], view);
  ground_mutex_unlock (&requests->lock);
  return kept;
}

void
requests_close (struct requests *requests)
{
  ground_mutex_lock (&requests->lock);
  requests->closed = true;
  for (unsigned i = 0; i < requests->total; i++)
    mark (&requests->items[i]);
  /* Those who wait for a free one hear that there will be none. */
  ground_cond_broadcast (&requests->freed);
  ground_mutex_unlock (&requests->lock);
}

static bool
is_any_busy (const struct requests *requests)
{
  for (unsigned i = 0; i < requests->total; i++)
    if (is_busy (&requests->items[i]))
      return true;
  return false;
}

int
requests_drain (struct requests *requests, uint64_t deadline_ns)
{
  int r = 0;

  ground_mutex_lock (&requests->lock);
  assert (requests->closed);
  while (is_any_busy (requests) && r == 0)
    r = ground_cond_wait (&requests->freed, &requests->lock, deadline_ns);
  if (!is_any_busy (requests))
    r = 0;
  ground_mutex_unlock (&requests->lock);
  return r;
}

uint64_t
requests_served (const struct requests *requests)
{
  uint64_t served = 0;

  for (unsigned i = 0; i < requests->total; i++)
    served += atomic_load_explicit (&requests->items[i].served,
                                    memory_order_relaxed);
  return served;
}

unsigned
requests_free_count (const struct requests *requests)
{
  unsigned count = 0;

  for (unsigned i = 0; i < requests->total; i++)
    count += !is_busy (&requests->items[i]);
  return count;
}

void
request_arm (struct request *request, struct pool *pool)
{
  assert (request->remaining == 0 && request->queued == 0);

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

static void
kick_off_queued (struct request *request)
{
  go_inside (request);
  while (request->queued != 0) {
    unsigned place = __builtin_ctz (request->queued);

    request->queued &= ~(1u << place);
    leg_kickoff (request_member (request, place)->leg);
  }
  request->queued_children = 0;
  come_out (request);
}

/* Nothing of ours stays where nobody works on it. */
static inline void
kick_off (struct request *request)
{
  if (request->queued != 0)
    kick_off_queued (request);
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
  if (may_stay)
    go_inside (request);
#ifdef MIRROR_PLANT_GATHER
  /* Only in the build that shows what this file must never do. */
  child->next = request->gathered;
  request->gathered = child;
#else
  leg_issue (member->leg, child);
  if (member->leg->ops->kickoff != NULL)
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
    unsigned place = child->place;

    request->gathered = child->next;
    leg_issue (request_member (request, place)->leg, child);
    request->queued |= 1u << place;
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

void
request_finish (struct request *request)
{
#ifdef MIRROR_PLANT_GATHER
  issue_gathered (request);
#endif
  kick_off (request);
  if (drop_reference (request))
    return;
  go_inside (request);
  ground_mutex_lock (&request->lock);
  /* Woken by the last answer; every child has a deadline at its leg. */
  while (!request->all_answered)
    ground_cond_wait (&request->answered, &request->lock, GROUND_NEVER);
  ground_mutex_unlock (&request->lock);
  come_out (request);
}
