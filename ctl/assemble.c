/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror assemble --dry-run: what a server would make of these disks.
 *
 * The verdict is the server's own (logic/assemble); this file only shows it.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/member.h"
#include "ctl/render.h"
#include "ground/log.h"
#include "ground/util.h"

struct dry_run {
  struct member *member[ASSEMBLE_MEMBERS_MAX];
  unsigned count;
  /* Those that could be read, and which member each is. */
  struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
  unsigned index[ASSEMBLE_MEMBERS_MAX];
  unsigned given_count;
  struct assembly assembly;
};

static const char *
result_word (enum assemble_result result)
{
  static const char *const words[] = { [ASSEMBLE_START] = "start",
                                       [ASSEMBLE_PLAIN] = "plain",
                                       [ASSEMBLE_REFUSED] = "refused",
                                       [ASSEMBLE_FAILED] = "failed",
                                       [ASSEMBLE_SPLIT] = "split-brain" };

  return words[result];
}

/* START, FAILED and SPLIT know the array. */
static bool
knows_array (const struct assembly *assembly)
{
  return assembly->layout.slots != 0;
}

/* Only when something differs between members can it be brought together. */
static bool
needs_resync (const struct assembly *assembly)
{
  bool alone = assembly->layout.level == LEVEL_RAID1
               && __builtin_popcount (assembly->in_sync) < 2;

  return assembly->dirty && !alone;
}

static bool
has_bad_blocks (const struct dry_run *run)
{
  for (unsigned i = 0; i < run->given_count; i++)
    if (assemble_part_is_fresh (run->assembly.part[i].part)
        && run->member[run->index[i]]->badblocks_listed)
      return true;
  return false;
}

/* The worst wins in the order 6, 7, 8, 4, 5. */
static int
status_of (const struct dry_run *run, bool degraded_allowed)
{
  const struct assembly *assembly = &run->assembly;

  switch (assembly->result) {
  case ASSEMBLE_FAILED:
    return EXIT_NOT_AVAILABLE;
  case ASSEMBLE_SPLIT:
    return EXIT_SPLIT;
  case ASSEMBLE_REFUSED:
    return EXIT_REFUSED;
  case ASSEMBLE_PLAIN:
    return EXIT_OK;
  case ASSEMBLE_START:
    break;
  }
  if (assembly->degraded && !assembly->recovering && !degraded_allowed)
    return EXIT_NOT_AVAILABLE;
  if (has_bad_blocks (run))
    return EXIT_DAMAGED;
  if (assembly->degraded && !assembly->recovering)
    return EXIT_DEGRADED;
  if (assembly->recovering || needs_resync (assembly))
    return EXIT_RECOVERING;
  return EXIT_OK;
}

static void
judge (struct dry_run *run, int keep)
{
  for (unsigned i = 0; i < run->count; i++)
    if (run->member[i]->error == 0) {
      run->index[run->given_count] = i;
      if ((unsigned)keep == i)
        keep = (int)run->given_count;
      run->given[run->given_count++] = member_for_assembly (run->member[i]);
    }
  if (run->given_count > 0)
    assemble (run->given, run->given_count, keep, &run->assembly);
}

/* The part of member @i, or NULL: it could not be read. */
static const struct assemble_part *
part_of (const struct dry_run *run, unsigned i)
{
  for (unsigned j = 0; j < run->given_count; j++)
    if (run->index[j] == i)
      return &run->assembly.part[j];
  return NULL;
}

/* --------------------------------------------------------------------- text */

static void
print_member (const struct dry_run *run, unsigned i)
{
  const struct member *member = run->member[i];
  const struct assemble_part *part = part_of (run, i);

  printf ("  %u %s\n", i, member->name);
  if (part == NULL) {
    printf ("      missing: %s\n", member->why);
    return;
  }
  if (member->verdict != SB1_GOOD) {
    printf ("      %s\n", member->verdict == SB1_NONE ? "no md superblock"
                                                      : member->why);
    return;
  }
  if (!knows_array (&run->assembly)
      && run->assembly.result == ASSEMBLE_REFUSED) {
    char *name = render_name (&member->sb);
    char *uuid = render_uuid (member->sb.set_uuid);

    printf ("      array %s, uuid %s, events %" PRIu64 "\n", name, uuid,
            member->sb.events);
    g_free (name);
    g_free (uuid);
    return;
  }
  printf ("      ");
  if (part->slot != ASSEMBLE_NO_SLOT)
    printf ("slot %u: ", part->slot);
  printf ("%s; events %" PRIu64, assemble_part_text (part->part),
          member->sb.events);
  if (part->part == PART_RECOVERING || part->part == PART_REPLACEMENT)
    printf (", done below sector %" PRIu64, part->recovery_offset);
  if (member->badblocks_listed)
    printf (", bad blocks recorded");
  printf ("\n");
}

