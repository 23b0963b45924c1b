/* SPDX-License-Identifier: BSD-3-Clause */
/* hung: the thread that looks for local disks that do not answer.
 *
 * Remote legs have deadlines.  A local disk answers when the kernel does, which
 * may be never, and whoever asked is inside until then.  So this thread, which
 * asks nothing of any disk and waits for nobody, looks at all children once a
 * second as long as a request is under way, and remembers what it saw:
 *
 *   one is still the same LEG_HUNG_S later   its disk hangs: that is told
 *   none is any more                         told
 *   its member has left the array            what of it abort can answer is
 *                                            answered, at once: nobody waits for
 *                                            it any more; writes that are
 *                                            inside go on without it (second)
 *   the stop's deadline has passed           the same, whoever is busy
 *
 * No disk is taken out by this: a slow one may be all right.
 *
 * Locks: state_lock.  Does not block.
 */
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/hung.h"
#include "engine/io/latency.h"
#include "ground/log.h"
#include "ground/util.h"

/* What is to be told, of one member. */
struct told {
  char name[MEMBER_NAME_MAX];
  int slot;
  bool begins;
  bool has_left; /* the array */
  struct member_hung found;
};

void
hung_init (struct hung *hung)
{
  worker_init (&hung->worker);
  atomic_init (&hung->asleep, false);
  atomic_init (&hung->give_up_ns, GROUND_NEVER);
}

void
hung_destroy (struct hung *hung)
{
  worker_destroy (&hung->worker);
}

/* -------------------------------------------------------------------- looking */

/* Is it the one that was seen before?  Since when, or 0. */
static uint64_t
seen_since (struct child *child, uint64_t now_ns)
{
  uint32_t serial
    = atomic_load_explicit (&child->serial, memory_order_acquire);

  if (!atomic_load (&child->taken))
    child->seen_ns = 0;
  else if (child->seen_ns == 0 || child->seen != serial) {
    child->seen = serial;
    child->seen_ns = now_ns;
  }
  return child->seen_ns;
}

/* What hangs stays as it was issued; if it comes back just now, this may be
 * another one's, once.
 */
static void
add_found (struct member_hung found[LEGS_MAX], const struct child *child)
{
  struct member_hung *at = &found[child->place % LEGS_MAX];

  if (at->count++ > 0 && at->since_ns <= child->seen_ns)
    return;
  at->since_ns = child->seen_ns;
  at->op = child->op;
}

static void
look_at_pool (struct pool *pool, uint64_t now_ns,
              struct member_hung found[LEGS_MAX])
{
  for (unsigned i = 0; i < pool->total; i++) {
    struct child *child = &pool->items[i];
    uint64_t since = seen_since (child, now_ns);

    if (since != 0 && now_ns - since >= LEG_HUNG_S * GROUND_S)
      add_found (found, child);
  }
}

/* state_lock held.  Does this change what is known of @member? */
static bool
note (const struct array *array, struct member *member,
      const struct member_hung *found, struct told *ret)
{
  const struct roster_member *entry;
  bool hangs = found->count > 0, did = member->hung.since_ns != 0;

  ret->begins = hangs;
  ret->has_left = atomic_load (&member->left);
  ret->found = did ? member->hung : *found;
  if (hangs && did)
    member->hung.count = found->count;
  if (hangs == did)
    return false;
  entry = roster_find (&array->roster, member->id);
  ret->slot = entry != NULL ? entry->slot : -1;
  snprintf (ret->name, sizeof ret->name, "%s", member->name);
  member->hung = hangs ? *found : (struct member_hung){ .count = 0 };
  return true;
}

/* The next news, of members behind number *@at. */
static bool
next_news (struct array *array, const struct member_hung found[LEGS_MAX],
           unsigned *at, struct told *ret)
{
  bool is_news = false;

  ground_mutex_lock (&array->state_lock);
  while (!is_news && *at < array->count) {
    const struct member_hung nothing = { .count = 0 };
    struct member *member = array->members[(*at)++];

    /* One whose leg is closed owes nothing. */
    if (member->leg == NULL)
      is_news = note (array, member, &nothing, ret);
    else if (member->leg->rank != LEG_REMOTE)
      is_news = note (array, member, &found[member->place], ret);
  }
  ground_mutex_unlock (&array->state_lock);
  return is_news;
}

