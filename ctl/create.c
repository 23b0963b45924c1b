/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror create: make a new array from disks. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/create.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/signature.h"
#include "ground/text.h"
#include "ground/util.h"
#include "legs/leg.h"

static struct {
  char *level, *layout, *chunk, *metadata, *name, *bitmap, *bitmap_chunk;
  char *size;
  gint spares;
  gboolean assume_clean, force;
} given;

static const GOptionEntry entries[] = {
  { "level", 'l', 0, G_OPTION_ARG_STRING, &given.level,
    "raid1 (default) or raid10", "LEVEL" },
  { "layout", 'p', 0, G_OPTION_ARG_STRING, &given.layout,
    "raid10: kind and number of copies (default n2)", "LAYOUT" },
  { "chunk", 'c', 0, G_OPTION_ARG_STRING, &given.chunk,
    "raid10: chunk size in bytes (default 512K)", "SIZE" },
  { "metadata", 'e', 0, G_OPTION_ARG_STRING, &given.metadata,
    "1.0, 1.1 or 1.2 (default)", "VERSION" },
  /* A "string" would have to be of this locale. */
  { "name", 'N', 0, G_OPTION_ARG_FILENAME, &given.name, "Name of the array",
    "NAME" },
  { "bitmap", 'b', 0, G_OPTION_ARG_STRING, &given.bitmap,
    "Write-intent bitmap: internal (default) or none", "KIND" },
  { "bitmap-chunk", 0, 0, G_OPTION_ARG_STRING, &given.bitmap_chunk,
    "Bytes for each bit (default 64M, more if needed)", "SIZE" },
  { "size", 'z', 0, G_OPTION_ARG_STRING, &given.size,
    "Bytes of each disk to use (default all)", "SIZE" },
  { "spares", 'x', 0, G_OPTION_ARG_INT, &given.spares,
    "Keep the last N disks as spares (default 0)", "N" },
  { "assume-clean", 0, 0, G_OPTION_ARG_NONE, &given.assume_clean,
    "The disks are equal already: no first resync", NULL },
  { "force", 0, 0, G_OPTION_ARG_NONE, &given.force,
    "Use disks that look used", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* ----------------------------------------------------------- what is wished */

static bool
usage (const char *option, const char *value, const char *text)
{
  ctl_fail (EXIT_USAGE, "usage", "bad-option", "--%s=%s: %s", option, value,
            text);
  return false;
}

static bool
parse_layout (struct layout *layout)
{
  const char *level = given.level == NULL ? "1" : given.level;
  uint64_t chunk = CHUNK_DEFAULT;

  if (g_str_has_prefix (level, "raid"))
    level += strlen ("raid");
  if (strcmp (level, "1") == 0 || strcmp (level, "mirror") == 0)
    layout->level = LEVEL_RAID1;
  else if (strcmp (level, "10") == 0)
    layout->level = LEVEL_RAID10;
  else
    return usage ("level", given.level, "raid1 or raid10");
  layout->near = layout->far = 1;
  if (layout->level == LEVEL_RAID1) {
    if (given.layout != NULL)
      return usage ("layout", given.layout, "only raid10 has one");
    if (given.chunk != NULL)
      return usage ("chunk", given.chunk, "only raid10 has one");
    return true;
  }
  if (!layout_parse (layout, given.layout == NULL ? "n2" : given.layout))
    return usage ("layout", given.layout, "n2, f2, o2 or with more copies");
  if (given.chunk != NULL && !render_parse_size (given.chunk, &chunk))
    return usage ("chunk", given.chunk, "not a size");
  layout->chunk = chunk;
  return true;
}

static bool
parse_version (struct create_wish *wish)
{
  wish->version = SB1_VERSION_1_2;
  if (given.metadata == NULL)
    return true;
  if (sb1_version_by_name (given.metadata, &wish->version)
      && wish->version != SB1_VERSION_0_90)
    return true;
  return usage ("metadata", given.metadata, "1.0, 1.1 or 1.2");
}

static bool
parse_bitmap (struct create_wish *wish)
{
  uint64_t chunk = 0;

  wish->bitmap = given.bitmap == NULL || strcmp (given.bitmap, "none") != 0;
  if (given.bitmap != NULL && wish->bitmap
      && strcmp (given.bitmap, "internal") != 0)
    return usage ("bitmap", given.bitmap, "internal or none");
  if (given.bitmap_chunk == NULL)
    return true;
  if (!wish->bitmap)
    return usage ("bitmap-chunk", given.bitmap_chunk, "there is no bitmap");
  if (!render_parse_size (given.bitmap_chunk, &chunk) || chunk > UINT32_MAX
      || chunk < 4096 || !is_power_of_2 (chunk))
    return usage ("bitmap-chunk", given.bitmap_chunk,
                  "a power of two from 4K to 2G");
  wish->bitmap_chunk = (uint32_t)chunk;
  return true;
}

bool
create_parse_name (const char *name, struct create_wish *wish)
{
  if (name == NULL)
    name = "mirror";
  if (strlen (name) >= SB1_NAME_SIZE)
    return usage ("name", name, "longer than 31 bytes");
  if (!text_can_be_shown (name))
    return usage ("name", name, "has control characters, or bytes that are no "
                  "UTF-8");
  g_strlcpy (wish->name, name, sizeof wish->name);
  return true;
}

static bool
parse_wish (struct create_wish *wish, int members)
{
  const char *wrong;
  uint64_t size = 0;

  if (given.spares < 0 || given.spares > members - 2) {
    ctl_fail (EXIT_USAGE, "usage", "bad-option", "--spares=%d: a number that "
              "leaves two disks at least", given.spares);
    return false;
  }
  wish->spares = (unsigned)given.spares;
  wish->layout.slots = (unsigned)members - wish->spares;
  wish->assume_clean = given.assume_clean;
  if (!parse_layout (&wish->layout) || !parse_version (wish)
      || !parse_bitmap (wish))
    return false;
  wrong = layout_check (&wish->layout);
  if (wrong != NULL) {
    ctl_fail (EXIT_USAGE, "usage", "bad-layout", "the array %s", wrong);
    return false;
  }
  if (!create_parse_name (given.name, wish))
    return false;
  if (given.size != NULL
      && (!render_parse_size (given.size, &size) || size < SECTOR_SIZE))
    return usage ("size", given.size, "not a size");
  wish->size = size / SECTOR_SIZE;
  return true;
}

/* ---------------------------------------------------------------- the disks */

bool
create_check_apart (const struct create *create, unsigned slot)
{
  const struct member *member = create->member[slot];
  const char *shared;

  for (unsigned i = 0; i < slot; i++)
    if (create->member[i] != NULL
        && leg_compare (create->member[i]->disk.leg, member->disk.leg, &shared)
             == LEG_SAME) {
      ctl_fail (EXIT_REFUSED, member->path, "given-twice",
                "is the same disk as %s", create->member[i]->name);
      return false;
    }
  return true;
}

static int
look (struct create *create, unsigned slot)
{
  struct member *member = create->member[slot];
  int r;

  if (member->error != 0)
    return ctl_fail (disk_open_status (member->error), member->path,
                     "unusable", "%s", member->why);
  if (!create_check_apart (create, slot))
    return EXIT_REFUSED;
  /* The superblock at the end of the disk is behind all data. */
  create->wish.member_bytes[slot]
    = create->wish.version == SB1_VERSION_1_0 ? member->disk.exact_size
                                              : member->disk.size;
  create->wish.member_name[slot] = member->path;
  create->found[slot] = signature_find (member, &r);
  if (r < 0 && !given.force)
    return ctl_fail (EXIT_REFUSED, member->path, "unreadable", "cannot be "
                     "looked at for file systems; --force goes on all the "
                     "same");
  return EXIT_OK;
}

static int
open_members (struct create *create, char **names)
{
  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++) {
    int status;

    if (strcmp (names[slot], MISSING) == 0
        && slot >= create->wish.layout.slots)
      return ctl_fail (EXIT_USAGE, "usage", "bad-option", "a spare that is "
                       "missing is none");
    if (strcmp (names[slot], MISSING) == 0)
      continue;
    create->member[slot] = member_open (names[slot], true);
    status = look (create, slot);
    if (status != EXIT_OK)
      return status;
  }
  return EXIT_OK;
}

/* ------------------------------------------------------------------ command */

/* What is missing must not be all copies of something. */
static int
check_copies (const struct create *create)
{
  uint32_t groups[LEGS_MAX], present = 0;
  unsigned count = layout_groups (&create->plan.layout, groups);

  for (unsigned slot = 0; slot < create->wish.layout.slots; slot++)
    if (create->member[slot] != NULL)
      present |= UINT32_C (1) << slot;
  for (unsigned i = 0; i < count; i++)
    if (!(groups[i] & present))
      return ctl_fail (EXIT_REFUSED, create->wish.name, "too-few-disks",
                       "of some data all copies would be on missing disks");
  return EXIT_OK;
}

static int
check_used (const struct create *create)
{
  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++)
    if (create->found[slot] != NULL && !given.force)
      return ctl_fail (EXIT_REFUSED, create->member[slot]->path, "looks-used",
                       "there is something on it: %s; with --force that is "
                       "lost", create->found[slot]);
  return EXIT_OK;
}

