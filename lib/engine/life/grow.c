/* SPDX-License-Identifier: BSD-3-Clause */
/* grow: an array gets more slots or fewer, or another name, while it serves.
 *
 * Neither moves data, so it is published first and then put on record.  A slot
 * that is new is empty: the array is degraded until a disk has it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/life/grow.h"
#include "engine/life/join.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "ground/log.h"
#include "ground/text.h"
#include "ground/util.h"

/* ------------------------------------------------------------------- slots */

static int
check_slots (const struct array *array, unsigned slots,
             struct array_answer *answer)
{
  struct layout layout = array->layout;
  const char *wrong;

  if (layout.level != LEVEL_RAID1)
    return change_refuse (answer, -EOPNOTSUPP, "raid10",
                          "a raid10 keeps its number of disks; make another "
                          "array and copy it");
  layout.slots = slots;
  wrong = layout_check (&layout);
  if (wrong != NULL)
    return change_refuse (answer, -EINVAL, "bad-number",
                          "%u disks: the array %s", slots, wrong);
  return 0;
}

/* So many slots: published, unless that is only asked for.  Nobody but who
 * carries out an order changes the layout.
 */
static enum roster_refusal
take_slots (struct array *array, unsigned slots, bool dry_run)
{
  uint32_t groups[LEGS_MAX];
  struct layout layout = array->layout;
  struct roster_event event = { .kind = ROSTER_GROW, .slots = slots };
  enum roster_refusal refusal;
  struct roster next;

  layout.slots = slots;
  event.groups = layout_groups (&layout, groups);
  event.group = groups;
  ground_mutex_lock (&array->state_lock);
  refusal = roster_next (&array->roster, &event, &next);
  if (refusal == ROSTER_OK && !dry_run) {
    array->layout = layout;
    array->roster = next;
    view_publish (array);
  }
  ground_mutex_unlock (&array->state_lock);
  return refusal;
}

static int
refuse_slots (const struct array *array, unsigned slots,
              enum roster_refusal refusal, struct array_answer *answer)
{
  if (refusal != ROSTER_IN_USE)
    return change_refuse_step (answer, refusal, "");
  return change_refuse (answer, -EBUSY, "in-use",
                        "only slots without a disk can go, and one of slots "
                        "%u to %u has one; remove it first",
                        slots, array->layout.slots - 1);
}

static int
store_slots (struct array *array, unsigned slots, struct array_answer *answer)
{
  struct metadata *md = array->md;
  int r;

  if (md == NULL)
    return 0;
  metadata_begin_turn (array);
  /* A slot that comes again had nobody. */
  md->seen &= layout_all_slots (&array->layout);
  metadata_end_turn (array);
  r = metadata_store_now (array);
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "the array has %u slots now, but that cannot "
                                 "be stored: %s", slots, log_strerror (r));
}

static void
tell_slots (const struct array *array, unsigned before, unsigned slots,
            struct array_answer *answer)
{
  snprintf (answer->text, sizeof answer->text,
            "the array has %u slots instead of %u%s%s", slots, before,
            slots > before ? "; it is degraded until each has a disk that is "
                             "in sync" : "",
            array->md == NULL ? "; without metadata that lasts until the "
                                "mirror stops" : "");
}

static int
change_slots (struct array *array, const struct array_order *order,
              struct array_answer *answer)
{
  unsigned before = array->layout.slots;
  enum roster_refusal refusal;
  struct request *request;
  int r = change_enter (array, order->dry_run, &request, answer);

  if (r < 0)
    return r;
  refusal = take_slots (array, order->slots, order->dry_run);
  if (refusal != ROSTER_OK)
    r = refuse_slots (array, order->slots, refusal, answer);
  else {
    tell_slots (array, before, order->slots, answer);
    if (!order->dry_run) {
      log_notice ("by order: %.900s", answer->text);
      r = store_slots (array, order->slots, answer);
    }
  }
  request_end (&array->modifiers, request);
  return r;
}

/* The disk could not have the new slot: as if there had been none. */
static int
undo_slots (struct array *array, unsigned before, int r,
            struct array_answer *answer)
{
  const struct array_order back = { .verb = ARRAY_GROW_LEGS, .slots = before };
  struct array_answer ignored;

  change_slots (array, &back, &ignored);
  answer->member = 0;
  return r;
}

static bool
has_spare (struct array *array)
{
  return view_look (array).spares != 0;
}

int
grow_legs (struct array *array, const struct array_order *order,
           struct newcomer *newcomer, struct array_answer *answer)
{
  const struct array_order add = { .verb = ARRAY_ADD, .disk = order->disk,
                                   .discard = order->discard };
  unsigned before = array->layout.slots;
  int r = check_slots (array, order->slots, answer);

  if (r < 0)
    return r;
  if (order->disk != NULL && order->slots <= before)
    return change_refuse (answer, -EINVAL, "bad-number",
                          "the array has %u slots, so there would be no new one "
                          "for a disk", before);
  /* It would be there first. */
  if (order->disk != NULL && has_spare (array))
    return change_refuse (answer, -EBUSY, "spare-waits",
                          "a spare waits, which takes the new slot by itself; "
                          "leave the disk out, or remove the spare");
  r = change_slots (array, order, answer);
  if (r < 0 || order->disk == NULL || order->dry_run)
    return r;
  r = join_opened (array, &add, newcomer, answer);
  return r < 0 ? undo_slots (array, before, r, answer) : 0;
}

/* -------------------------------------------------------------------- name */

static bool
is_name (const char *name)
{
  size_t length = strlen (name);

  return length > 0 && length <= SB1_NAME_SIZE && text_can_be_shown (name);
}

static int
store_name (struct array *array, const char *name)
{
  struct sb1 *truth = &array->md->truth;

  metadata_begin_turn (array);
  ground_mutex_lock (&array->state_lock);
  snprintf (truth->name, sizeof truth->name, "%s", name);
  ground_mutex_unlock (&array->state_lock);
  metadata_end_turn (array);
  return metadata_store_now (array);
}

static int
take_name (struct array *array, const char *name, struct array_answer *answer)
{
  struct request *request;
  int r = change_enter (array, false, &request, answer);

  if (r < 0)
    return r;
  r = store_name (array, name);
  request_end (&array->modifiers, request);
  return r == 0 ? 0
                : change_refuse (answer, r, "not-recorded",
                                 "the array has another name now, but that "
                                 "cannot be stored: %s", log_strerror (r));
}

int
rename_array (struct array *array, const struct array_order *order,
              struct array_answer *answer)
{
  if (array->md == NULL)
    return change_refuse (answer, -EOPNOTSUPP, "no-metadata",
                          "an array without metadata has no name");
  if (!is_name (order->name))
    return change_refuse (answer, -EINVAL, "bad-name",
                          "a name has 1 to %u bytes of UTF-8, and no control "
                          "characters",
                          SB1_NAME_SIZE);
  snprintf (answer->text, sizeof answer->text, "the array is called %.40s",
            order->name);
  return order->dry_run ? 0 : take_name (array, order->name, answer);
}
