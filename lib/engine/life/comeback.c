/* SPDX-License-Identifier: BSD-3-Clause */
/* comeback: is a disk of a plain array that comes back the one that left, and
 * does it lack no more than array->missed has?
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/life/comeback.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/samples.h"
#include "ground/log.h"
#include "ground/util.h"

/* ------------------------------------------------------------- who it was */

/* Names may be cut short, so one that is full says nothing. */
bool
comeback_is_same (const struct member *member, const struct leg *leg)
{
  if (strcmp (member->identity, leg->identity) == 0)
    return true;
  return leg->rank == LEG_REMOTE && strlen (leg->name) < MEMBER_NAME_MAX - 1
         && strcmp (member->name, leg->name) == 0;
}

void
comeback_look (const struct array *array, const struct array_order *order,
               struct newcomer *newcomer)
{
  const struct member *member = view_find_member (array, order->member);

  newcomer->comeback = (struct comeback){ .is_known = false };
  if (order->verb != ARRAY_READD || member == NULL
      || !comeback_is_same (member, newcomer->leg))
    return;
  newcomer->comeback = (struct comeback){
    .is_known = true,
    .was_marked = member->was_marked,
    .was_remote = newcomer->leg->rank == LEG_REMOTE,
    .flush_was_lost = atomic_load (&member->flush_lost),
    .known_until = member->known_until,
    .size = member->size,
    .left_error = member->left_error,
  };
}

/* Why the map does not tell all that it lacks, to follow "since "; NULL: it
 * does.
 */
static const char *
why_unknown (const struct array *array, const struct newcomer *newcomer,
             char *room, size_t size)
{
  const struct comeback *comeback = &newcomer->comeback;

  if (!comeback->was_remote || !atomic_load (&array->missed.is_kept)
      || comeback->known_until == 0)
    return "nobody knows what it missed";
  if (atomic_load (&array->missed.cleared_view) >= comeback->known_until)
    return "another disk had its place meanwhile, and what it missed is "
           "forgotten";
  if (comeback->size != newcomer->leg->caps.exact_size)
    return "its size has changed";
  if (comeback->flush_was_lost)
    return "a flush failed on it";
  if (newcomer->is_unfinished && !comeback->was_marked)
    return "it says that it is no copy, which this server has not written "
           "there";
  if (comeback->left_error == 0 || leg_error_is_gone (comeback->left_error))
    return NULL;
  snprintf (room, size, "an error took it out, so what it holds is in doubt: "
            "%s", log_strerror (comeback->left_error));
  return room;
}

/* ----------------------------------------------------------------- judging */

static const char was_ordered[] = "that was ordered (--discard)";

static int
refuse_other (const struct newcomer *newcomer, const struct samples *found,
              struct array_answer *answer)
{
  return change_refuse (answer, -EINVAL, "not-a-copy",
                        "disk %.200s is not the disk that left: at byte %llu "
                        "it differs from the disks in sync, where nothing was "
                        "written since.  Nothing was written to it.  Bring "
                        "the old one back; or copy all data over what this "
                        "one holds: nbdmirror readd --discard",
                        newcomer->leg->name, (unsigned long long)found->differs_at);
}

static void
copy_all (const struct array *array, struct newcomer *newcomer,
          const char *why)
{
  newcomer->fit.as = FIT_WHOLE;
  newcomer->fit.reason = array->md != NULL ? FIT_OK : FIT_NEW;
  newcomer->fit.to_copy = array->layout.member_size;
  snprintf (newcomer->fit.why, sizeof newcomer->fit.why, "%s", why);
}

static void
copy_missed (struct array *array, struct newcomer *newcomer)
{
  uint64_t bytes = missed_bytes (&array->missed) + array->mark_size;

  newcomer->fit.as = FIT_BY_BITMAP;
  newcomer->fit.reason = FIT_OK;
  newcomer->fit.to_copy = MIN (bytes, array->layout.member_size);
}

/* Not proven to be the disk that it was: by order what is blank is taken, and
 * anything with --discard; by itself nothing.
 */