static int
run (struct create *create, char **names)
{
  char why[MESSAGE_MAX];
  int status = open_members (create, names);
  bool go;

  if (status != EXIT_OK)
    return status;
  if (!create_plan (&create->wish, &create->plan, why))
    return ctl_fail (EXIT_REFUSED, create->wish.name, "no-plan", "%s", why);
  if (!ctl_options.json)
    create_print_plan (create);
  status = check_copies (create);
  if (status == EXIT_OK)
    status = check_used (create);
  if (status != EXIT_OK)
    return status;
  status = ctl_confirm (create->wish.name, &go);
  if (status != EXIT_OK)
    return status;
  if (go && !create_begin (create))
    return EXIT_REFUSED;
  if (go)
    status = create_write (create, "the array is not complete, create it again "
                           "with --force");
  if (status == EXIT_OK && ctl_options.json)
    create_print_json (create, go);
  else if (status == EXIT_OK && go)
    create_print_done (create);
  return status;
}

int
create_command (int argc, char **argv)
{
  struct create *create;
  int status;

  if (!ctl_parse (&argc, &argv, entries, "DISK|missing..."))
    return EXIT_USAGE;
  create = g_new0 (struct create, 1);
  if (argc - 1 < 2 || argc - 1 > LEGS_MAX)
    status = ctl_fail (EXIT_USAGE, "usage", "no-disk", "name 2 to %d disks",
                       LEGS_MAX);
  else if (!parse_wish (&create->wish, argc - 1))
    status = EXIT_USAGE;
  else
    status = run (create, argv + 1);
  for (unsigned slot = 0; slot < LEGS_MAX; slot++) {
    member_close (create->member[slot]);
    g_free (create->found[slot]);
  }
  g_free (create);
  return status;
}
