/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror erase: erase the md superblocks of disks, and nothing else.
 *
 * What is erased is first saved to a file, on stable storage, that
 * restore-metadata puts back.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/member.h"
#include "ctl/render.h"
#include "ctl/restore.h"
#include "ctl/streams.h"
#include "ground/log.h"
#include "ground/util.h"

struct erasure {
  struct member *member;
  struct restore restore;
  bool leaves_some; /* other versions, which were not to be erased */
  char *file; /* where it was saved, or NULL */
};

/* Whatever might be taken for a superblock, damaged ones too; all, or only
 * that of version @only.
 */
static int
find (struct erasure *erasure, enum sb1_version only)
{
  struct disk *disk = &erasure->member->disk;
  struct restore *restore = &erasure->restore;

  restore->disk_size = disk->exact_size;
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    struct restore_area *area = &restore->area[restore->count];
    int r;

    if (!sb1_offset (version, disk->exact_size, &area->offset))
      continue;
    area->length
      = (uint32_t)MIN ((uint64_t)SB1_BLOCK_SIZE, disk->size - area->offset);
    r = disk_read (disk, area->bytes, area->length, area->offset);
    if (r < 0)
      return ctl_fail (EXIT_REFUSED, disk->path, "read-failed", "%s",
                       log_strerror (r));
    if (!sb1_recognise (version, area->bytes))
      continue;
    if (only == SB1_VERSIONS || only == version)
      restore->count++;
    else
      erasure->leaves_some = true;
  }
  if (!restore_know_member (restore))
    g_assert_not_reached (); /* that is how they were found */
  return EXIT_OK;
}

static void
print_plan (const struct erasure *erasure, enum sb1_version only)
{
  const struct member *member = erasure->member;
  const struct restore *restore = &erasure->restore;
  bool sound = restore->verdict == SB1_GOOD;
  char *uuid = NULL;

  if (restore->count == 0) {
    printf ("%s: has no md superblock%s%s\n", member->name,
            only == SB1_VERSIONS ? "" : " of version ",
            only == SB1_VERSIONS ? "" : sb1_version_name (only));
    return;
  }
  if (sound)
    uuid = render_uuid (restore->sb.set_uuid);
  printf ("%s: %s %s%s will be erased (%u superblock%s)%s\n", member->name,
          "member of array", sound ? uuid : "(unknown)",
          sound ? "" : " (not a sound one)", restore->count,
          restore->count == 1 ? "" : "s",
          erasure->leaves_some ? "; another version stays" : "");
  g_free (uuid);
}

static int
save (struct erasure *erasure, const char *folder)
{
  const struct member *member = erasure->member;
  char *path = restore_new_path (folder, member->short_name);
  char *file_word = render_word (path);
  char *disk_word = render_word (member->path);
  int r = restore_save (&erasure->restore, path);
  int status = EXIT_OK;

  if (r < 0)
    status = ctl_fail (EXIT_REFUSED, member->path, "no-backup", "%s: %s; "
                       "nothing was erased here (--no-backup does without)",
                       path, log_strerror (r));
  else if (!ctl_options.json)
    printf ("%s: to undo it: nbdmirror restore-metadata %s%s %s\n",
            member->name, erasure->leaves_some ? "--force " : "", file_word,
            disk_word);
  erasure->file = path;
  g_free (file_word);
  g_free (disk_word);
  return status;
}

static int
wipe (struct erasure *erasure)
{
  static const uint8_t zeroes[SB1_BLOCK_SIZE];
  struct disk *disk = &erasure->member->disk;
  int r = 0;

  for (unsigned i = 0; i < erasure->restore.count && r == 0; i++)
    r = disk_write (disk, zeroes, erasure->restore.area[i].length,
                    erasure->restore.area[i].offset);
  return disk_finish (disk, r);
}

static int
look_at_all (struct erasure *erasures, unsigned count, enum sb1_version only,
             unsigned *ret_found)
{
  for (unsigned i = 0; i < count; i++) {
    struct member *member = erasures[i].member;
    int status;

    if (member->error != 0)
      return ctl_fail (disk_open_status (member->error), member->path,
                       "unusable", "%s", member->why);
    status = find (&erasures[i], only);
    if (status != EXIT_OK)
      return status;
    *ret_found += erasures[i].restore.count;
    if (!ctl_options.json)
      print_plan (&erasures[i], only);
  }
  return EXIT_OK;
}

static void
print_json (const struct erasure *erasures, unsigned count, bool erased)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_bool (builder, "erased", erased);
  json_builder_set_member_name (builder, "disks");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < count; i++) {
    json_builder_begin_object (builder);
    render_json_string (builder, "disk", erasures[i].member->path);
    render_json_int (builder, "superblocks", erasures[i].restore.count);
    render_json_string (builder, "restore_file", erasures[i].file);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}

static int
erase_all (struct erasure *erasures, unsigned count, const char *folder,
           bool backup)
{
  int status = EXIT_OK;

  for (unsigned i = 0; i < count && status == EXIT_OK; i++) {
    if (erasures[i].restore.count == 0)
      continue;
    if (backup) {
      restore_know_disk (&erasures[i].restore, &erasures[i].member->disk);
      status = save (&erasures[i], folder);
    }
    if (status == EXIT_OK && !streams_flush ("the last disk was not erased"))
      status = EXIT_REFUSED;
    if (status == EXIT_OK)
      status = wipe (&erasures[i]);
  }
  return status;
}

int
erase_command (int argc, char **argv)
{
  gboolean no_backup = FALSE, error_if_unchanged = FALSE;
  enum sb1_version only = SB1_VERSIONS;
  char *folder = NULL, *metadata = NULL;
  const GOptionEntry entries[] = {
    { "metadata", 'e', 0, G_OPTION_ARG_STRING, &metadata,
      "Only 0.90, 1.0, 1.1 or 1.2 (default all)", "VERSION" },
    { "backup-dir", 0, 0, G_OPTION_ARG_FILENAME, &folder,
      "Directory for the restore files (default .)", "DIRECTORY" },
    { "no-backup", 0, 0, G_OPTION_ARG_NONE, &no_backup,
      "Keep no restore file", NULL },
    { "error-if-unchanged", 0, 0, G_OPTION_ARG_NONE, &error_if_unchanged,
      "Exit with 10 if there is nothing to erase", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct erasure *erasures;
  unsigned count, found = 0;
  int status;
  bool go = false;

  if (!ctl_parse (&argc, &argv, entries, "DISK..."))
    return EXIT_USAGE;
  if (argc < 2)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk", "name the disks");
  if (metadata != NULL && !sb1_version_by_name (metadata, &only))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--metadata=%s: 0.90, 1.0, 1.1 or 1.2", metadata);
  count = (unsigned)argc - 1;
  erasures = g_new0 (struct erasure, count);
  for (unsigned i = 0; i < count; i++)
    erasures[i].member = member_open (argv[i + 1], true);
  status = look_at_all (erasures, count, only, &found);
  if (status == EXIT_OK && found > 0)
    status = ctl_confirm (argv[1], &go);
  if (go)
    status = erase_all (erasures, count, folder == NULL ? "." : folder,
                        !no_backup);
  if (status == EXIT_OK && ctl_options.json)
    print_json (erasures, count, go);
  if (status == EXIT_OK && found == 0 && error_if_unchanged)
    status = EXIT_UNCHANGED;
  for (unsigned i = 0; i < count; i++) {
    member_close (erasures[i].member);
    g_free (erasures[i].restore.disk);
    g_free (erasures[i].file);
  }
  g_free (erasures);
  g_free (folder);
  g_free (metadata);
  return status;
}
