/* SPDX-License-Identifier: BSD-3-Clause */
/* change: members that fail, leave, come and are replaced, by an
 * administrator's order, while the array serves.
 *
 * Each verb is a step of the roster and a commit:
 *
 *   fail, remove          published first: nobody reads there from now on;
 *                         then on record
 *   add, readd, replace   published as one that is written and not read, on
 *                         record, its own superblock first; then rebuilt;
 *                         in sync on record; then read (sync/rebuild)
 *   spare                 published, its superblock stored; it waits for a slot
 *                         (sync/spares)
 *   grow, rename, bitmap  life/grow, life/resize
 *
 * It is on record when array_change returns 0; a plain array has no record, and
 * the answer says so.  One order at a time, but for fail, which an order before
 * it may be waiting for.  What takes long, opening a disk, is done before
 * anything is held, so that one that hangs then keeps nobody else from anything.
 *
 * Locks held on entry: none.  May block on: an order before it, the opener,
 * the turn, the disks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/array-internal.h"
#include "engine/life/grow.h"
#include "engine/life/join.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/plain.h"
#include "engine/life/resize.h"
#include "ground/log.h"
#include "ground/util.h"

/* ---------------------------------------------------------- members that go */

/* state_lock held.  "": the roster has no such member. */
static void
name_of (const struct array *array, uint32_t id, char ret[MEMBER_NAME_MAX])
{
  const struct member *member = view_find_member (array, id);

  snprintf (ret, MEMBER_NAME_MAX, "%s", member != NULL ? member->name : "");
}

/* The step of an order that takes nobody in: what it makes of the roster is
 * published, unless it is only asked for.  @ret_name: of the member, *@ret_slot
 * (or -1) where it was.
 */
static int
take_step (struct array *array, const struct array_order *order,
           const struct roster_event *event, char ret_name[MEMBER_NAME_MAX],
           int *ret_slot, struct array_answer *answer)
{
  const struct roster_member *entry;
  enum roster_refusal refusal;
  struct roster next;

  ground_mutex_lock (&array->state_lock);
  name_of (array, event->id, ret_name);
  entry = roster_find (&array->roster, event->id);
  *ret_slot = entry != NULL ? entry->slot : -1;
  refusal = roster_next (&array->roster, event, &next);
  if (refusal == ROSTER_OK && !order->dry_run) {
    array->roster = next;
    view_publish (array);
  }
  ground_mutex_unlock (&array->state_lock);
  return refusal == ROSTER_OK
           ? 0
           : change_refuse_step (answer, refusal, ret_name);
}

static int
leave (struct array *array, const struct array_order *order,
       struct array_answer *answer)
{
  bool fails = order->verb == ARRAY_FAIL;
  const struct roster_event event
    = { .kind = fails ? ROSTER_FAIL : ROSTER_REMOVE, .id = order->member };
  char name[MEMBER_NAME_MAX];
  struct log_event told
    = { fails ? "Fail" : "Removed", EVENT_INFO, -1, name };
  int r = take_step (array, order, &event, name, &told.slot, answer);

  if (r < 0)
    return r;
  snprintf (answer->text, sizeof answer->text, "disk %.200s is %s%s%s", name,
            fails ? "failed: it is neither read nor written" : "removed",
            array->md != NULL ? "" : ".  ",
            array->md != NULL ? "" : plain_not_durable);
  if (order->dry_run)
    return 0;
  log_event (&told, "disk %.200s is %s, by order", name,
             fails ? "failed" : "removed");
  if (array->md != NULL)
    r = metadata_activate (array);
  if (r == 0)
    r = metadata_settle (array);
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "disk %.200s is out, but that cannot be "
                                 "stored: %s", name, log_strerror (r));
}

/* In which order copies are read is agreed on by all readers: it changes when
 * nothing is being written, and no copies differ.
 */
static bool
may_reorder (const struct array *array)
{
  return !atomic_load (&array->reads_pinned)
         && !atomic_load (&array->flush_lost)
         && (array->md == NULL || atomic_load (&array->md->todo_left) == 0);
}

static int
mark (struct array *array, const struct array_order *order,
      struct request *request, struct array_answer *answer)
{
  bool mostly = order->verb == ARRAY_WRITE_MOSTLY;
  const struct roster_event event
    = { .kind = ROSTER_FLAG, .id = order->member,
        .flags = mostly ? MEMBER_WRITE_MOSTLY : 0 };
  char name[MEMBER_NAME_MAX];
  int r, slot;

  range_lock (&array->ranges, &request->range, 0, array->layout.array_size);
  r = may_reorder (array)
        ? take_step (array, order, &event, name, &slot, answer)
        : change_refuse (answer, -EBUSY, "copies-differ",
                         "copies may differ since a crash or an error, and are "
                         "read in a fixed order; try again after resync");
  range_unlock (&array->ranges, &request->range);
  if (r < 0)
    return r;
  snprintf (answer->text, sizeof answer->text, "disk %.200s is read %s%s", name,
            mostly ? "only where no other copy can be" : "like the others",
            array->md != NULL ? "" : ", until the server stops");
  r = array->md != NULL && !order->dry_run ? metadata_store_now (array) : 0;
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "how disk %.200s is read has changed, but "
                                 "that cannot be stored: %s", name,
                                 log_strerror (r));
}

/* Of what waits for a disk that hangs, nothing is waited for before that disk is
 * out; then the rest comes back.
 */
static int
fail (struct array *array, const struct array_order *order,
      struct array_answer *answer)
{
  struct request *request;
  int r = request_begin (&array->failers, &request);

  if (r < 0)
    return change_refuse (answer, r, "stopping", "the server stops");
  r = leave (array, order, answer);
  request_end (&array->failers, request);
  return r;
}

