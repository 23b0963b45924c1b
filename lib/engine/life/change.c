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
 *
 * It is on record when array_change returns 0.  One order at a time.  What
 * takes long, opening a disk, is done before anything is held.
 *
 * Locks held on entry: none.  May block on: an order before it, the opener,
 * the turn, the disks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/array-internal.h"
#include "engine/life/answer.h"
#include "engine/life/newcomer.h"
#include "ground/log.h"
#include "ground/util.h"

/* -------------------------------------------------------------- in words */

static const struct {
  const char *reason, *text;
} refusals[] = {
  [ROSTER_UNKNOWN] = { "unknown-member", "the array has no such member" },
  [ROSTER_ALREADY] = { "already", "it is so already" },
  [ROSTER_LAST_COPY] = { "last-copy", "some data has no other copy that is in "
                         "sync, so it stays; add a disk and let it be rebuilt "
                         "first" },
  [ROSTER_IDLE] = { "spare", "it is a spare, which holds nothing" },
  [ROSTER_IN_USE] = { "in-use", "it is in use" },
  [ROSTER_FAULTY] = { "failed", "it has failed; readd it, or remove it" },
  [ROSTER_UNREADY] = { "not-in-sync", "it is being rebuilt; to use another "
                       "disk fail it, and add that" },
  [ROSTER_NO_SLOT] = { "no-free-slot", "every slot has a member; replace one, "
                       "or remove one first" },
  [ROSTER_FULL] = { "too-many-members", "there are as many members as there "
                    "can be" },
};

static int
refuse_step (struct array_answer *answer, enum roster_refusal refusal,
             const char *name)
{
  return change_refuse (answer, -EINVAL, refusals[refusal].reason,
                        "%s%.200s%s%s", name[0] != '\0' ? "disk " : "", name,
                        name[0] != '\0' ? ": " : "", refusals[refusal].text);
}

/* From now on the stop waits for us; and there is something on record that can
 * be changed.
 */
static int
enter (struct array *array, bool dry_run, struct request **ret,
       struct array_answer *answer)
{
  int r = request_begin (&array->modifiers, ret);

  if (r < 0)
    return change_refuse (answer, r, "stopping", "the server stops");
  r = array->md != NULL && !dry_run ? metadata_activate (array) : 0;
  if (r == 0)
    return 0;
  request_end (&array->modifiers, *ret);
  return change_refuse (answer, r, "not-recorded",
                        "the metadata cannot be written: %s",
                        log_strerror (r));
}

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
  return refusal == ROSTER_OK ? 0 : refuse_step (answer, refusal, ret_name);
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
  snprintf (answer->text, sizeof answer->text, "disk %.200s is %s", name,
            fails ? "failed: it is neither read nor written" : "removed");
  if (order->dry_run)
    return 0;
  log_event (&told, "disk %.200s is %s, by order", name,
             fails ? "failed" : "removed");
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
  snprintf (answer->text, sizeof answer->text, "disk %.200s is read %s", name,
            mostly ? "only where no other copy can be" : "like the others");
  r = array->md != NULL && !order->dry_run ? metadata_store_now (array) : 0;
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "how disk %.200s is read has changed, but "
                                 "that cannot be stored: %s", name,
                                 log_strerror (r));
}

static int
on_member (struct array *array, const struct array_order *order,
           struct array_answer *answer)
{
  struct request *request;
  int r = enter (array, order->dry_run, &request, answer);

  if (r < 0)
    return r;
  if (order->verb == ARRAY_FAIL || order->verb == ARRAY_REMOVE)
    r = leave (array, order, answer);
  else
    r = mark (array, order, request, answer);
  request_end (&array->modifiers, request);
  return r;
}

/* --------------------------------------------------------- members that come */

static const char *
verdict_text (const struct fit *fit)
{
  switch (fit->as) {
  case FIT_BY_BITMAP:
    return "what it missed is copied to it";
  default:
    return "all data is copied to it";
  }
}

/* Before what fit says: some of it says what the disk was. */
static const char *
verdict_link (const struct fit *fit)
{
  if (fit->why[0] == '\0')
    return "";
  return fit->reason == FIT_NEW || fit->reason == FIT_HISTORY ? ": it " : ": ";
}

static int
refuse_fit (const struct newcomer *newcomer, struct array_answer *answer)
{
  return change_refuse (answer, -EINVAL,
                        fit_reason_word (newcomer->fit.reason),
                        "disk %.200s: %.700s", newcomer->leg->name,
                        newcomer->fit.why);
}

