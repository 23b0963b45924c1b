/* SPDX-License-Identifier: BSD-3-Clause */
/* members: the disks that a server was given, and the array they make, in
 * words.
 *
 * Runs before the server forks.  Only members_read does I/O.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/log.h"
#include "ground/util.h"
#include "members/fit.h"
#include "members/judge.h"
#include "members/members.h"

/* -------------------------------------------------------------- the records */

static int
refuse_memory (char *why)
{
  snprintf (why, MESSAGE_MAX, "not enough memory for the disks' metadata");
  return -ENOMEM;
}

int
members_ignore (const struct member_disk *disks, unsigned count,
                struct members **ret, char *why)
{
  struct members *members = calloc (1, sizeof *members);

  assert (count >= 1 && count <= LEGS_MAX);
  if (members == NULL)
    return refuse_memory (why);
  members->count = count;
  for (unsigned i = 0; i < count; i++)
    member_ignore (&disks[i], &members->record[i]);
  *ret = members;
  return 0;
}

int
members_read (const struct member_disk *disks, unsigned count,
              struct members **ret, char *why)
{
  struct members *members;

  if (members_ignore (disks, count, &members, why) < 0)
    return -ENOMEM;
  for (unsigned i = 0; i < count; i++)
    if (member_read (&disks[i], &members->record[i]) < 0) {
      members_free (members);
      return refuse_memory (why);
    }
  *ret = members;
  return 0;
}

void
members_free (struct members *members)
{
  for (unsigned i = 0; i < members->count; i++)
    member_forget (&members->record[i]);
  free (members);
}

/* -------------------------------------------------------------- assembling */

/* The verdict counts those that are there; ours are numbered as given. */
static void
spread (struct assembly *assembly, const unsigned *number, unsigned count,
        unsigned legs)
{
  for (unsigned i = count; i-- > 0;)
    assembly->part[number[i]] = assembly->part[i];
  for (unsigned i = 0, next = 0; i < legs; i++)
    if (next < count && number[next] == i)
      next++;
    else
      assembly->part[i] = (struct assemble_part){ .part = PART_UNUSABLE,
                                                  .slot = ASSEMBLE_NO_SLOT };
  if (assembly->authority < count)
    assembly->authority = number[assembly->authority];
  assembly->culprit
    = assembly->culprit < count ? number[assembly->culprit] : legs;
}

/* -------------------------------------------------------------- in words */

static const char *
culprit_name (const struct members *members)
{
  unsigned culprit = members->assembly.culprit;

  return culprit < members->count ? members->record[culprit].disk.name : NULL;
}

static int
refuse (const struct members *members, const char *const *absent, char *why)
{
  const struct assembly *assembly = &members->assembly;
  const char *name = culprit_name (members);
  const char *missing = "";

  for (unsigned i = 0; i < members->count && missing[0] == '\0'; i++)
    if (!member_is_there (&members->record[i]))
      missing = absent[i];
  snprintf (why, MESSAGE_MAX, "%s%.200s%s%.400s%s%s%.200s",
            name ? "disk " : "the md array of these disks cannot be started",
            name ? name : "", ": ", assembly->why,
            assembly->result == ASSEMBLE_SPLIT
              ? ": on-split-brain=leg:N, counting the disks from 0; the others "
                "are then overwritten with it"
              : "; nothing was written",
            missing[0] ? "; " : "", missing);
  return assembly->result == ASSEMBLE_SPLIT ? -EEXIST : -EINVAL;
}

static int
refuse_wish (const char *key, const char *have, const char *want, char *why)
{
  snprintf (why, MESSAGE_MAX, "%s=%s: the md array of these disks has %s; "
            "leave %s= out, since its superblocks tell", key, want, have, key);
  return -EINVAL;
}

/* Only what the user gave counts; the rest of the wish is defaults. */
static int
check_shape (const struct layout *have, const struct members_wish *wish,
             char *why)
{
  const struct layout *want = &wish->layout;
  char have_text[32], want_text[32];

  if (wish->level_given && have->level != want->level)
    return refuse_wish ("level",
                        have->level == LEVEL_RAID1 ? "raid1" : "raid10",
                        want->level == LEVEL_RAID1 ? "raid1" : "raid10", why);
  layout_name (have, have_text, sizeof have_text);
  layout_name (want, want_text, sizeof want_text);
  if (wish->layout_given && strcmp (have_text, want_text) != 0)
    return refuse_wish ("layout", have_text, want_text, why);
  snprintf (have_text, sizeof have_text, "%" PRIu64, have->chunk);
  snprintf (want_text, sizeof want_text, "%" PRIu64, want->chunk);
  if (wish->chunk_given && have->chunk != want->chunk)
    return refuse_wish ("chunk", have_text, want_text, why);
  return 0;
}

/* "; slot 1: ..." for each slot without a disk in sync, as many as fit. */
static void
list_lacking (const struct members *members, char *ret, size_t size)
{
  size_t used = 0;

  ret[0] = '\0';
  for (unsigned i = 0; i < members->assembly.layout.slots; i++) {
    const struct slot *slot = &members->slot[i];
    bool has_disk = slot->has == SLOT_HAS_DISK;
    char text[300];

    if (slot_is_in_sync (slot))
      continue;
    snprintf (text, sizeof text, "; slot %u: %.200s%s%s", i,
              has_disk ? members->record[slot->member].disk.name : "",
              has_disk ? ", " : "", slot_text (slot));
    if (used + strlen (text) + strlen ("; ...") >= size) {
      snprintf (ret + used, size - used, "; ...");
      return;
    }
    used += snprintf (ret + used, size - used, "%s", text);
  }
}

