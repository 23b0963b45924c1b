/* SPDX-License-Identifier: BSD-3-Clause */
/* reasons: why the array is not as it should be, and what to do.
 *
 * Each has a code for programs and three texts for people: what is the
 * matter, what it means for the data, and what to do now.
 */
#include <stdio.h>
#include <string.h>

#include "control/reasons.h"
#include "ground/util.h"

struct reason {
  const char *code;
  int slot; /* -1: none in particular */
  char *what, *impact, *action;
  uint64_t since; /* UTC, microseconds; 0: not known */
};

static void
add (JsonBuilder *builder, struct reason reason)
{
  json_builder_begin_object (builder);
  render_json_string (builder, "code", reason.code);
  render_json_slot (builder, reason.slot);
  if (reason.since == 0)
    render_json_null (builder, "since");
  else
    event_build_time (builder, "since", reason.since);
  render_json_string (builder, "what", reason.what);
  render_json_string (builder, "impact", reason.impact);
  render_json_string (builder, "action", reason.action);
  json_builder_end_object (builder);
  g_free (reason.what);
  g_free (reason.impact);
  g_free (reason.action);
}

/* Is it tried to reach? */
static bool
is_sought (const struct array_connection *connection)
{
  return strcmp (connection->state, "lost") == 0
         || strcmp (connection->state, "refused") == 0;
}

/* In sync, for all that is known, and nobody can reach it. */
static bool
is_lost_copy (const struct array_member *member)
{
  return member->state == MEMBER_IN_SYNC
         && (is_sought (&member->connection)
             || strcmp (member->connection.state, "closed") == 0);
}

static unsigned
count_lost_copies (const struct array_snapshot *snapshot)
{
  unsigned count = 0;

  for (unsigned i = 0; i < snapshot->members; i++)
    count += is_lost_copy (&snapshot->member[i]);
  return count;
}

/* What another failure would mean. */
static char *
impact_of_loss (const struct array_snapshot *snapshot)
{
  unsigned left = __builtin_popcount (snapshot->status.in_sync);
  unsigned lost = count_lost_copies (snapshot);
  unsigned slots = snapshot->status.slots;

  if (lost > 0)
    return g_strdup_printf ("%u of %u disks can be reached and are in sync; "
                            "some data has no copy that can be read",
                            left - lost, slots);
  if (snapshot->survives == 0)
    return g_strdup_printf ("%u of %u disks are in sync; some data has only "
                            "one copy left, so another failure may lose it",
                            left, slots);
  return g_strdup_printf ("%u of %u disks are in sync; any %u more may fail "
                          "without loss", left, slots, snapshot->survives);
}

static bool
has_occupant (const struct array_snapshot *snapshot, int slot)
{
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].slot == slot
        && snapshot->member[i].state != MEMBER_FAULTY)
      return true;
  return false;
}

/* The next command; @failed: there is a member, which failed. */
static char *
advice (const struct control *control, int slot, bool failed)
{
  if (control->limits.readonly)
    return g_strdup ("serve the array with all its disks writable to rebuild "
                     "it");
  if (!failed)
    return g_strdup_printf ("give it a disk: nbdmirror add %s DISK",
                            control->name);
  return g_strdup_printf ("if the disk is good: nbdmirror readd %s %d; else "
                          "nbdmirror remove %s %d, then nbdmirror add %s DISK",
                          control->name, slot, control->name, slot,
                          control->name);
}

/* It failed or was replaced, and another disk has its slot already. */
static void
add_unused (struct control *control, JsonBuilder *builder,
            const struct array_member *member)
{
  add (builder, (struct reason){
                  "disk-unused", member->slot,
                  g_strdup_printf ("disk %s is no longer used: another disk has "
                                   "slot %d now", member->name, member->slot),
                  g_strdup ("none"),
                  g_strdup_printf ("nbdmirror remove %s id=%u",
                                   control->name, member->id), 0 });
}

static void
add_failed_spare (struct control *control, JsonBuilder *builder,
                  const struct array_member *member)
{
  add (builder, (struct reason){
                  "spare-failed", -1,
                  g_strdup_printf ("disk %s, a spare, failed", member->name),
                  g_strdup ("it cannot step in for a disk that fails"),
                  g_strdup_printf ("nbdmirror remove %s id=%u, then nbdmirror "
                                   "spare %s DISK", control->name, member->id,
                                   control->name), 0 });
}

/* Of a disk that is sought: nobody has to do anything, but to put right what is
 * wrong with it.
 */
