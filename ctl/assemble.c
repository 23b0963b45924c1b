/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror assemble --dry-run: what a server would make of these disks.
 *
 * The verdict is the server's own: logic/assemble, and logic/seats for what it
 * does with each disk.  tests/ctl/test-verdict-server.sh asks both.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/assemble.h"
#include "ctl/ctl.h"
#include "legs/leg-open.h"

static bool
has_any_bad_blocks (const struct dry_run *run)
{
  for (unsigned j = 0; j < run->verdict.count; j++)
    if (has_bad_blocks (run, j))
      return true;
  return false;
}

/* The worst wins in the order 6, 7, 8, 4, 5. */
static int
status_of (const struct dry_run *run, bool degraded_allowed)
{
  const struct assembly *assembly = &run->verdict.assembly;

  if (run->stopper != NULL)
    return EXIT_REFUSED;
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
  if (assembly->degraded && !degraded_allowed)
    return EXIT_NOT_AVAILABLE;
  if (run->verdict.seats.refuses_writers)
    return EXIT_REFUSED;
  if (has_any_bad_blocks (run))
    return EXIT_DAMAGED;
  if (assembly->degraded && !run->verdict.seats.rebuilding)
    return EXIT_DEGRADED;
  if (assembly->degraded || needs_resync (assembly))
    return EXIT_RECOVERING;
  return EXIT_OK;
}

/* A server goes on without a disk of an md array that is missing, as after a
 * failure.  Another error is for the user to see to.
 */
static void
find_stopper (struct dry_run *run)
{
  bool plain = run->verdict.assembly.result == ASSEMBLE_PLAIN;

  for (unsigned i = 0; i < run->count && run->stopper == NULL; i++)
    if (!member_is_there (&run->member[i]->md)
        && (plain
            || !leg_open_is_missing (run->member[i]->path,
                                     run->member[i]->error)))
      run->stopper = run->member[i];
}

static void
judge (struct dry_run *run, int keep)
{
  const struct member_record *record[ASSEMBLE_MEMBERS_MAX];

  for (unsigned i = 0; i < run->count; i++)
    record[i] = &run->member[i]->md;
  members_judge (record, run->count, keep, &run->verdict);
  histories_find (run);
  find_stopper (run);
  if (run->verdict.count > 0 && run->stopper == NULL
      && run->verdict.assembly.result == ASSEMBLE_PLAIN)
    plain_judge (run);
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

/* As the server's degraded=: yes, no or wait:SECONDS.  Here nobody waits. */
static bool
parse_degraded (const char *text, bool *ret_allowed)
{
  *ret_allowed = strcmp (text, "no") != 0;
  if (strcmp (text, "no") == 0 || strcmp (text, "yes") == 0)
    return true;
  if (strncmp (text, "wait:", 5) != 0)
    return false;
  text += 5;
  return *text != '\0' && strspn (text, "0123456789") == strlen (text)
         && g_ascii_strtoull (text, NULL, 10) <= DEGRADED_WAIT_MAX_S;
}

/* As the server's metadata=. */
static bool
parse_metadata (const char *text, enum dry_run_metadata *ret)
{
  static const char *const words[] = { [METADATA_AUTO] = "auto",
                                       [METADATA_MD] = "md",
                                       [METADATA_NONE] = "none" };

  for (unsigned i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (text, words[i]) == 0) {
      *ret = i;
      return true;
    }
  return false;
}

/* With metadata=none nobody asks what it says. */
static struct member *
open_member (const char *path, enum dry_run_metadata metadata)
{
  struct member *member = member_open (path, false);
  struct member_disk disk = member->md.disk;

  if (metadata != METADATA_NONE)
    return member;
  member_forget (&member->md);
  member_ignore (&disk, &member->md);
  snprintf (member->md.why, MESSAGE_MAX, "its metadata is not asked for");
  return member;
}

static int
show (struct dry_run *run, int keep, bool degraded_allowed)
{
  int status;

  for (unsigned i = 0; i < run->count; i++)
    for (unsigned j = 0; j < i; j++)
      if (strcmp (run->member[i]->path, run->member[j]->path) == 0)
        return ctl_fail (EXIT_REFUSED, run->member[i]->path, "given-twice",
                         "is given twice");
  judge (run, keep);
  if (run->verdict.count == 0) {
    for (unsigned i = 0; i < run->count; i++)
      ctl_tell (run->member[i]->path, "unreadable", "%s",
                run->member[i]->why);
    return ctl_fail (EXIT_UNREACHABLE, "array", "unreachable",
                     "none of its disks can be opened");
  }
  status = status_of (run, degraded_allowed);
  if (ctl_options.json)
    assemble_print_json (run, status);
  else
    assemble_print_text (run, status);
  return status;
}

int
assemble_command (int argc, char **argv)
{
  g_autofree char *on_split_brain = NULL;
  g_autofree char *degraded = NULL;
  g_autofree char *metadata = NULL;
  const GOptionEntry entries[] = {
    { "on-split-brain", 0, 0, G_OPTION_ARG_STRING, &on_split_brain,
      "In a split brain keep the data of disk N (from 0)", "leg:N" },
    { "degraded", 0, 0, G_OPTION_ARG_STRING, &degraded,
      "Start with missing disks: yes (default) or no", "WHETHER" },
    { "metadata", 0, 0, G_OPTION_ARG_STRING, &metadata,
      "Kind of array: auto (default), md, or none (plain)", "KIND" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct dry_run *run;
  enum dry_run_metadata wanted = METADATA_AUTO;
  bool degraded_allowed = true;
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
  if (degraded != NULL && !parse_degraded (degraded, &degraded_allowed))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--degraded=%s: yes, no or wait:SECONDS", degraded);
  if (metadata != NULL && !parse_metadata (metadata, &wanted))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--metadata=%s: auto, md or none", metadata);
  if (on_split_brain != NULL) {
    keep = parse_keep (on_split_brain, (unsigned)argc - 1);
    if (keep < 0)
      return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                       "--on-split-brain=%s: leg:N, N one of the %d disks "
                       "counted from 0", on_split_brain, argc - 1);
  }

  run = g_new0 (struct dry_run, 1);
  run->metadata = wanted;
  for (int i = 1; i < argc; i++)
    run->member[run->count++] = open_member (argv[i], wanted);
  status = show (run, keep, degraded_allowed);
  for (unsigned i = 0; i < run->count; i++)
    member_close (run->member[i]);
  g_free (run);
  return status;
}