/* What fit says, and what was asked for. */
static int
check_fit (const struct array_order *order, const struct newcomer *newcomer,
           struct array_answer *answer)
{
  const struct fit *fit = &newcomer->fit;
  const char *name = newcomer->leg->name;

  if (fit->as == FIT_REFUSED)
    return refuse_fit (newcomer, answer);
  if (order->verb == ARRAY_REPLACE && fit->reason != FIT_NEW)
    return change_refuse (answer, -EINVAL, "not-new",
                          "disk %.200s is a member of this array; replace with "
                          "a disk that is none", name);
  if (order->verb == ARRAY_READD && fit->reason == FIT_NEW)
    return change_refuse (answer, -EINVAL, "no-member",
                          "disk %.200s was no member of this array; add it",
                          name);
  if (fit->as == FIT_SPARE && order->verb != ARRAY_REPLACE)
    return refuse_step (answer, ROSTER_NO_SLOT, name);
  if (fit->reason == FIT_NEW && !newcomer->is_blank && !order->discard)
    return change_refuse (answer, -EINVAL, "overwrites",
                          "disk %.200s is not blank, and what is on it would be "
                          "overwritten; --discard allows that", name);
  return 0;
}

/* A place that nobody has, nor anybody with an old view. */
static int
free_place (const struct array *array)
{
  uint32_t taken = 0;

  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->leg != NULL)
      taken |= 1u << array->members[i]->place;
  return taken == UINT32_MAX ? -1 : __builtin_ctz (~taken);
}

/* The one that failed and comes again is forgotten in the same step. */
static void
forget_before (struct roster *roster, unsigned slot)
{
  for (unsigned i = 0; i < roster->members; i++)
    if (roster->member[i].state == MEMBER_FAULTY
        && roster->member[i].slot == (int)slot) {
      const struct roster_event event = { .kind = ROSTER_REMOVE,
                                          .id = roster->member[i].id };

      roster_next (roster, &event, roster);
      return;
    }
}

/* @member joins, or why not.  state_lock held. */
static enum roster_refusal
join_roster (struct array *array, const struct array_order *order,
             const struct fit *fit, struct member *member)
{
  struct roster_event event = { .kind = ROSTER_ADD, .slot = (int)fit->slot };
  struct roster next = array->roster;
  enum roster_refusal refusal;
  int place = free_place (array);

  if (place < 0 || array->count == ARRAY_MEMBERS)
    return ROSTER_FULL;
  if (order->verb == ARRAY_REPLACE)
    event = (struct roster_event){ .kind = ROSTER_REPLACE,
                                   .id = order->member };
  else if (fit->reason != FIT_NEW)
    forget_before (&next, fit->slot);
  refusal = roster_next (&next, &event, &next);
  if (refusal != ROSTER_OK)
    return refusal;
  member->id = next.member[next.members - 1].id;
  member->place = place;
  array->members[array->count++] = member;
  array->roster = next;
  if (member->bad != NULL)
    atomic_store (&array->has_bad_blocks, true);
  view_publish (array);
  return ROSTER_OK;
}

/* Turn held.  @member is in no view, so nobody else has its leg.  That is
 * closed without the turn: it may take long.
 */
static int
drop_member (struct member *member, struct newcomer *newcomer,
             struct array_answer *answer, enum roster_refusal refusal)
{
  int r = refuse_step (answer, refusal, member->name);

  newcomer->leg = member->leg;
  member_free (member);
  return r;
}

/* It could not be put on record that it joins: as if it never had.  (One that
 * failed meanwhile is forgotten, too.)
 */
static void
take_back (struct array *array, uint32_t id)
{
  const struct roster_event event = { .kind = ROSTER_REMOVE, .id = id };

  ground_mutex_lock (&array->state_lock);
  if (roster_next (&array->roster, &event, &array->roster) == ROSTER_OK)
    view_publish (array);
  ground_mutex_unlock (&array->state_lock);
}

static int
seat (struct array *array, const struct array_order *order,
      struct newcomer *newcomer, struct array_answer *answer)
{
  enum roster_refusal refusal;
  struct member *member;
  char name[MEMBER_NAME_MAX];
  int r = newcomer_seat (array, newcomer, &member, answer);