static char *
connection_advice (const struct array_connection *connection)
{
  unsigned next_s = (unsigned)div_round_up (connection->next_ns, GROUND_S);
  g_autofree char *times = NULL;

  if (strcmp (connection->state, "refused") == 0)
    return g_strdup_printf ("it answers but stays out: %s",
                            connection->error);
  if (connection->waits)
    return g_strdup ("bring its server back: it is let in by itself when a "
                     "client has connected that may write");
  times = connection->attempts == 1
            ? g_strdup ("once")
            : g_strdup_printf ("%u times", connection->attempts);
  return g_strdup_printf ("bring its server back: it is let in by itself; "
                          "tried %s, again in %u s; the last time: %s", times,
                          next_s, connection->error);
}

static void
add_failed (struct control *control, JsonBuilder *builder,
            const struct array_snapshot *snapshot,
            const struct array_member *member)
{
  struct event event;

  if (member->slot < 0) {
    add_failed_spare (control, builder, member);
    return;
  }
  if (has_occupant (snapshot, member->slot)) {
    add_unused (control, builder, member);
    return;
  }

  add (builder, (struct reason){
                  "disk-failed", member->slot,
                  g_strdup_printf ("disk %s (slot %d) failed", member->name,
                                   member->slot),
                  impact_of_loss (snapshot),
                  is_sought (&member->connection)
                    ? connection_advice (&member->connection)
                    : advice (control, member->slot, true),
                  events_find ("Fail", member->slot, &event) ? event.utc_us
                                                             : 0 });
}

/* Disks that were given, one of which has the slot, perhaps. */
static char *
advice_missing (const struct control *control,
                const struct array_snapshot *snapshot, int slot)
{
  g_autofree char *sought = NULL, *otherwise = advice (control, slot, false);

  if (snapshot->absent == 0)
    return g_steal_pointer (&otherwise);
  sought = connection_advice (&snapshot->absents[0].connection);
  return g_strdup_printf ("disk %s was not there at the start: %s; or %s",
                          snapshot->absents[0].name, sought, otherwise);
}

static bool
has_member (const struct array_snapshot *snapshot, int slot)
{
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].slot == slot)
      return true;
  return false;
}

static void
add_lacking (struct control *control, JsonBuilder *builder,
             const struct array_snapshot *snapshot)
{
  uint32_t lost = snapshot->lacking & ~snapshot->recovering;

  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].state == MEMBER_FAULTY)
      add_failed (control, builder, snapshot, &snapshot->member[i]);
  for (; lost != 0; lost &= lost - 1) {
    int slot = __builtin_ctz (lost);

    if (has_member (snapshot, slot))
      continue;
    add (builder, (struct reason){
                    "disk-missing", slot,
                    g_strdup_printf ("slot %d has no disk", slot),
                    impact_of_loss (snapshot),
                    advice_missing (control, snapshot, slot), 0 });
  }
}

/* Of a resync or a rebuild. */
static const char *
copy_advice (const struct control *control,
             const struct array_snapshot *snapshot)
{
  if (control->limits.readonly)
    return "serve the array writable; then it is done in the background";
  return snapshot->progress.total > 0
           ? "none needed"
           : "none needed; it begins when the first client connects that may "
             "write, and what failed before is tried again every minute";
}

static void
add_rebuilds (struct control *control, JsonBuilder *builder,
              const struct array_snapshot *snapshot)
{
  for (unsigned i = 0; i < snapshot->members; i++) {
    const struct array_member *member = &snapshot->member[i];

    if (member->state != MEMBER_RECOVERING)
      continue;
    add (builder, (struct reason){
                    "rebuilding", member->slot,
                    g_strdup_printf ("disk %s (slot %d) is being rebuilt%s",
                                     member->name, member->slot,
                                     member->by_bitmap
                                       ? ", only what it missed" : ""),
                    g_strdup ("the disk is written, and is read when it is in "
                              "sync"),
                    g_strdup (copy_advice (control, snapshot)), 0 });
  }
}

static void
add_resync (struct control *control, JsonBuilder *builder,
            const struct array_snapshot *snapshot)
{
  g_autofree char *left = status_bytes (snapshot->status.sync_left);

  add (builder, (struct reason){
                  "resyncing", -1,
                  g_strdup_printf ("copies of %s may differ", left),
                  g_strdup ("what clients read is copied to all disks first, "
                            "so they never see two versions"),
                  g_strdup (copy_advice (control, snapshot)), 0 });
}

