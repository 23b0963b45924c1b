/* SPDX-License-Identifier: BSD-3-Clause */
/* join: a disk becomes a member by order: add, readd, replace, spare.
 *
 *   join_opened it is open, since before anything was held   (newcomer_open)
 *     admit     with the turn: may it join?     (newcomer_judge, plain_judge)
 *       seat    a member, published, then on record     (metadata_admit), or
 *               marked as what is no copy yet           (mark_store)
 *   and the thread of resync is woken, or it waits as a spare
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/array-internal.h"
#include "engine/array/closer.h"
#include "engine/array/failure.h"
#include "engine/life/comeback.h"
#include "engine/life/join.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/plain.h"
#include "engine/sync/mark.h"
#include "ground/log.h"
#include "ground/util.h"

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

/* What becomes of it, for people. */
static void
tell_plan (const struct array_order *order, const struct newcomer *newcomer,
           struct array_answer *answer)
{
  if (order->verb == ARRAY_SPARE)
    snprintf (answer->text, sizeof answer->text, "disk %.200s becomes a spare: "
              "it waits, and steps in when a slot has no disk",
              newcomer->leg->name);
  else
    snprintf (answer->text, sizeof answer->text, "disk %.200s %s: "
              "%s, up to %llu bytes%s%.300s", newcomer->leg->name,
              order->by_itself ? "answers again" : "joins the array",
              verdict_text (&newcomer->fit),
              (unsigned long long)answer->to_copy,
              verdict_link (&newcomer->fit), newcomer->fit.why);
}

/* What the state file has of a disk cannot be erased, but it can be disregarded.
 */
static bool
helps_discard (enum fit_reason reason)
{
  return reason == FIT_TAKEN || reason == FIT_NO_SLOT
         || reason == FIT_REPLACEMENT || reason == FIT_BITMAP;
}

static int
refuse_fit (const struct array *array, const struct newcomer *newcomer,
            struct array_answer *answer)
{
  if (array->beside && helps_discard (newcomer->fit.reason))
    return change_refuse (answer, -EINVAL,
                          fit_reason_word (newcomer->fit.reason),
                          "disk %.200s: the state file has it as one that "
                          "failed or was replaced; nbdmirror add --discard "
                          "makes it a new one, and copies all data to it",
                          newcomer->leg->name);
  return change_refuse (answer, -EINVAL,
                        fit_reason_word (newcomer->fit.reason),
                        "disk %.200s: %.700s", newcomer->leg->name,
                        newcomer->fit.why);
}

/* What fit says, and what was asked for. */
static int
check_verb (const struct array_order *order, const struct newcomer *newcomer,
            struct array_answer *answer)
{
  const struct fit *fit = &newcomer->fit;
  const char *name = newcomer->leg->name;
  bool is_spare = fit->as == FIT_SPARE && fit->reason != FIT_NEW;

  if (is_spare && order->verb != ARRAY_SPARE)
    return change_refuse (answer, -EINVAL, "spare",
                          "disk %.200s is a spare of this array; nbdmirror "
                          "spare takes it in as that", name);
  if (order->verb == ARRAY_SPARE && fit->reason != FIT_NEW && !is_spare)
    return change_refuse (answer, -EINVAL, "not-new",
                          "disk %.200s had a slot of this array; readd it, or "
                          "erase its metadata first (nbdmirror erase)", name);
  return 0;
}

/* Likewise. */
static int
check_fit (const struct array *array, const struct array_order *order,
           const struct newcomer *newcomer, struct array_answer *answer)
{
  const struct fit *fit = &newcomer->fit;
  const char *name = newcomer->leg->name;
  int r;

  if (fit->as == FIT_REFUSED)
    return refuse_fit (array, newcomer, answer);
  r = check_verb (order, newcomer, answer);
  if (r < 0)
    return r;
  if (order->verb == ARRAY_REPLACE && fit->reason != FIT_NEW)
    return change_refuse (answer, -EINVAL, "not-new",
                          "disk %.200s is a member of this array; replace with "
                          "a disk that is none", name);
  if (order->verb == ARRAY_READD && fit->reason == FIT_NEW)
    return change_refuse (answer, -EINVAL, "no-member",
                          "disk %.200s was no member of this array; add it",
                          name);
  if (fit->as == FIT_SPARE && order->verb == ARRAY_ADD)
    return change_refuse_step (answer, ROSTER_NO_SLOT, name);
  return fit->reason == FIT_NEW
           ? newcomer_check_contents (newcomer, order, answer)
           : 0;
}