static int
check_wishes (const struct members *members, const struct members_wish *wish,
              const char *const *absent, char *why)
{
  const struct assembly *assembly = &members->assembly;
  const struct layout *layout = &assembly->layout;
  char lacking[600];
  int r = check_shape (layout, wish, why);

  if (r < 0)
    return r;
  if (!wish->no_degraded || !assembly->degraded)
    return 0;
  for (unsigned i = 0; i < members->count; i++)
    if (!member_is_there (&members->record[i])) {
      snprintf (why, MESSAGE_MAX, "degraded=no, but %.600s", absent[i]);
      return -ENODEV;
    }
  list_lacking (members, lacking, sizeof lacking);
  snprintf (why, MESSAGE_MAX, "degraded=no, but not all of the array's %u "
            "slots have a disk that is in sync%s; give the missing disks, or "
            "let the mirror start without them (degraded=yes)", layout->slots,
            lacking);
  return -ENODEV;
}

/* Each record's seat; *@ret is empty if the array may be written, or would be
 * but for a disk.
 */
static void
take_seats (struct members *members, const struct members_verdict *verdict,
            char *ret)
{
  const struct seats *seats = &verdict->seats;
  const char *name = NULL;

  members->block = verdict->block;
  for (unsigned i = 0; i < verdict->count; i++)
    members->record[verdict->number[i]].seat = seats->seat[i];
  if (!seats->refuses_writers)
    return;
  if (seats->culprit < verdict->count)
    name = members->record[verdict->number[seats->culprit]].disk.name;
  snprintf (ret, MESSAGE_MAX, "%s%.200s: %.500s; %s can only be read: nbdkit "
            "-r", name ? "disk " : "the array", name ? name : "",
            seats->why_readonly, name ? "the array" : "it");
}

static void
take_slots (struct members *members, const struct members_verdict *verdict)
{
  for (unsigned i = 0; i < verdict->assembly.layout.slots; i++) {
    members->slot[i] = verdict->slot[i];
    members->slot[i].member = verdict->number[verdict->slot[i].member];
  }
}

static void
judge (struct members *members, unsigned keep, struct members_verdict *ret)
{
  const struct member_record *record[LEGS_MAX];

  for (unsigned i = 0; i < members->count; i++)
    record[i] = &members->record[i];
  members_judge (record, members->count,
                 keep <= members->count ? (int)keep - 1 : -1, ret);
}

int
members_assemble (struct members *members, const struct members_wish *wish,
                  const char *const *absent, char *ret_why_readonly, char *why)
{
  struct assembly *assembly = &members->assembly;
  struct members_verdict verdict;

  ret_why_readonly[0] = '\0';
  judge (members, wish->keep, &verdict);
  if (verdict.count == 0) {
    snprintf (why, MESSAGE_MAX, "%.800s", absent[0]);
    return -ENODEV;
  }
  *assembly = verdict.assembly;
  if (seats_are_given (assembly))
    take_seats (members, &verdict, ret_why_readonly);
  if (slots_are_known (assembly))
    take_slots (members, &verdict);
  spread (assembly, verdict.number, verdict.count, members->count);
  if (assembly->result == ASSEMBLE_PLAIN)
    return 0;
  if (!seats_are_given (assembly))
    return refuse (members, absent, why);
  return check_wishes (members, wish, absent, why);
}

static void
tell_degraded (const struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  char lacking[800];

  list_lacking (members, lacking, sizeof lacking);
  log_error ("the array is DEGRADED: %d of %u slots have a disk that is in "
             "sync%s", __builtin_popcount (assembly->in_sync),
             assembly->layout.slots, lacking);
}

void
members_tell (const struct members *members, const char *const *absent)
{
  const struct assembly *assembly = &members->assembly;

  for (unsigned i = 0; i < members->count; i++) {
    const struct member_record *record = &members->record[i];
    const char *text = assemble_part_text (assembly->part[i].part);
    const char *why = member_why (record);

    if (!member_is_there (record))
      log_error ("%.700s; the mirror starts without it", absent[i]);
    if (!member_is_there (record) || assembly->part[i].part == PART_IN_SYNC)
      continue;
    if (record->seat.waits)
      log_notice ("disk %.200s: is a spare, and waits for a slot",
                  record->disk.name);
    else if (assembly->part[i].part == PART_SPARE)
      log_error ("disk %.200s: %s; this spare is not used", record->disk.name,
                 fit_refusal_text (record->seat.refusal));
    else if (record->seat.slot == ASSEMBLE_NO_SLOT)
      log_error ("disk %.200s: is not used: %s%s%s", record->disk.name, text,
                 why[0] != '\0' ? ": " : "", why);
    else if (record->seat.replaces)
      log_notice ("disk %.200s: is to replace the other disk of slot %u; that "
                  "goes on once a client may write", record->disk.name,
                  record->seat.slot);
    else if (record->seat.rejoins)
      log_notice ("disk %.200s: %s; it will be rebuilt%s once a client may "
                  "write", record->disk.name, text,
                  record->seat.by_bitmap ? " with the bitmap" : "");
  }
  if (assembly->degraded)
    tell_degraded (members);
  if (assembly->dirty)
    log_debug ("the array was not stopped cleanly: its copies may differ");
}