static void
add_hung (struct control *control, JsonBuilder *builder,
          const struct array_snapshot *snapshot)
{
  for (unsigned i = 0; i < snapshot->members; i++) {
    const struct array_member *member = &snapshot->member[i];
    bool is_out = member->state == MEMBER_FAULTY;

    if (member->hung.count == 0)
      continue;
    add (builder,
         (struct reason){
           "disk-hung", member->slot,
           g_strdup_printf ("disk %s has not answered a %s for %llu seconds "
                            "(%u request%s)", member->name, member->hung.op,
                            (unsigned long long)(member->hung.for_ns
                                                 / GROUND_S),
                            member->hung.count,
                            member->hung.count == 1 ? "" : "s"),
           g_strdup (is_out ? "requests that were sent to it before it failed "
                              "wait for it, and writes to the same places"
                            : "writes and flushes wait for it, and what is "
                              "read from it"),
           is_out ? g_strdup ("the kernel has to answer: see its log")
                  : g_strdup_printf ("see the kernel's log; nbdmirror fail %s "
                                     "id=%u lets the others go on without it",
                                     control->name, member->id), 0 });
  }
}

/* Of one that nobody tries to reach. */
static const char *
advice_closed (const struct control *control)
{
  return control->identity.md
           ? "bring its server back, then start the mirror again"
           : "bring its server back, stop the mirror, and copy this disk over "
             "those that failed before it; then start again";
}

static void
add_lost_copy (struct control *control, JsonBuilder *builder,
               const struct array_member *member)
{
  bool sought = is_sought (&member->connection);
  struct event event;
  uint64_t since = member->connection.since_utc_us;

  if (since == 0 && events_find ("LastCopy", member->slot, &event))
    since = event.utc_us;
  add (builder, (struct reason){
                  "last-copy-lost", member->slot,
                  g_strdup_printf ("disk %s (slot %d) holds the last copy of "
                                   "some data, and its connection is lost",
                                   member->name, member->slot),
                  g_strdup (sought ? "reads and writes of that data fail, or "
                                     "wait (no-leg-timeout=)"
                                   : "reads and writes of that data fail"),
                  sought ? connection_advice (&member->connection)
                         : g_strdup (advice_closed (control)), since });
}

/* If nothing is left: that, before all else. */
static void
add_lost_copies (struct control *control, JsonBuilder *builder,
                 const struct array_snapshot *snapshot)
{
  unsigned lost = count_lost_copies (snapshot);

  if (lost > 0
      && lost == (unsigned)__builtin_popcount (snapshot->status.in_sync))
    add (builder, (struct reason){
                    "array-unreachable", -1,
                    g_strdup ("no disk that is in sync can be reached"),
                    g_strdup ("nothing can be read or written until one is "
                              "back"),
                    g_strdup ("bring back the server of each disk that holds a "
                              "last copy (below); those of other disks do not "
                              "help before that"), 0 });
  for (unsigned i = 0; i < snapshot->members; i++)
    if (is_lost_copy (&snapshot->member[i]))
      add_lost_copy (control, builder, &snapshot->member[i]);
}

/* All else that goes wrong now cannot be recorded. */
static void
add_unstored (struct control *control, JsonBuilder *builder,
              const struct array_snapshot *snapshot)
{
  struct control_unstored unstored;

  if (status_unstored (control, snapshot, &unstored))
    add (builder, (struct reason){
                    "metadata-not-stored", -1, g_strdup (unstored.what),
                    g_strdup ("disks that fail are not recorded as failed, so "
                              "writes that depend on it fail; a restart may "
                              "find less than what is true now"),
                    g_strdup (unstored.action), unstored.since_utc_us });
}

void
reasons_build (struct control *control, JsonBuilder *builder,
               const struct array_snapshot *snapshot)
{
  json_builder_set_member_name (builder, "reasons");
  json_builder_begin_array (builder);
  add_unstored (control, builder, snapshot);
  add_lost_copies (control, builder, snapshot);
  add_lacking (control, builder, snapshot);
  add_hung (control, builder, snapshot);
  add_rebuilds (control, builder, snapshot);
  if (snapshot->status.resyncing)
    add_resync (control, builder, snapshot);
  if (snapshot->status.reads_pinned)
    add (builder, (struct reason){
                    "reads-pinned", -1,
                    g_strdup ("a write failed on all copies of its range"),
                    g_strdup ("copies may differ there, so all reads go to "
                              "the first disk"),
                    g_strdup ("see READS THAT ARE PINNED in "
                              "nbdkit-mirror-plugin(1)"), 0 });
  json_builder_end_array (builder);
}
