/* SPDX-License-Identifier: BSD-3-Clause */
/* failure: take members out that failed, and tell people once, loudly. */
#include <stdio.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "ground/log.h"
#include "ground/util.h"

static const char *
advice (const struct array *array, bool is_sought)
{
  bool missed_any = array->md == NULL || metadata_is_active (array->md);

  if (is_sought && array->md == NULL)
    return "It is let back in by itself when it answers again.  A mirror without "
           "metadata cannot remember this after a restart: never start it with "
           "this disk before it is back";
  if (is_sought)
    return missed_any ? "It is let back in by itself when it answers again"
                      : "It has missed no write yet, and is let back in by "
                        "itself when it answers again";
  if (!missed_any)
    return "It has missed no write yet; the other disks record its failure "
           "before the next write is acknowledged.  If it is good, start the "
           "mirror again with all disks";
  if (array->md != NULL)
    return "The other disks record this.  If the disk is good, nbdmirror readd "
           "lets it back in, as does the next start with all disks; nbdmirror "
           "add takes a new one in its place";
  return "A mirror without metadata cannot remember this after a restart: "
         "never start it with this disk as it is.  nbdmirror readd copies all "
         "data to it while the mirror serves, nbdmirror add to a new one in "
         "its place";
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

static bool
flush_is_lost (struct array *array)
{
  const struct view *view;
  bool lost;

  if (!atomic_load (&array->flush_lost))
    return false;
  ground_mutex_lock (&array->state_lock);
  view = atomic_load (&array->view);
  lost = view_flush_is_lost (array, view, view->in_sync);
  ground_mutex_unlock (&array->state_lock);
  return lost;
}

/* What of the writes that clients were told are done is left when a disk is
 * out.  Where copies may differ since a crash, it is unknown what is on one of
 * them only.
 */
static const char *
what_is_left (struct array *array)
{
  if (flush_is_lost (array))
    return "; acknowledged writes may be lost, since an earlier flush failed "
           "on a disk that stays in use";
  if (array_has_todo (array))
    return "";
  return "; no acknowledged write is lost";
}

static void
tell_failed (struct array *array, const struct member *member, unsigned slot,
             const char *what, int error, unsigned left, bool is_sought)
{
  const struct log_event event
    = { "Fail", EVENT_CRITICAL, slot, member->name };

  log_event (&event,
             "disk %.200s (slot %u) IS OUT OF THE MIRROR: %s: %s.  Running "
             "DEGRADED on %u of %u disks%s.  %s",
             member->name, slot, happened (what).text,
             log_strerror (error), left,
             array_get_layout (array).slots,
             what_is_left (array),
             advice (array, is_sought));
}

static void
tell_spare_failed (const struct member *member, const char *what, int error)
{
  const struct log_event event
    = { "FailSpare", EVENT_CRITICAL, -1, member->name };

  log_event (&event,
             "disk %.200s, a spare, is not kept any more: %s: %s.  It held no "
             "data; nbdmirror spare takes another one", member->name,
             happened (what).text, log_strerror (error));
}

/* What is to be done with the last copy. */
static const char *
advice_last (const struct array *array, bool is_gone, bool is_sought)
{
  if (is_sought)
    return "Until it answers again, which is tried now and then, reads and "
           "writes of that data fail, or wait (no-leg-timeout=)";
  if (!is_gone)
    return "Its errors go to the client; copy what can be read to a good disk";
  if (array->md != NULL)
    return "Reads and writes of that data fail.  Bring its server back, then "
           "start the mirror again";
  return "Reads and writes of that data fail.  Bring its server back, stop the "
         "mirror, and copy this disk over those that failed before it; then "
         "start again";
}

static void
tell_last_copy (const struct array *array, const struct member *member,
                unsigned slot, const char *what, int error, bool is_sought)
{
  const struct log_event event
    = { "LastCopy", EVENT_CRITICAL, slot, member->name };
  bool is_gone
    = member->leg->rank == LEG_REMOTE && leg_error_is_gone (error);

  log_event (&event,
             "disk %.200s (slot %u) holds the LAST COPY of some data and%s %s: "
             "%s.  %s", member->name, slot,
             is_gone ? "" : " stays in use although", happened (what).text,
             log_strerror (error), advice_last (array, is_gone, is_sought));
}

/* What this event makes of @member, published.  state_lock held. */
static enum roster_refusal
change (struct array *array, enum roster_event_kind kind,
        const struct member *member)
{
  const struct roster_event event = { .kind = kind, .id = member->id };
  enum roster_refusal r
    = roster_next (&array->roster, &event, &array->roster);

  if (r == ROSTER_OK)
    view_publish (array);
  return r;
}

bool
failure_recovered (struct array *array, const struct member *member)
{
  bool recovered;

  ground_mutex_lock (&array->state_lock);
  recovered = array->torn_end == 0
              && change (array, ROSTER_RECOVERED, member) == ROSTER_OK;
  ground_mutex_unlock (&array->state_lock);
  return recovered;
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
  struct member *member;

  if (requests_are_closed (&array->modifiers))
    return;
  /* Its leg is open as long as its own thread runs. */
  ground_mutex_lock (&array->state_lock);
  member = view_member_of (array, leg);
  ground_mutex_unlock (&array->state_lock);
  if (member == NULL) /* it is history */
    return;
  failure_report (array, member, leg_generation (leg), NULL, error);
  note_gone (array);
}

bool
failure_report (struct array *array, struct member *member,
                uint64_t generation, const char *what, int error)
{
  const struct roster_member *entry;
  enum roster_refusal verdict;
  bool tell = false, is_sought;
  unsigned left;
  int slot = 0;

  assert (error < 0);
  if (generation < member->generation)
    return false;

  ground_mutex_lock (&array->state_lock);
  entry = roster_find (&array->roster, member->id);
  if (entry != NULL)
    slot = entry->slot;
  verdict = change (array, ROSTER_FAIL, member);
  if (verdict == ROSTER_LAST_COPY) {
    tell = !member->told_last_copy;
    member->told_last_copy = true;
  }
  if (verdict == ROSTER_OK)
    member->left_error = error;
  left = __builtin_popcount (atomic_load (&array->view)->in_sync);
  is_sought = (verdict == ROSTER_OK
               || (verdict == ROSTER_LAST_COPY && array->md != NULL))
              && lost_note (&array->lost, member, slot, error);
  ground_mutex_unlock (&array->state_lock);

  if (is_sought)
    worker_wake (&array->rejoin);
  if (verdict == ROSTER_OK && slot < 0)
    tell_spare_failed (member, what, error);
  else if (verdict == ROSTER_OK)
    tell_failed (array, member, slot, what, error, left, is_sought);
  else if (tell)
    tell_last_copy (array, member, slot, what, error, is_sought);
  return verdict != ROSTER_LAST_COPY;
}

uint32_t
failure_excused (const struct request *request)
{
  const struct array *array = request->array;
  const struct view *view = request_view (request);

  if (request->failed == 0)
    return 0;
  return roster_excused (view->group, view->groups,
                         view_in_sync_now (array, view), request->failed);
}

uint32_t
failure_again (const struct request *request, uint32_t excused,
               uint32_t stable)
{
  uint32_t candidates = request->failed & ~excused;
  uint32_t slots = 0;

  candidates &= view_targets_now (request->array, request_view (request));
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
    unsigned place = __builtin_ctz (left);
    struct member *member = request_member (request, place);
    int error = request->error[place];

    /* What a member that is out says no longer matters. */
    if (atomic_load (&member->standing) == STANDING_OUT
        && !atomic_load (&member->reattached))
      continue;
    if (!(excused & 1u << place)
        && failure_report (array, member, request->generation[place], what,
                           error)
        && !atomic_load (&member->reattached))
      continue;
    if (leg_error_is_harmless (error))
      harmless = error;
    else
      hard = error;
  }
  return hard ? hard : harmless;
}

void
failure_read (const struct request *request, unsigned place)
{
  struct array *array = request->array;
  struct member *member = request_member (request, place);
  int error = request->error[place];
  unsigned slot = view_slot (request_view (request), member);
  const struct log_event event
    = { "ReadError", EVENT_WARNING, slot, member->name };
  bool tell;

  if (leg_error_is_gone (error)) {
    failure_report (array, member, request->generation[place], "a read",
                    error);
    return;
  }
  ground_mutex_lock (&array->state_lock);
  tell = !member->told_read_error;
  member->told_read_error = true;
  ground_mutex_unlock (&array->state_lock);
  if (tell)
    log_event (&event,
               "disk %.200s (slot %u): a read failed: %s.  Another copy is "
               "read instead, where there is one; this is reported once",
               member->name, slot, log_strerror (error));
}