static void
tell (const struct told *told, uint64_t now_ns)
{
  const struct log_event event = { told->begins ? "Hung" : "HungEnded",
                                   told->begins ? EVENT_WARNING : EVENT_INFO,
                                   told->slot, told->name };
  unsigned long long seconds
    = (now_ns - told->found.since_ns) / GROUND_S;

  if (told->begins)
    log_event (&event,
               "disk %.200s HANGS: %u request%s, the first one a %s, not "
               "answered for %llu seconds.  %s",
               told->name, told->found.count,
               told->found.count == 1 ? "" : "s",
               latency_op_name (told->found.op), seconds,
               told->has_left ? "It has left the array, and nothing else waits "
                                "for it"
                              : "What needs this disk waits; nbdmirror fail "
                                "lets the others go on without it");
  else
    log_event (&event,
               "disk %.200s: nothing hangs there any more, after %llu seconds",
               told->name, seconds);
}

static void
look (struct array *array)
{
  struct member_hung found[LEGS_MAX] = { { .count = 0 } };
  uint64_t now_ns = ground_now ();
  struct told told;
  unsigned at = 0;

  look_at_pool (&array->pool, now_ns, found);
  look_at_pool (&array->retries, now_ns, found);
  look_at_pool (&array->resync.pool, now_ns, found);
  if (array->md != NULL) {
    look_at_pool (&array->md->pool, now_ns, found);
    look_at_pool (&array->md->flush_pool, now_ns, found);
  }
  while (next_news (array, found, &at, &told))
    tell (&told, now_ns);
}

/* ------------------------------------------------------------------ letting go */

static bool
is_busy (const struct member *member)
{
  return atomic_load (&member->outstanding) > 0
         && member->leg->rank != LEG_REMOTE;
}

static bool
is_left (const struct member *member)
{
  return atomic_load (&member->left) && is_busy (member);
}

static void
let_go_of (struct array *array, const struct member *member)
{
  member->leg->ops->abort (member->leg);
  if (atomic_load (&member->left))
    worker_wake (&array->second.worker);
}

static void
let_go (struct array *array)
{
  bool gives_up = ground_now () >= atomic_load (&array->hung.give_up_ns);
  struct member *member = NULL;

  while ((member
          = view_next_member (array, member, gives_up ? is_busy : is_left))
         != NULL)
    let_go_of (array, member);
}

/* ------------------------------------------------------------------ the thread */

static bool
is_idle (const struct array *array)
{
  for (unsigned i = 0; i < array->groups; i++)
    if (requests_free_count (array->group[i]) < array->group[i]->total)
      return false;
  return atomic_load (&array->hung.give_up_ns) == GROUND_NEVER;
}

/* Somebody hangs as long as it is known. */
static bool
may_sleep (struct array *array)
{
  bool known = false;

  ground_mutex_lock (&array->state_lock);
  for (unsigned i = 0; i < array->count; i++)
    known |= array->members[i]->hung.since_ns != 0;
  ground_mutex_unlock (&array->state_lock);
  return !known && is_idle (array);
}

static void
be_watchful (void *argument)
{
  struct array *array = argument;
  struct hung *hung = &array->hung;
  bool goes_on;

  do {
    look (array);
    let_go (array);
    /* Who begins before this finds us awake, and we find him. */
    atomic_store (&hung->asleep, true);
    if (may_sleep (array))
      /* Woken by the next request, by each view that somebody has left, and
       * with the stop's deadline.
       */
      goes_on = worker_sleep (&hung->worker, GROUND_NEVER);
    else {
      atomic_store (&hung->asleep, false);
      goes_on = worker_sleep (&hung->worker, ground_now () + HUNG_LOOK_NS);
    }
    atomic_store (&hung->asleep, false);
  } while (goes_on);
}

int
hung_start (struct array *array)
{
  return worker_start (&array->hung.worker, "mirror-hung", be_watchful, array);
}

void
hung_stop (struct array *array)
{
  worker_stop (&array->hung.worker);
}

void
hung_set_deadline (struct array *array, uint64_t deadline_ns)
{
  atomic_store (&array->hung.give_up_ns, deadline_ns);
  worker_wake (&array->hung.worker);
}
