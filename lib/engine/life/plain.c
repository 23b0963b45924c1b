/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: a disk that is to join an array without metadata.
 *
 * Locks held on entry: array->change_lock.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/plain.h"
#include "ground/util.h"

const char plain_not_durable[]
  = "The array has no metadata, so nothing remembers this when the server "
    "stops: give the next start the disks that are in sync then";

/* -------------------------------------------------------------- the disk */

static int
refuse (const struct newcomer *newcomer, enum fit_reason reason,
        const char *why, struct array_answer *answer)
{
  return change_refuse (answer, -EINVAL, fit_reason_word (reason),
                        "disk %.200s %.700s", newcomer->leg->name, why);
}

/* A server of md arrays would believe what such a disk says. */
static int
refuse_member (const struct newcomer *newcomer, struct array_answer *answer)
{
  return change_refuse (answer, -EINVAL, "md-member",
                        "disk %.200s carries an md superblock, or it cannot be "
                        "told whether it does; erase its metadata first if it "
                        "is to be a disk of this array (nbdmirror erase)",
                        newcomer->leg->name);
}

static int
check_disk (const struct array *array, const struct newcomer *newcomer,
            struct array_answer *answer)
{
  const struct leg_caps *caps = &newcomer->leg->caps;
  char why[MESSAGE_MAX];

  if (caps->readonly)
    return refuse (newcomer, FIT_READ_ONLY,
                   "can only be read; make it writable", answer);
  if (member_may_be_md (&newcomer->record))
    return refuse_member (newcomer, answer);
  if (caps->block_minimum > array->limits.block_minimum) {
    snprintf (why, sizeof why, "is read and written in blocks of %u bytes, but "
              "the array in blocks of %u", caps->block_minimum,
              array->limits.block_minimum);
    return refuse (newcomer, FIT_BLOCKS, why, answer);
  }
  if (caps->size < array->layout.member_size) {
    snprintf (why, sizeof why, "is too small for this array: it has %llu bytes, "
              "and %llu are needed", (unsigned long long)caps->size,
              (unsigned long long)array->layout.member_size);
    return refuse (newcomer, FIT_SMALL, why, answer);
  }
  return 0;
}

/* ------------------------------------------------------------- its slot */

/* What the roster would say, and which slot.  state_lock held. */
static enum roster_refusal
find_slot (const struct array *array, const struct array_order *order,
           unsigned *ret)
{
  static const enum roster_event_kind kinds[] = {
    [ARRAY_ADD] = ROSTER_ADD,
    [ARRAY_READD] = ROSTER_READD,
    [ARRAY_REPLACE] = ROSTER_REPLACE,
  };
  const struct roster_event event
    = { .kind = kinds[order->verb], .id = order->member, .slot = -1 };
  uint32_t id = order->member;
  enum roster_refusal refusal;
  struct roster next;

  refusal = roster_next (&array->roster, &event, &next);
  if (refusal != ROSTER_OK)
    return refusal;
  if (order->verb == ARRAY_ADD)
    id = next.member[next.members - 1].id;
  *ret = roster_find (&next, id)->slot;
  return ROSTER_OK;
}

int
plain_judge (struct request *request, const struct array_order *order,
             struct newcomer *newcomer, struct array_answer *answer)
{
  struct array *array = request->array;
  struct fit *fit = &newcomer->fit;
  enum roster_refusal refusal;
  int r;

  if (order->verb == ARRAY_SPARE)
    return change_refuse (answer, -EOPNOTSUPP, "no-metadata",
                          "an array without metadata keeps no spare; add the "
                          "disk when there is a slot for it");
  r = check_disk (array, newcomer, answer);
  if (r < 0)
    return r;
  *fit = (struct fit){ .as = FIT_WHOLE,
                       .reason = FIT_NEW,
                       .to_copy = array->layout.member_size };
  ground_mutex_lock (&array->state_lock);
  refusal = find_slot (array, order, &fit->slot);
  comeback_look (array, order, newcomer);
  ground_mutex_unlock (&array->state_lock);
  if (refusal != ROSTER_OK)
    return change_refuse_step (answer, refusal,
                               order->verb == ARRAY_ADD ? newcomer->leg->name
                                                        : "");
  return newcomer->comeback.is_known
           ? comeback_judge (request, order, newcomer, answer)
           : newcomer_check_contents (newcomer, order, answer);
}

int
plain_prepare (struct request *request, const struct leg *leg,
               struct array_answer *answer)
{
  struct array *array = request->array;

  if (leg->rank != LEG_REMOTE || atomic_load (&array->missed.is_kept))
    return 0;
  if (array_allocate_missed (array) < 0)
    return change_refuse (answer, -ENOMEM, "no-memory",
                          "not enough memory to write down what the disk "
                          "misses");
  range_lock (&array->ranges, &request->range, 0, array->layout.array_size);
  missed_keep (&array->missed);
  range_unlock (&array->ranges, &request->range);
  return 0;
}

/* ---------------------------------------------------------------- in words */

static const char *
verb_of (const struct array_order *order)
{
  return order->verb == ARRAY_READD ? "comes back to" : "joins";
}

/* Why all of it is copied. */
static void
tell_why (const struct newcomer *newcomer, char ret[MESSAGE_MAX / 2])
{
  const char *why = newcomer->fit.why;

  snprintf (ret, MESSAGE_MAX / 2, "%s%.300s", why[0] != '\0' ? ", since " : "",
            why);
}

void
plain_tell (const struct array_order *order, const struct newcomer *newcomer,
            struct array_answer *answer)
{
  bool by_map = newcomer->fit.as == FIT_BY_BITMAP;
  char why[MESSAGE_MAX / 2];

  answer->to_copy = newcomer->fit.to_copy;
  tell_why (newcomer, why);
  snprintf (answer->text, sizeof answer->text,
            "disk %.200s %s the array: %s is copied to it, %s%llu bytes%s.  "
            "Until it is in sync it is NOT A COPY.  %s",
            newcomer->leg->name, verb_of (order),
            by_map ? "what it missed" : "all data", by_map ? "up to " : "",
            (unsigned long long)answer->to_copy, why, plain_not_durable);
}
