/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror examine: show the md metadata of disks. */
#include <glib.h>
#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/examine.h"

const char *
examine_verdict_word (const struct member *member)
{
  static const char *const words[] = { [SB1_GOOD] = "ok",
                                       [SB1_UNSUPPORTED] = "unsupported",
                                       [SB1_DAMAGED] = "damaged",
                                       [SB1_NONE] = "none" };

  return member->error != 0 ? "unreadable" : words[member->md.verdict];
}

static int
member_status (const struct member *member)
{
  if (member->error != 0)
    return disk_open_status (member->error);
  if (member->md.verdict == SB1_DAMAGED
      || member->md.bitmap_verdict == BITMAP_DAMAGED
      || member->md.log_damaged)
    return EXIT_DAMAGED;
  if (member->md.verdict != SB1_GOOD
      || member->md.bitmap_verdict == BITMAP_UNSUPPORTED)
    return EXIT_REFUSED;
  return EXIT_OK;
}

static void
tell_problem (const struct member *member)
{
  if (member->error != 0)
    ctl_tell (member->path, "unreadable", "%s", member->why);
  else if (member->md.verdict == SB1_NONE)
    ctl_tell (member->path, "no-metadata", "has no md superblock");
  else if (member->md.verdict != SB1_GOOD)
    ctl_tell (member->path, examine_verdict_word (member), "%s", member->why);
  else if (member->md.bitmap_verdict == BITMAP_DAMAGED
           || member->md.bitmap_verdict == BITMAP_UNSUPPORTED)
    ctl_tell (member->path, "bad-bitmap", "%s", member->md.bitmap_why);
  if (member->md.log_damaged)
    ctl_tell (member->path, "bad-block-log", "%s", member->md.log_why);
}

static void
show (const struct member *member, bool mdadm, bool bitmap, bool badblocks)
{
  if (!member_has_sb (member))
    return;
  if (!mdadm)
    examine_text (member, bitmap, badblocks);
  else if (bitmap)
    examine_mdadm_bitmap (member);
  else if (badblocks)
    examine_mdadm_badblocks (member);
  else
    examine_mdadm (member);
}

/* The worst in the order of the manual: damage, then what cannot be read. */
static int
worse (int a, int b)
{
  static const int order[]
    = { EXIT_DAMAGED, EXIT_UNREACHABLE, EXIT_REFUSED, EXIT_OK };

  for (size_t i = 0; i < G_N_ELEMENTS (order); i++)
    if (a == order[i] || b == order[i])
      return order[i];
  g_assert_not_reached ();
}

int
examine_command (int argc, char **argv)
{
  gboolean bitmap = FALSE, badblocks = FALSE, compare = FALSE, mdadm = FALSE;
  gboolean raw = FALSE;
  const GOptionEntry entries[] = {
    { "bitmap", 0, 0, G_OPTION_ARG_NONE, &bitmap,
      "Show the details of the bitmap", NULL },
    { "badblocks", 0, 0, G_OPTION_ARG_NONE, &badblocks, "List bad blocks",
      NULL },
    { "compare", 0, 0, G_OPTION_ARG_NONE, &compare,
      "Show disks side by side, * where one differs", NULL },
    { "mdadm", 0, 0, G_OPTION_ARG_NONE, &mdadm,
      "Print in the format of mdadm --examine", NULL },
    { "raw", 0, 0, G_OPTION_ARG_NONE, &raw,
      "Show the bytes of superblock and bitmap, field by field", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct member **members;
  int status = EXIT_OK;

  if (!ctl_parse (&argc, &argv, entries, "DISK..."))
    return EXIT_USAGE;
  if (argc < 2)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk", "name the disks");
  if (mdadm && (compare || ctl_options.json))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--mdadm goes with neither --compare nor --json");
  if (raw && (mdadm || compare || bitmap || badblocks || ctl_options.json))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--raw goes with no other form");

  argc--;
  argv++;
  members = g_new0 (struct member *, argc);
  for (int i = 0; i < argc; i++) {
    members[i] = member_open (argv[i], false);
    status = worse (status, member_status (members[i]));
  }
  if (ctl_options.json)
    examine_json (members, argc);
  else
    for (int i = 0; i < argc; i++) {
      if (raw && member_has_sb (members[i]))
        examine_raw (members[i]);
      else if (!compare && !raw)
        show (members[i], mdadm, bitmap, badblocks);
      tell_problem (members[i]);
    }
  if (compare && !ctl_options.json)
    examine_compare (members, argc);
  if (!compare && !mdadm && !raw && !ctl_options.json)
    examine_arrays_text (members, argc);
  for (int i = 0; i < argc; i++)
    member_close (members[i]);
  g_free (members);
  return status;
}
