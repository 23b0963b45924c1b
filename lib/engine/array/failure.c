/* SPDX-License-Identifier: BSD-3-Clause */
/* failure: take members out that failed, and tell people once, loudly. */
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "ground/log.h"
#include "ground/util.h"

static const char *
advice (const struct array *array)
{
  if (array->md != NULL && !atomic_load (&array->md->is_active))
    return "It has missed no write yet; the other disks record its failure "
           "before the next write is acknowledged.  If it is good, start the "
           "mirror again with all disks";
  if (array->md != NULL)
    return "The other disks record this.  If the disk is good, start the "
           "mirror again with all disks, and the server rebuilds it; Linux md "
           "can add a new disk in its place (mdadm --add)";
  if (array->layout.level == LEVEL_RAID1)
    return "A mirror without metadata cannot remember this after a restart: "
           "before this disk is used again, copy a good disk over it whole";
  return "A mirror without metadata cannot remember this after a restart: "
         "before this disk is used again, restore the array: see FAILURES in "
         "nbdkit-mirror-plugin(1)";
}

struct happened {
  char text[64];
};

/* "a write failed on it", or if nothing was asked of it "it is gone". */
static struct happened
happened (const char *what)
{
  struct happened ret = { "it is gone" };

  if (what != NULL)
    snprintf (ret.text, sizeof ret.text, "%s failed on it", what);
  return ret;
}

/* What of the writes that clients were told are done is left when a disk is
 * out.  Where copies may differ since a crash, it is unknown what is on one of
 * them only.
 */
static const char *
what_is_left (const struct array *array)
{
  if (atomic_load (&array->flush_lost) & array_in_sync (array))
    return "; acknowledged writes may be lost, since an earlier flush failed "
           "on a disk that stays in use";
  if (array->md != NULL && atomic_load (&array->md->todo_left) > 0)
    return "";
  return "; no acknowledged write is lost";
}

static void
tell_failed (struct array *array, unsigned slot, const char *what, int error,
             unsigned left)
{
  log_error ("disk %.200s (slot %u) IS OUT OF THE MIRROR: %s: %s.  Running "
             "DEGRADED on %u of %u disks%s.  %s",
             array->member[slot].leg->name, slot, happened (what).text,
             log_strerror (error), left, array->layout.slots,
             what_is_left (array), advice (array));
}

static void
tell_last_copy (struct array *array, unsigned slot, const char *what,
                int error)
{
  log_error ("disk %.200s (slot %u) holds the LAST COPY of some data and stays "
             "in use although %s: %s.  Its errors go to the client; "
             "copy what can be read to a good disk",
             array->member[slot].leg->name, slot, happened (what).text,
             log_strerror (error));
}

/* The member set has changed.  state_lock held.
 *
 * Nobody is read who is not written, not even for a moment: a write that finds
 * a member gone from targets is answered without it, and the next reader would
 * go there.  So who leaves is out of in_sync first; who was rebuilt is a target
 * already.
 */
static void
publish (struct array *array)
{
  struct roster_sets sets;

  roster_sets (&array->roster, &sets);
  atomic_fetch_add (&array->epoch, 1);
  atomic_store (&array->in_sync, sets.in_sync);
  atomic_store (&array->targets, sets.in_sync | sets.recovering);
  atomic_fetch_add (&array->epoch, 1);
}

/* What this event makes of the occupant of @slot, published.  state_lock
 * held.  A slot without one has failed before.
 */
static enum roster_refusal
change (struct array *array, enum roster_event_kind kind, unsigned slot)
{
  const struct roster_member *member
    = roster_occupant (&array->roster, slot);
  struct roster_event event = { .kind = kind };
  enum roster_refusal r;

  if (member == NULL)
    return ROSTER_ALREADY;
  event.id = member->id;
  r = roster_next (&array->roster, &event, &array->roster);
  if (r == ROSTER_OK)
    publish (array);
  return r;
}

bool
failure_recovered (struct array *array, unsigned slot)
{
  bool recovered;

  ground_mutex_lock (&array->state_lock);
  recovered = change (array, ROSTER_RECOVERED, slot) == ROSTER_OK;
  ground_mutex_unlock (&array->state_lock);
  return recovered;
}