static int
on_member (struct array *array, const struct array_order *order,
           struct array_answer *answer)
{
  struct request *request;
  int r = change_enter (array, order->dry_run, &request, answer);

  if (r < 0)
    return r;
  if (order->verb == ARRAY_REMOVE)
    r = leave (array, order, answer);
  else
    r = mark (array, order, request, answer);
  request_end (&array->modifiers, request);
  return r;
}

/* ------------------------------------------------------------- every verb */

/* What the member is already, so that it need not come back; NULL: it may.
 * state_lock held.
 */
static const char *
why_needless (const struct array *array, uint32_t id)
{
  const struct roster_member *entry = roster_find (&array->roster, id);

  /* Who is out has no leg any more. */
  if (entry == NULL || entry->state == MEMBER_FAULTY
      || entry->state == MEMBER_SPARE
      || member_is_lost (view_find_member (array, id)))
    return NULL;
  return entry->state == MEMBER_IN_SYNC ? "is in sync" : "is being rebuilt";
}

/* The name that the member has now; it is to come back. */
static int
find_name (struct array *array, uint32_t id, char ret[MEMBER_NAME_MAX],
           struct array_answer *answer)
{
  const char *needless;

  ground_mutex_lock (&array->state_lock);
  name_of (array, id, ret);
  needless = why_needless (array, id);
  ground_mutex_unlock (&array->state_lock);
  if (needless != NULL)
    return change_refuse (answer, -EINVAL, "already",
                          "disk %.200s: %s already; there is nothing to do",
                          ret, needless);
  return ret[0] != '\0' ? 0 : change_refuse_step (answer, ROSTER_UNKNOWN, "");
}

/* change_lock held. */
static int
carry_out (struct array *array, const struct array_order *order,
           struct newcomer *newcomer, struct array_answer *answer)
{
  switch (order->verb) {
  case ARRAY_REMOVE:
  case ARRAY_WRITE_MOSTLY:
  case ARRAY_READ_AS_OTHERS:
    return on_member (array, order, answer);
  case ARRAY_GROW_LEGS:
    return grow_legs (array, order, newcomer, answer);
  case ARRAY_GROW_SIZE:
  case ARRAY_BITMAP:
    return resize_array (array, order, answer);
  case ARRAY_RENAME:
    return rename_array (array, order, answer);
  default:
    return join_opened (array, order, newcomer, answer);
  }
}

static bool
wants_disk (const struct array_order *order)
{
  switch (order->verb) {
  case ARRAY_ADD:
  case ARRAY_READD:
  case ARRAY_REPLACE:
  case ARRAY_SPARE:
    return true;
  case ARRAY_GROW_LEGS:
    return order->disk != NULL && !order->dry_run;
  default:
    return false;
  }
}

static bool
is_given_up (const struct array_order *order)
{
  return order->is_decided != NULL && atomic_exchange (order->is_decided, true);
}

static int
open_disk (struct array *array, const struct array_order *order,
           struct newcomer *newcomer, struct array_answer *answer)
{
  char name[MEMBER_NAME_MAX];
  int r = 0;

  if (order->disk == NULL)
    r = find_name (array, order->member, name, answer);
  if (r == 0)
    r = newcomer_open (array, order->disk != NULL ? order->disk : name, 0,
                       newcomer, answer);
  if (r == 0 && is_given_up (order)) {
    newcomer_drop (newcomer);
    r = change_refuse (answer, -ECANCELED, "given-up",
                       "nobody waits for the disk any more");
  }
  return r;
}

static int
in_turn (struct array *array, const struct array_order *order,
         struct newcomer *newcomer, struct array_answer *answer)
{
  int r;

  ground_mutex_lock (&array->change_lock);
  r = carry_out (array, order, newcomer, answer);
  ground_mutex_unlock (&array->change_lock);
  return r;
}

/* What is wrong whatever the disk is, is said without it. */
static int
check_first (struct array *array, const struct array_order *order,
             struct array_answer *answer)
{
  struct array_order ask = *order;

  ask.dry_run = true;
  return order->verb == ARRAY_GROW_LEGS ? in_turn (array, &ask, NULL, answer)
                                        : 0;
}

static int
with_disk (struct array *array, const struct array_order *order,
           struct array_answer *answer)
{
  struct newcomer *newcomer = malloc (sizeof *newcomer);
  int r;

  if (newcomer == NULL)
    return change_refuse (answer, -ENOMEM, "no-memory", "not enough memory");
  r = check_first (array, order, answer);
  if (r == 0)
    r = open_disk (array, order, newcomer, answer);
  if (r == 0) {
    /* What was said above is not the answer. */
    *answer = (struct array_answer){ .reason = NULL };
    r = in_turn (array, order, newcomer, answer);
    newcomer_drop (newcomer);
  }
  free (newcomer);
  return r;
}

int
array_change (struct array *array, const struct array_order *order,
              struct array_answer *answer)
{
  int r = 0;

  *answer = (struct array_answer){ .reason = NULL };
  if (array->limits.readonly)
    return change_refuse (answer, -EROFS, "read-only",
                          "the array is read-only, so its members stay as "
                          "they are");
  /* Who only asks brings nothing about, not even a rebuild. */
  if (!order->dry_run)
    r = array_begin_threads (array);
  if (r < 0)
    return change_refuse (answer, r, "no-thread", "no thread can be started: "
                          "%s", log_strerror (r));
  /* Disks fail without an order, too, at any moment of one. */
  if (order->verb == ARRAY_FAIL)
    return fail (array, order, answer);
  return wants_disk (order) ? with_disk (array, order, answer)
                            : in_turn (array, order, NULL, answer);
}
