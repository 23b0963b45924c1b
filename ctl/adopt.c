/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror adopt: make raw images members of a new array, with their data.
 *
 * The array is a raid1 with metadata 1.0: data begin where the disk begins, and
 * all else lies behind them.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ctl/adopt.h"
#include "ctl/ctl.h"

static struct {
  char *name, *backup_dir;
  gboolean assume_clean, discard;
} given;

static const GOptionEntry entries[] = {
  /* A "string" would have to be of this locale. */
  { "name", 'N', 0, G_OPTION_ARG_FILENAME, &given.name, "Name of the array",
    "NAME" },
  { "assume-clean", 0, 0, G_OPTION_ARG_NONE, &given.assume_clean,
    "Do not compare: all are copies of the first disk", NULL },
  { "discard", 0, 0, G_OPTION_ARG_NONE, &given.discard,
    "What is on disks that are no copies may be lost", NULL },
  { "backup-dir", 0, 0, G_OPTION_ARG_FILENAME, &given.backup_dir,
    "Directory for the undo files (default .)", "DIRECTORY" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static int
open_disk (struct adopt *adopt, unsigned slot, const char *name)
{
  struct create *create = &adopt->create;
  struct member *member;

  if (strcmp (name, MISSING) == 0)
    return EXIT_OK;
  member = create->member[slot] = member_open (name, true);
  if (member->error != 0)
    return ctl_fail (disk_open_status (member->error), member->path,
                     "unusable", "%s", member->why);
  return create_check_apart (create, slot) ? EXIT_OK : EXIT_REFUSED;
}

/* All are there before any is read from end to end. */
static int
judge_all (struct adopt *adopt, char **names)
{
  unsigned slots = adopt->create.wish.layout.slots;
  int status = EXIT_OK;

  for (unsigned slot = 0; slot < slots && status == EXIT_OK; slot++)
    status = open_disk (adopt, slot, names[slot]);
  for (unsigned slot = 0; slot < slots && status == EXIT_OK; slot++)
    if (adopt->create.member[slot] != NULL)
      status = adopt_judge (adopt, slot);
  return status;
}

static int
run (struct adopt *adopt, char **names)
{
  struct create *create = &adopt->create;
  char why[MESSAGE_MAX];
  int status = judge_all (adopt, names);
  bool go;

  if (status != EXIT_OK)
    return status;
  if (!create_plan (&create->wish, &create->plan, why))
    return ctl_fail (EXIT_REFUSED, create->wish.name, "no-plan", "%s", why);
  status = adopt_check_places (adopt);
  if (status != EXIT_OK)
    return status;
  if (!ctl_options.json)
    adopt_print_plan (adopt);
  status = ctl_confirm (create->wish.name, &go);
  if (status == EXIT_OK && go)
    status = adopt_write (adopt);
  if (status == EXIT_OK && ctl_options.json)
    adopt_print_json (adopt, go);
  else if (status == EXIT_OK && go)
    adopt_print_done (adopt);
  return status;
}

static void
forget (struct adopt *adopt)
{
  for (unsigned slot = 0; slot < LEGS_MAX; slot++) {
    member_close (adopt->create.member[slot]);
    g_free (adopt->create.found[slot]);
    g_free (adopt->disk[slot].undo);
  }
  g_free (adopt);
}

int
adopt_command (int argc, char **argv)
{
  struct adopt *adopt;
  struct create_wish *wish;
  int status;

  if (!ctl_parse (&argc, &argv, entries, "DISK DISK|missing..."))
    return EXIT_USAGE;
  if (argc - 1 < 2 || argc - 1 > LEGS_MAX)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk", "name 2 to %d disks, or "
                     "missing instead of all but the first", LEGS_MAX);
  if (strcmp (argv[1], MISSING) == 0)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk", "the first disk is the "
                     "one with the data, and cannot be missing");
  adopt = g_new0 (struct adopt, 1);
  wish = &adopt->create.wish;
  adopt->assume_clean = given.assume_clean;
  adopt->discard = given.discard;
  adopt->backup_dir = given.backup_dir == NULL ? "." : given.backup_dir;
  *wish = (struct create_wish){
    .layout = { .level = LEVEL_RAID1, .slots = (unsigned)argc - 1, .near = 1,
                .far = 1 },
    .version = SB1_VERSION_1_0,
    .exact_size = true,
    .bitmap = true,
    .assume_clean = true,
  };
  status = create_parse_name (given.name, wish) ? run (adopt, argv + 1)
                                                : EXIT_USAGE;
  forget (adopt);
  return status;
}