  if (r < 0)
    return r;
  ground_mutex_lock (&array->state_lock);
  refusal = join_roster (array, order, &newcomer->fit, member);
  if (refusal == ROSTER_OK)
    member_hold (member);
  ground_mutex_unlock (&array->state_lock);
  if (refusal != ROSTER_OK)
    return drop_member (member, newcomer, answer, refusal);
  snprintf (name, sizeof name, "%s", member->name);
  answer->member = member->id;
  r = metadata_admit (array, member);
  if (r == 0 && atomic_load (&member->standing) == STANDING_OUT)
    r = -EIO;
  if (r < 0)
    take_back (array, member->id);
  member_release (array, member);
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "disk %.200s: its metadata cannot be "
                                 "written: %s", name, log_strerror (r));
}

/* With the turn: nobody else changes what is on record. */
static int
admit (struct array *array, const struct array_order *order,
       struct newcomer *newcomer, struct array_answer *answer)
{
  int r;

  newcomer_judge (array, newcomer, order->discard);
  r = check_fit (order, newcomer, answer);
  if (r < 0)
    return r;
  answer->to_copy = newcomer->fit.to_copy;
  if (order->verb == ARRAY_REPLACE)
    answer->to_copy = array->layout.member_size;
  snprintf (answer->text, sizeof answer->text, "disk %.200s joins the array: "
            "%s, up to %llu bytes%s%.300s", newcomer->leg->name,
            verdict_text (&newcomer->fit),
            (unsigned long long)answer->to_copy,
            verdict_link (&newcomer->fit), newcomer->fit.why);
  if (order->dry_run)
    return 0;
  r = seat (array, order, newcomer, answer);
  if (r == 0)
    log_notice ("%.900s", answer->text);
  return r;
}

static int
let_in_opened (struct array *array, const struct array_order *order,
               struct newcomer *newcomer, struct array_answer *answer)
{
  struct request *request;
  int r = enter (array, order->dry_run, &request, answer);

  if (r < 0)
    return r;
  metadata_begin_turn (array);
  r = admit (array, order, newcomer, answer);
  metadata_end_turn (array);
  request_end (&array->modifiers, request);
  return r;
}

static int
let_in (struct array *array, const struct array_order *order, const char *text,
        struct array_answer *answer)
{
  struct newcomer *newcomer;
  int r;

  if (array->md == NULL)
    return change_refuse (answer, -EOPNOTSUPP, "no-metadata",
                          "an array without metadata cannot take a disk in "
                          "while it runs; create an md array (nbdmirror "
                          "create)");
  newcomer = malloc (sizeof *newcomer);
  if (newcomer == NULL)
    return change_refuse (answer, -ENOMEM, "no-memory", "not enough memory");
  r = newcomer_open (array, text, newcomer, answer);
  if (r == 0) {
    r = let_in_opened (array, order, newcomer, answer);
    newcomer_drop (newcomer);
  }
  free (newcomer);
  if (r == 0 && !order->dry_run)
    worker_wake (&array->resync.worker);
  return r;
}

/* ------------------------------------------------------------- every verb */

/* The name that the member has now. */
static int
find_name (struct array *array, uint32_t id, char ret[MEMBER_NAME_MAX],
           struct array_answer *answer)
{
  ground_mutex_lock (&array->state_lock);
  name_of (array, id, ret);
  ground_mutex_unlock (&array->state_lock);
  return ret[0] != '\0' ? 0 : refuse_step (answer, ROSTER_UNKNOWN, "");
}

static int
carry_out (struct array *array, const struct array_order *order,
           struct array_answer *answer)
{
  char name[MEMBER_NAME_MAX];
  int r;

  switch (order->verb) {
  case ARRAY_FAIL:
  case ARRAY_REMOVE:
  case ARRAY_WRITE_MOSTLY:
  case ARRAY_READ_AS_OTHERS:
    return on_member (array, order, answer);
  case ARRAY_READD:
    if (order->disk == NULL) {
      r = find_name (array, order->member, name, answer);
      return r < 0 ? r : let_in (array, order, name, answer);
    }
    break;
  default:
    break;
  }
  return let_in (array, order, order->disk, answer);
}

int
array_change (struct array *array, const struct array_order *order,
              struct array_answer *answer)
{
  int r;

  *answer = (struct array_answer){ .reason = NULL };
  if (array->limits.readonly)
    return change_refuse (answer, -EROFS, "read-only",
                          "the array is read-only, so its members stay as "
                          "they are");
  r = array_allow_writes (array);
  if (r < 0)
    return change_refuse (answer, r, "no-thread", "no thread can be started: "
                          "%s", log_strerror (r));
  ground_mutex_lock (&array->change_lock);
  r = carry_out (array, order, answer);
  ground_mutex_unlock (&array->change_lock);
  return r;
}