static void
print_array (const struct dry_run *run)
{
  const struct assembly *assembly = &run->assembly;
  const struct sb1 *sb = run->given[assembly->authority].sb;
  char *name = render_name (sb);
  char *uuid = render_uuid (sb->set_uuid);
  char *geometry = render_geometry (sb);
  char *size = render_bytes (assembly->layout.array_size);

  printf ("%s  %s  %s  uuid %s  events %" PRIu64 "\n", name, geometry, size,
          uuid, assembly->events);
  g_free (name);
  g_free (uuid);
  g_free (geometry);
  g_free (size);
}

static void
print_outlook (const struct assembly *assembly)
{
  if (assembly->degraded)
    printf ("  degraded: %d of %u slots in sync\n",
            __builtin_popcount (assembly->in_sync), assembly->layout.slots);
  if (assembly->recovering)
    printf ("  recovery: a member is to be rebuilt\n");
  if (needs_resync (assembly))
    printf ("  dirty: copies are to be brought together %s\n",
            !assembly->bitmap       ? "everywhere"
            : assembly->bitmap_good ? "where the bitmap is set"
                                    : "everywhere (the bitmap is outdated)");
}

static const char *
culprit_name (const struct dry_run *run)
{
  if (run->assembly.culprit >= run->given_count)
    return "array";
  return run->member[run->index[run->assembly.culprit]]->name;
}

static void
print_text (const struct dry_run *run, int status)
{
  const struct assembly *assembly = &run->assembly;

  if (knows_array (assembly))
    print_array (run);
  for (unsigned i = 0; i < run->count; i++)
    print_member (run, i);
  if (assembly->result == ASSEMBLE_START) {
    print_outlook (assembly);
    printf ("=> %s\n", status == EXIT_NOT_AVAILABLE
                         ? "would not start: degraded=no"
                         : "would start");
  }
  else
    printf ("=> %s: %s: %s\n",
            assembly->result == ASSEMBLE_PLAIN ? "plain array"
                                               : "would not start",
            culprit_name (run), assembly->why);
  if (assembly->readable)
    printf ("   reading is safe: nbdkit -r\n");
  if (assembly->result == ASSEMBLE_SPLIT)
    printf ("   look at both with nbdmirror examine --compare, then give the "
            "number of the one to keep: on-split-brain=leg:N\n");
}

/* --------------------------------------------------------------------- JSON */

static void
json_member (JsonBuilder *builder, const struct dry_run *run, unsigned i)
{
  const struct member *member = run->member[i];
  const struct assemble_part *part = part_of (run, i);

  json_builder_begin_object (builder);
  render_json_int (builder, "leg", i);
  render_json_string (builder, "disk", member->name);
  render_json_string (builder, "state",
                      part == NULL ? "missing"
                                   : assemble_part_word (part->part));
  render_json_string (builder, "reason", member->why);
  if (part != NULL && part->slot != ASSEMBLE_NO_SLOT)
    render_json_int (builder, "slot", part->slot);
  if (part != NULL && member_has_sb (member))
    render_json_int (builder, "events", member->sb.events);
  json_builder_end_object (builder);
}

static void
json_array (JsonBuilder *builder, const struct dry_run *run)
{
  const struct assembly *assembly = &run->assembly;
  const struct sb1 *sb = run->given[assembly->authority].sb;
  char *name = render_name (sb);
  char *uuid = render_uuid (sb->set_uuid);

  json_builder_set_member_name (builder, "array");
  json_builder_begin_object (builder);
  render_json_string (builder, "name", name);
  render_json_string (builder, "uuid", uuid);
  render_json_int (builder, "size", assembly->layout.array_size);
  render_json_int (builder, "events", assembly->events);
  render_json_bool (builder, "degraded", assembly->degraded);
  render_json_bool (builder, "recovering", assembly->recovering);
  render_json_bool (builder, "dirty", assembly->dirty);
  render_json_bool (builder, "needs_resync", needs_resync (assembly));
  render_json_int (builder, "resync_from_sectors", assembly->resync_from);
  render_json_bool (builder, "bitmap", assembly->bitmap);
  render_json_bool (builder, "bitmap_good", assembly->bitmap_good);
  json_builder_end_object (builder);
  g_free (name);
  g_free (uuid);
}