static unsigned
slot_of (const struct array *array, const struct leg *leg)
{
  unsigned slot = 0;

  while (slot < array->layout.slots && array->member[slot].leg != leg)
    slot++;
  assert (slot < array->layout.slots);
  return slot;
}

static void
note_gone (struct array *array)
{
  if (array->md == NULL)
    return;
  atomic_store (&array->quiet.somebody_left, true);
  worker_wake (&array->quiet.worker);
}

/* Once the array stops this is no news: whatever the stop still needs of the
 * disk fails by itself, and servers may be stopped together.
 *
 * It goes on record before the next reply that depends on it, as ever.  quiet
 * does not wait for that one; if nothing was written that the disk could have
 * missed, metadata_settle writes nothing.
 */
void
failure_gone (struct leg *leg, int error)
{
  struct array *array = leg->watcher;

  if (requests_are_closed (&array->modifiers))
    return;
  failure_report (array, slot_of (array, leg), atomic_load (&leg->generation),
                  NULL, error);
  note_gone (array);
}

bool
failure_report (struct array *array, unsigned slot, uint64_t generation,
                const char *what, int error)
{
  struct member *member = &array->member[slot];
  enum roster_refusal verdict;
  bool tell = false;
  unsigned left;

  assert (error < 0 && slot < array->layout.slots);
  if (generation < member->generation)
    return false;

  ground_mutex_lock (&array->state_lock);
  verdict = change (array, ROSTER_FAIL, slot);
  if (verdict == ROSTER_LAST_COPY) {
    tell = !member->told_last_copy;
    member->told_last_copy = true;
  }
  left = __builtin_popcount (array_in_sync (array));
  ground_mutex_unlock (&array->state_lock);

  if (verdict == ROSTER_OK)
    tell_failed (array, slot, what, error, left);
  else if (tell)
    tell_last_copy (array, slot, what, error);
  return verdict != ROSTER_LAST_COPY;
}

uint32_t
failure_excused (struct array *array, uint32_t failed)
{
  uint32_t excused;

  if (failed == 0)
    return 0;
  ground_mutex_lock (&array->state_lock);
  excused = roster_excused (&array->roster, array_in_sync (array), failed);
  ground_mutex_unlock (&array->state_lock);
  return excused;
}

uint32_t
failure_again (const struct request *request, uint32_t excused,
               uint32_t stable)
{
  uint32_t candidates = request->failed & array_targets (request->array)
                        & ~excused;
  uint32_t slots = 0;

  for (uint32_t left = candidates; left != 0; left &= left - 1) {
    int error = request->error[__builtin_ctz (left)];

    if (stable & left & -left ? leg_error_may_pass (error)
                              : leg_error_is_harmless (error))
      slots |= left & -left;
  }
  return slots;
}

int
failure_settle (struct request *request, const char *what, uint32_t excused)
{
  struct array *array = request->array;
  int hard = 0, harmless = 0;

  for (uint32_t left = request->failed; left != 0; left &= left - 1) {
    unsigned slot = __builtin_ctz (left);
    int error = request->error[slot];

    /* What a member that is out says no longer matters. */
    if (!(array_targets (array) & 1u << slot))
      continue;
    if (!(excused & 1u << slot)
        && failure_report (array, slot, request->generation[slot], what, error))
      continue;
    if (leg_error_is_harmless (error))
      harmless = error;
    else
      hard = error;
  }
  return hard ? hard : harmless;
}

void
failure_read (struct array *array, unsigned slot, uint64_t generation,
              int error)
{
  struct member *member = &array->member[slot];
  bool tell;

  if (leg_error_is_gone (error)) {
    failure_report (array, slot, generation, "a read", error);
    return;
  }
  ground_mutex_lock (&array->state_lock);
  tell = !member->told_read_error;
  member->told_read_error = true;
  ground_mutex_unlock (&array->state_lock);
  if (tell)
    log_error ("disk %.200s (slot %u): a read failed: %s.  Another copy is "
               "read instead, where there is one; this is reported once",
               member->leg->name, slot, log_strerror (error));
}
