/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt-undo: make a member that adopt made what it was before.
 *
 * A file that was made longer gets its old length back, and with that the
 * metadata are gone.  On others what lay there is put back.  The data stay as
 * they are now.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/member.h"
#include "ctl/render.h"
#include "ctl/restore.h"

static bool
was_extended (const struct restore *restore)
{
  return restore->adopted.disk_size > restore->disk_size;
}

/* What speaks against it, or NULL; to be freed. */
static char *
find_doubt (const struct member *member, const struct restore *restore)
{
  const struct sb1 *sb = &member->md.sb;
  g_autofree char *array = NULL, *device = NULL;

  if (member->md.verdict == SB1_NONE
      && restore_is_named_alike (restore, &member->disk))
    return NULL; /* it was erased, or never written */
  if (!member_has_sb (member))
    return g_strdup ("may be another disk: it has no superblock to know it by, "
                     "and another name");
  array = render_uuid (sb->set_uuid);
  device = render_uuid (sb->device_uuid);
  if (strcmp (array, restore->adopted.array_uuid) == 0
      && strcmp (device, restore->adopted.device_uuid) == 0)
    return NULL;
  return g_strdup_printf ("is a member of array %s, device uuid %s, and not "
                          "the one that was adopted", array, device);
}

/* What no force helps against. */
static int
check (const struct member *member, const struct restore *restore)
{
  if (member->error != 0)
    return ctl_fail (disk_open_status (member->error), member->path,
                     "unusable", "%s", member->why);
  if (member->disk.exact_size != restore->adopted.disk_size)
    return ctl_fail (EXIT_REFUSED, member->path, "size-differs", "has %" PRIu64
                     " bytes, the disk that was adopted had %" PRIu64
                     " afterwards", member->disk.exact_size,
                     restore->adopted.disk_size);
  if (was_extended (restore) && !disk_can_resize (&member->disk))
    return ctl_fail (EXIT_REFUSED, member->path, "no-file",
                     "is no file that could be made shorter again");
  if (member_has_sb (member)
      && member->md.sb.size != restore->adopted.sectors)
    return ctl_fail (EXIT_REFUSED, member->path, "resized", "the array has "
                     "another size now than it was made with, so its data do "
                     "not end where they did");
  return EXIT_OK;
}

static void
print_plan (const struct member *member, const struct restore *restore,
            const char *doubt)
{
  if (was_extended (restore))
    printf ("%s: no member any more; cut from %" PRIu64 " to %" PRIu64
            " bytes, as it was\n", member->name, restore->adopted.disk_size,
            restore->disk_size);
  else
    printf ("%s: no member any more; the last %u blocks of metadata become "
            "what they were\n", member->name, restore->count);
  printf ("  its data stay as they are now\n");
  if (doubt != NULL)
    printf ("  BY FORCE: the disk %s\n", doubt);
}

static void
print_json (const struct member *member, const struct restore *restore,
            const char *doubt, bool restored)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_bool (builder, "restored", restored);
  render_json_string (builder, "disk", member->path);
  render_json_int (builder, "size", restore->disk_size);
  render_json_string (builder, "adopted_from", restore->disk);
  render_json_string (builder, "doubt", doubt);
  json_builder_end_object (builder);
  render_json_print (builder);
}

static int
undo (struct member *member, const struct restore *restore)
{
  struct disk *disk = &member->disk;
  int r = restore_write_areas (restore, disk);

  if (r == 0 && was_extended (restore))
    r = disk_resize (disk, restore->disk_size);
  return disk_finish (disk, r);
}

int
restore_adopted (struct member *member, const struct restore *restore,
                 bool force)
{
  g_autofree char *doubt = NULL;
  int status = check (member, restore);
  bool go;

  if (status != EXIT_OK)
    return status;
  doubt = find_doubt (member, restore);
  if (doubt != NULL && !force)
    return ctl_fail (EXIT_REFUSED, member->path, "another-disk", "%s; nothing "
                     "was written; --force goes on all the same", doubt);
  if (!ctl_options.json)
    print_plan (member, restore, doubt);
  status = ctl_confirm (member->path, &go);
  if (status == EXIT_OK && go)
    status = undo (member, restore);
  if (status == EXIT_OK && ctl_options.json)
    print_json (member, restore, doubt, go);
  else if (status == EXIT_OK && go)
    printf ("%s: as it was\n", member->name);
  return status;
}
