/* SPDX-License-Identifier: BSD-3-Clause */
/* spares: disks that wait step in for slots that have nobody.
 *
 * The same as when an administrator adds a disk, but that its leg is open and
 * its superblock is there: a step of the roster, published, then on record, its
 * own superblock first; then it is rebuilt like any other.
 *
 * Locks held on entry: none.  May block on: the turn, the disks.
 */
#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/record/metadata.h"
#include "engine/sync/spares.h"
#include "ground/log.h"
#include "ground/util.h"

/* The first one that waits; 0: there is none.  state_lock held. */
static uint32_t
find_spare (const struct roster *roster)
{
  for (unsigned i = 0; i < roster->members; i++)
    if (roster->member[i].state == MEMBER_SPARE)
      return roster->member[i].id;
  return 0;
}

/* The slot that has been empty for long enough, or -1 and when one will have
 * been.  state_lock held.
 */
static int
find_slot (const struct array *array, uint64_t *ret_next_ns)
{
  uint64_t now = ground_now ();

  *ret_next_ns = GROUND_NEVER;
  for (unsigned slot = 0; slot < array->layout.slots; slot++) {
    uint64_t due = array->empty_since_ns[slot] + array->spare_delay_ns;

    if (array->empty_since_ns[slot] == 0)
      continue;
    if (due <= now)
      return (int)slot;
    *ret_next_ns = MIN (*ret_next_ns, due);
  }
  return -1;
}

/* Turn held.  It has a slot from now on: published; held for the caller. */
static struct member *
take_slot (struct array *array, int *ret_slot)
{
  struct roster_event event = { .kind = ROSTER_ACTIVATE };
  struct member *member = NULL;
  uint64_t next_ns;

  ground_mutex_lock (&array->state_lock);
  event.id = find_spare (&array->roster);
  event.slot = *ret_slot = find_slot (array, &next_ns);
  if (event.slot >= 0
      && roster_next (&array->roster, &event, &array->roster) == ROSTER_OK) {
    member = view_find_member (array, event.id);
    member_hold (member);
    /* It gets the next update, and none before it. */
    member->super.stored = UINT64_MAX;
    member->recovered = 0;
    member->by_bitmap = false;
    if (member->bad != NULL)
      atomic_store (&array->has_bad_blocks, true);
    view_publish (array);
  }
  ground_mutex_unlock (&array->state_lock);
  return member;
}

/* Turn held. */
static void
admit (struct array *array, struct member *member, int slot)
{
  int r;

  log_notice ("disk %.200s, a spare, steps in for slot %d", member->name, slot);
  r = metadata_admit (array, member);
  if (r < 0)
    failure_report (array, member, leg_generation (member->leg),
                    "writing that it has a slot", r);
}

static bool
is_wanted (struct array *array, uint64_t *ret_next_ns)
{
  bool wanted;

  ground_mutex_lock (&array->state_lock);
  wanted = find_slot (array, ret_next_ns) >= 0;
  if (find_spare (&array->roster) == 0) {
    *ret_next_ns = GROUND_NEVER;
    wanted = false;
  }
  ground_mutex_unlock (&array->state_lock);
  return wanted;
}

uint64_t
spares_step_in (struct array *array)
{
  struct member *member;
  uint64_t next_ns = GROUND_NEVER;
  int slot;

  while (!worker_is_stopping (&array->resync.worker)
         && is_wanted (array, &next_ns)) {
    /* It says itself what is wrong, and is tried again with the next try of
     * all that resync does.
     */
    if (metadata_activate (array) < 0)
      return ground_now () + array->resync.retry_ns;
    metadata_begin_turn (array);
    member = take_slot (array, &slot);
    if (member != NULL)
      admit (array, member, slot);
    metadata_end_turn (array);
    if (member != NULL)
      member_release (array, member);
  }
  return next_ns;
}