static void
print_json (const struct dry_run *run, int status)
{
  JsonBuilder *builder = json_builder_new ();
  const struct assembly *assembly = &run->assembly;

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_string (builder, "result", result_word (assembly->result));
  render_json_int (builder, "status", (uint64_t)status);
  render_json_bool (builder, "readable", assembly->readable);
  if (assembly->result != ASSEMBLE_START) {
    render_json_string (builder, "culprit", culprit_name (run));
    render_json_string (builder, "reason", assembly->why);
  }
  if (knows_array (assembly))
    json_array (builder, run);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < run->count; i++)
    json_member (builder, run, i);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}

/* ------------------------------------------------------------------ command */

/* "leg:N" -> N, or -1. */
static int
parse_keep (const char *text, unsigned count)
{
  char *end;
  unsigned long n;

  if (strncmp (text, "leg:", 4) != 0 || !g_ascii_isdigit (text[4]))
    return -1;
  n = strtoul (text + 4, &end, 10);
  return *end == '\0' && n < count ? (int)n : -1;
}

static int
show (struct dry_run *run, int keep, bool degraded_allowed)
{
  int status;

  for (unsigned i = 0; i < run->count; i++)
    for (unsigned j = 0; j < i; j++)
      if (strcmp (run->member[i]->name, run->member[j]->name) == 0)
        return ctl_fail (EXIT_REFUSED, run->member[i]->name, "given-twice",
                         "is given twice");
  judge (run, keep);
  if (run->given_count == 0) {
    for (unsigned i = 0; i < run->count; i++)
      ctl_tell (run->member[i]->name, "unreadable", "%s",
                run->member[i]->why);
    return ctl_fail (EXIT_UNREACHABLE, "array", "unreachable",
                     "none of its disks can be read");
  }
  status = status_of (run, degraded_allowed);
  if (ctl_options.json)
    print_json (run, status);
  else
    print_text (run, status);
  return status;
}

int
assemble_command (int argc, char **argv)
{
  g_autofree char *on_split_brain = NULL;
  g_autofree char *degraded = NULL;
  const GOptionEntry entries[] = {
    { "on-split-brain", 0, 0, G_OPTION_ARG_STRING, &on_split_brain,
      "Which history to keep in a split brain (disks count from 0)", "leg:N" },
    { "degraded", 0, 0, G_OPTION_ARG_STRING, &degraded,
      "Whether an array with members missing may start (yes)", "yes|no" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct dry_run *run;
  int keep = -1, status;

  if (!ctl_parse (&argc, &argv, entries, "--dry-run DISK..."))
    return EXIT_USAGE;
  if (!ctl_options.dry_run)
    return ctl_fail (EXIT_USAGE, "usage", "no-dry-run", "arrays are assembled "
                     "by the server: nbdkit mirror DISK...; with --dry-run "
                     "this tells what it would do");
  if (argc < 2 || argc - 1 > ASSEMBLE_MEMBERS_MAX)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk", "name 1 to %d disks",
                     ASSEMBLE_MEMBERS_MAX);
  if (degraded != NULL && strcmp (degraded, "yes") != 0
      && strcmp (degraded, "no") != 0)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--degraded=%s: yes or no", degraded);
  if (on_split_brain != NULL) {
    keep = parse_keep (on_split_brain, (unsigned)argc - 1);
    if (keep < 0)
      return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                       "--on-split-brain=%s: leg:N, N one of the %d disks "
                       "counted from 0", on_split_brain, argc - 1);
  }

  run = g_new0 (struct dry_run, 1);
  for (int i = 1; i < argc; i++)
    run->member[run->count++] = member_open (argv[i], false);
  status = show (run, keep, degraded == NULL || strcmp (degraded, "yes") == 0);
  for (unsigned i = 0; i < run->count; i++)
    member_close (run->member[i]);
  g_free (run);
  return status;
}