static int
check_unproven (const struct newcomer *newcomer,
                const struct array_order *order, struct array_answer *answer)
{
  if (!order->by_itself)
    return newcomer_check_contents (newcomer, order, answer);
  return change_refuse (answer, -EINVAL, "full-copy-needed",
                        "disk %.200s needs a copy of all data, since %.300s, "
                        "and may be another disk than the one that left; "
                        "nbdmirror readd copies all data to it",
                        newcomer->leg->name, newcomer->fit.why);
}

/* It was compared.  @why_not: by the map; NULL: so far nothing is known against
 * it.
 */
static int
conclude (struct array *array, const struct samples *found,
          const struct array_order *order, struct newcomer *newcomer,
          const char *why_not, struct array_answer *answer)
{
  if (found->differs && why_not == NULL)
    return refuse_other (newcomer, found, answer);
  newcomer->comeback.is_proven
    = !found->differs && (found->alike > 0 || newcomer->is_blank);
  if (why_not != NULL)
    copy_all (array, newcomer, why_not);
  else if (found->alike == 0)
    copy_all (array, newcomer,
              "nothing on it tells that it is the disk that left");
  else if (array->md == NULL)
    copy_missed (array, newcomer);
  return newcomer->comeback.is_proven
           ? 0
           : check_unproven (newcomer, order, answer);
}

static int
refuse_unreadable (const struct newcomer *newcomer, int r,
                   struct array_answer *answer)
{
  return change_refuse (answer, r,
                        leg_error_is_gone (r) ? "missing" : "unusable",
                        "disk %.200s cannot be read: %s", newcomer->leg->name,
                        log_strerror (r));
}

static int
compare_and_judge (struct request *request, const struct array_order *order,
                   struct newcomer *newcomer, const char *why_not,
                   struct array_answer *answer)
{
  struct array *array = request->array;
  struct samples found;
  /* Its first bytes may be the mark. */
  int r = samples_compare (request, newcomer->leg, newcomer->fit.slot,
                           newcomer->comeback.was_marked ? array->mark_size : 0,
                           &found);

  if (r < 0)
    return refuse_unreadable (newcomer, r, answer);
  return conclude (array, &found, order, newcomer, why_not, answer);
}

int
comeback_judge (struct request *request, const struct array_order *order,
                struct newcomer *newcomer, struct array_answer *answer)
{
  char room[160];
  const char *why_not
    = why_unknown (request->array, newcomer, room, sizeof room);

  if (order->discard)
    copy_all (request->array, newcomer, was_ordered);
  else if (!newcomer->comeback.was_remote)
    copy_all (request->array, newcomer, why_not);
  else
    return compare_and_judge (request, order, newcomer, why_not, answer);
  return 0;
}

/* --------------------------------------------------------- with a state file */

int
comeback_compare (struct request *request, struct newcomer *newcomer,
                  struct array_answer *answer)
{
  const struct sb1 *sb = &newcomer->record.sb;
  struct layout layout = array_get_layout (request->array);
  unsigned slot;
  int r;

  newcomer->samples = (struct samples){ .alike = 0 };
  if (!request->array->beside || newcomer->record.verdict != SB1_GOOD)
    return 0;
  slot = sb1_role (sb, sb->dev_number);
  if (slot >= layout.slots || newcomer->leg->caps.size < layout.member_size)
    return 0;
  r = samples_compare (request, newcomer->leg, slot, 0, &newcomer->samples);
  return r < 0 ? refuse_unreadable (newcomer, r, answer) : 0;
}

int
comeback_judge_beside (struct array *array, const struct array_order *order,
                       struct newcomer *newcomer, struct array_answer *answer)
{
  const struct fit *fit = &newcomer->fit;
  struct samples found = newcomer->samples;
  char why[MESSAGE_MAX];

  if (fit->as != FIT_BY_BITMAP && fit->as != FIT_WHOLE)
    return 0;
  if (newcomer->proof.differs) {
    found.differs = true;
    found.differs_at = newcomer->proof.differs_at;
  }
  found.alike += newcomer->proof.alike;
  snprintf (why, sizeof why, "%s", fit->why);
  if (order->discard) {
    copy_all (array, newcomer, was_ordered);
    return 0;
  }
  return conclude (array, &found, order, newcomer,
                   fit->as == FIT_BY_BITMAP ? NULL : why, answer);
}