/* @id, which is forgotten: its flags.  *@ret: itself, or NULL. */
static uint32_t
inherit (const struct array *array, struct roster *roster, uint32_t id,
         struct member **ret)
{
  const struct roster_event event = { .kind = ROSTER_REMOVE, .id = id };
  const struct roster_member *entry = roster_find (roster, id);
  uint32_t flags = entry != NULL ? entry->flags : 0;

  if (entry != NULL)
    *ret = view_find_member (array, id);
  roster_next (roster, &event, roster);
  return flags;
}

/* An old server may still carry out what it was sent: that of @before, which
 * @member was, or NULL; of another one that it was; or of a disk that was
 * forgotten, which any of these may be.
 */
static void
inherit_doubts (const struct array *array, const struct member *before,
                struct member *member)
{
  bool is_doubtful = array->has_doubts && member->leg->rank == LEG_REMOTE;

  for (unsigned i = 0; i < array->count; i++) {
    struct member *other = array->members[i];

    if (other != before && !comeback_is_same (other, member->leg))
      continue;
    is_doubtful |= closer_is_doubtful (other);
    other->has_heir = true;
  }
  if (is_doubtful)
    member->quarantine_ns = ground_now () + array->quarantine_ns;
}

/* The one that failed and comes again is forgotten in the same step.  With
 * metadata the disk itself says which one it was.  The flags that it had, which
 * the disk knows if nobody else does.
 */
static uint32_t
forget_before (const struct array *array, const struct array_order *order,
               const struct fit *fit, const struct member *member,
               struct roster *roster, struct member **ret)
{
  if (array->md == NULL)
    return order->verb == ARRAY_READD
             ? inherit (array, roster, order->member, ret)
             : 0;
  for (unsigned i = 0; i < roster->members && fit->reason != FIT_NEW; i++)
    if (roster->member[i].state == MEMBER_FAULTY
        && roster->member[i].slot == (int)fit->slot)
      return inherit (array, roster, roster->member[i].id, ret);
  return member->super.sb.devflags & SB1_WRITE_MOSTLY ? MEMBER_WRITE_MOSTLY : 0;
}

/* @member joins, or why not.  state_lock held. */
static enum roster_refusal
join_roster (struct array *array, const struct array_order *order,
             const struct fit *fit, struct member *member)
{
  struct roster_event event = { .kind = ROSTER_ADD, .slot = (int)fit->slot };
  struct roster next = array->roster;
  struct roster_event flag = { .kind = ROSTER_FLAG };
  struct member *before = NULL;
  enum roster_refusal refusal;
  int place = view_free_place (array);

  if (place < 0 || array->count == ARRAY_MEMBERS)
    return ROSTER_FULL;
  if (order->verb == ARRAY_REPLACE)
    event = (struct roster_event){ .kind = ROSTER_REPLACE,
                                   .id = order->member };
  else if (order->verb == ARRAY_SPARE)
    event = (struct roster_event){ .kind = ROSTER_ADD_SPARE };
  else
    flag.flags = forget_before (array, order, fit, member, &next, &before);
  refusal = roster_next (&next, &event, &next);
  if (refusal != ROSTER_OK)
    return refusal;
  member->id = flag.id = next.member[next.members - 1].id;
  if (flag.flags != 0)
    roster_next (&next, &flag, &next);
  member->place = place;
  inherit_doubts (array, before, member);
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
  int r = change_refuse_step (answer, refusal, member->name);

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

/* One that came back to a plain array stays, as one that failed: nobody else
 * knows what it missed, and it may be lost just for a moment.
 */
static void
undo (struct array *array, const struct array_order *order,
      struct member *member, int error)
{
  if (array->md == NULL && order->verb == ARRAY_READD)
    failure_report (array, member, leg_generation (member->leg),
                    "the mark that it is no copy yet", error);
  else
    take_back (array, member->id);
}

/* What has to be on its disk before it counts as one that joins. */
static int
record (struct array *array, struct request *request, struct member *member)
{
  int r = array->md != NULL ? metadata_admit (array, member)
                            : mark_store (request, member);

  return r == 0 && atomic_load (&member->standing) == STANDING_OUT ? -EIO : r;
}

static int
record_spare (struct array *array, struct member *member)
{
  member->super.stored = 0;
  metadata_admit_spare (array, member);
  return member->super.stored == array->md->truth.events ? 0 : -EIO;
}

static int
seat (struct array *array, const struct array_order *order,
      struct request *request, struct newcomer *newcomer,
      struct array_answer *answer)
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
  r = order->verb == ARRAY_SPARE ? record_spare (array, member)
                                 : record (array, request, member);
  if (r < 0)
    undo (array, order, member, r);
  member_release (array, member);
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "disk %.200s: its %s cannot be written: %s",
                                 name,
                                 array->md != NULL ? "metadata" : "beginning",
                                 log_strerror (r));
}

