/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-show: the verdict over some disks, as text. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "ctl/assemble.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/slots-show.h"

static void
print_seat (const struct dry_run *run, unsigned j)
{
  const struct seat *seat = &run->verdict.seats.seat[j];
  enum part part = run->verdict.assembly.part[j].part;
  bool begun = part == PART_RECOVERING || part == PART_REPLACEMENT;

  if (!seats_are_given (&run->verdict.assembly))
    return;
  if (seat->waits)
    printf ("; waits for a slot");
  else if (seat->slot == ASSEMBLE_NO_SLOT)
    printf ("; is not used");
  else if (seat->rebuilt)
    printf ("; %s, %s", begun ? "the rest will be rebuilt" : "will be rebuilt",
            seat->by_bitmap ? "by bitmap" : "wholly");
}

/* Of another array, perhaps: nobody knows which one is meant. */
static void
print_stranger (const struct sb1 *sb)
{
  char *name = render_name (sb);
  char *uuid = render_uuid (sb->set_uuid);

  printf ("      array %s, uuid %s, events %" PRIu64 "\n", name, uuid,
          sb->events);
  g_free (name);
  g_free (uuid);
}

/* Of a split brain all sides are shown alike. */
static void
print_part (const struct dry_run *run, unsigned j)
{
  struct assemble_part part = histories_part (run, j);
  const struct member *member = run->member[run->verdict.number[j]];
  char *name = render_name (&member->md.sb);
  char *update = render_time_utc (member->md.sb.utime);

  printf ("      ");
  if (part.slot != ASSEMBLE_NO_SLOT)
    printf ("slot %u: ", part.slot);
  if (run->side[j] != 0)
    printf ("history %u of %u", run->side[j], run->histories);
  if (run->side[j] == 0 || part.part != PART_IN_SYNC)
    printf ("%s%s", run->side[j] != 0 ? ", " : "",
            assemble_part_text (part.part));
  if (part.part == PART_RECOVERING || part.part == PART_REPLACEMENT)
    printf (", done below sector %" PRIu64, part.recovery_offset);
  if (run->histories > 0)
    printf ("; array %s", name);
  printf ("; events %" PRIu64 ", last update %s", member->md.sb.events, update);
  if (member_has_bad_blocks (member))
    printf (", bad blocks recorded");
  print_seat (run, j);
  printf ("\n");
  g_free (name);
  g_free (update);
}

static void
print_member (const struct dry_run *run, unsigned i)
{
  const struct member *member = run->member[i];
  unsigned j = members_given_as (&run->verdict, i);
  const struct assemble_member *given = &run->verdict.given[j];

  printf ("  %u %s\n", i, member->name);
  if (disk_is_locked (&member->disk))
    printf ("      in use by a running server, or another program: it is "
            "locked\n");
  if (j == run->verdict.count)
    printf ("      missing: %s\n", member->why);
  else if (given->verdict != SB1_GOOD)
    printf ("      %s\n",
            given->why[0] == '\0' ? "no md superblock" : given->why);
  else if (!knows_array (&run->verdict.assembly)
           && run->verdict.assembly.result == ASSEMBLE_REFUSED)
    print_stranger (&member->md.sb);
  else
    print_part (run, j);
}

static void
print_array (const struct dry_run *run)
{
  const struct assembly *assembly = &run->verdict.assembly;
  const struct sb1 *sb = run->verdict.given[assembly->authority].sb;
  char *name = render_name (sb);
  char *uuid = render_uuid (sb->set_uuid);
  char *geometry = render_geometry (sb);
  char *size = render_bytes (assembly->layout.array_size);

  printf ("%s  %s  %s  uuid %s", name, geometry, size, uuid);
  if (run->histories < 2)
    printf ("  events %" PRIu64, assembly->events);
  printf ("\n");
  g_free (name);
  g_free (uuid);
  g_free (geometry);
  g_free (size);
}

static void
print_outlook (const struct dry_run *run)
{
  const struct assembly *assembly = &run->verdict.assembly;

  if (run->verdict.seats.rebuilding)
    printf ("  recovery: what a member lacks is to be copied to it\n");
  if (needs_resync (assembly))
    printf ("  dirty: copies are to be made equal %s\n",
            !assembly->bitmap       ? "everywhere"
            : assembly->bitmap_good ? "where the bitmap is set"
                                    : "everywhere (the bitmap is outdated)");
}

/* "; A, B" and what is said of them. */
static void
print_names (const struct dry_run *run,
             bool (*is_meant) (const struct dry_run *run, unsigned j),
             const char *of_one, const char *of_several)
{
  unsigned count = 0;

  for (unsigned j = 0; j < run->verdict.count; j++)
    if (is_meant (run, j))
      printf ("%s%s", count++ == 0 ? "; " : ", ", given_name (run, j));
  if (count > 0)
    printf (" %s", count == 1 ? of_one : of_several);
}

static bool
is_rebuilt (const struct dry_run *run, unsigned j)
{
  return run->verdict.seats.seat[j].rebuilt;
}

/* What the exit status stands for, and all that is true besides. */
static void
print_would_start (const struct dry_run *run)
{
  const struct assembly *assembly = &run->verdict.assembly;
  const struct seats *seats = &run->verdict.seats;
  bool readonly = seats->why_readonly[0] != '\0';

  printf ("=> would start%s", assembly->degraded ? " degraded" : "");
  if (readonly)
    printf (", only for reading%s: %s: %s",
            seats->refuses_writers ? " (nbdkit -r)" : "",
            culprit_name (run, seats->culprit), seats->why_readonly);
  print_names (run, is_rebuilt, "is rebuilt", "are rebuilt");
  if (needs_resync (assembly))
    printf ("; copies %s", readonly ? "may differ, and stay so"
                                    : "are made equal in the background");
  print_names (run, has_bad_blocks, "has bad blocks on record",
               "have bad blocks on record");
  printf ("\n");
}

static void
print_start (const struct dry_run *run, int status)
{
  print_outlook (run);
  if (run->stopper != NULL)
    printf ("=> would not start: %s: %s\n", run->stopper->name,
            run->stopper->why);
  else if (status == EXIT_NOT_AVAILABLE)
    printf ("=> would not start: degraded=no\n");
  else
    print_would_start (run);
}

/* Whose members, and what comes of keeping it. */
static void
print_choice (const struct dry_run *run, unsigned h)
{
  const struct history *history = &run->history[h];
  const char *before = ": ";

  printf ("   on-split-brain=leg:%u keeps history %u", history->leg, h + 1);
  for (unsigned j = 0; j < run->verdict.count; j++)
    if (run->side[j] == h + 1) {
      printf ("%s%s", before, given_name (run, j));
      before = ", ";
    }
  if (history->made.result != ASSEMBLE_START)
    printf ("; would not start: %s", history->made.why);
  printf ("\n");
}

static void
print_choices (const struct dry_run *run)
{
  printf ("   look at each alone with nbdkit -r, and at all with nbdmirror "
          "examine --compare;\n"
          "   what is not kept is then overwritten with what is kept\n");
  for (unsigned h = 0; h < run->histories; h++)
    print_choice (run, h);
}

void
assemble_print_text (const struct dry_run *run, int status)
{
  const struct assembly *assembly = &run->verdict.assembly;
  const struct member *given[ASSEMBLE_MEMBERS_MAX];

  if (knows_array (assembly))
    print_array (run);
  for (unsigned i = 0; i < run->count; i++)
    print_member (run, i);
  if (slots_are_known (assembly)) {
    given_members (run, given);
    slots_print (assembly, run->verdict.slot, given);
  }
  if (assembly->result == ASSEMBLE_START || run->stopper != NULL)
    print_start (run, status);
  else
    printf ("=> %s: %s: %s\n",
            assembly->result == ASSEMBLE_PLAIN ? "plain array"
                                               : "would not start",
            culprit_name (run, assembly->culprit), assembly->why);
  if (assembly->readable)
    printf ("   reading is safe: nbdkit -r\n");
  if (assembly->result == ASSEMBLE_SPLIT)
    print_choices (run);
}