/* What is said of a disk that joins an md array. */
static void
tell (const struct array *array, const struct array_order *order,
      const struct newcomer *newcomer, struct array_answer *answer)
{
  answer->to_copy = newcomer->fit.to_copy;
  if (order->verb == ARRAY_REPLACE)
    answer->to_copy = array->layout.member_size;
  if (order->verb == ARRAY_SPARE)
    answer->to_copy = 0;
  tell_plan (order, newcomer, answer);
}

static int
judge (struct request *request, const struct array_order *order,
       struct newcomer *newcomer, struct array_answer *answer)
{
  struct array *array = request->array;
  int r;

  if (array->md == NULL)
    return plain_judge (request, order, newcomer, answer);
  newcomer_judge (array, newcomer, order->discard);
  r = check_fit (array, order, newcomer, answer);
  return r < 0 || !array->beside || newcomer->fit.reason == FIT_NEW
           ? r
           : comeback_judge_beside (array, order, newcomer, answer);
}

static void
tell_joined (const struct array_order *order, const struct newcomer *newcomer,
             const char *name, const struct array_answer *answer)
{
  const struct log_event event
    = { "Reconnected", EVENT_INFO, (int)newcomer->fit.slot, name };

  if (order->by_itself)
    log_event (&event, "%.900s", answer->text);
  else
    log_notice ("%.900s", answer->text);
}

/* With the turn, where there is one: nobody else changes what is on record. */
static int
admit (struct array *array, const struct array_order *order,
       struct request *request, struct newcomer *newcomer,
       struct array_answer *answer)
{
  char name[MEMBER_NAME_MAX];
  int r = judge (request, order, newcomer, answer);

  if (r < 0)
    return r;
  if (array->md == NULL)
    plain_tell (order, newcomer, answer);
  else
    tell (array, order, newcomer, answer);
  if (order->dry_run)
    return 0;
  /* Its leg is a member's afterwards. */
  snprintf (name, sizeof name, "%s", newcomer->leg->name);
  if (array->md == NULL)
    r = plain_prepare (request, newcomer->leg, answer);
  if (r == 0)
    r = seat (array, order, request, newcomer, answer);
  if (r == 0)
    tell_joined (order, newcomer, name, answer);
  return r;
}

static int
admit_in_turn (struct array *array, const struct array_order *order,
               struct request *request, struct newcomer *newcomer,
               struct array_answer *answer)
{
  int r;

  if (array->md != NULL)
    metadata_begin_turn (array);
  r = admit (array, order, request, newcomer, answer);
  if (array->md != NULL)
    metadata_end_turn (array);
  return r;
}

int
join_opened (struct array *array, const struct array_order *order,
               struct newcomer *newcomer, struct array_answer *answer)
{
  /* Who comes by itself waits for nobody who may wait for another one. */
  struct requests *requests
    = order->by_itself ? &array->joiners : &array->modifiers;
  struct request *request;
  /* Another order, with the same disk, may have come first. */
  int r = newcomer_check_other (array, newcomer->leg, 0, answer);

  if (r == 0)
    r = change_enter_by (array, requests, order->dry_run, &request, answer);
  if (r < 0)
    return r;
  if (array->beside && order->discard && order->verb != ARRAY_READD)
    newcomer_disregard (newcomer);
  r = comeback_compare (request, newcomer, answer);
  if (r == 0)
    r = admit_in_turn (array, order, request, newcomer, answer);
  request_end (requests, request);
  if (r == 0 && !order->dry_run)
    worker_wake (&array->resync.worker);
  return r;
}
