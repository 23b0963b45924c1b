/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror restore-metadata: put back what erase took away, where it was.  What
 * adopt did is undone in adopt-undo.c.
 *
 * A superblock on another disk claims data for an array that are none of its,
 * so whatever speaks against this disk is a refusal, until --force.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/member.h"
#include "ctl/render.h"
#include "ctl/restore.h"
#include "ground/log.h"
#include "ground/util.h"

/* What speaks against it. */
struct doubt {
  const char *code; /* or NULL: nothing */
  char *text;
};

/* It is a member again, or still. */
static char *
describe_present (const struct restore *restore, const struct member *member)
{
  g_autofree char *role = NULL, *name = NULL, *uuid = NULL;
  const char *age = "";

  if (!member_has_sb (member))
    return g_strdup ("has an md superblock already");
  role = render_role (&member->md.sb);
  name = render_name (&member->md.sb);
  uuid = render_uuid (member->md.sb.set_uuid);
  if (restore->verdict == SB1_GOOD
      && memcmp (restore->sb.set_uuid, member->md.sb.set_uuid, 16) == 0
      && member->md.sb.events > restore->sb.events)
    age = ": newer than what the file has";
  return g_strdup_printf ("has an md superblock: %s of array %s, uuid %s, "
                          "events %" PRIu64 "%s", role, name, uuid,
                          member->md.sb.events, age);
}

/* Only where erase left zeroes.  0, or -errno of reading. */
static int
find_written (struct disk *disk, const struct restore *restore,
              struct doubt *ret)
{
  for (unsigned i = 0; i < restore->count; i++) {
    const struct restore_area *area = &restore->area[i];
    uint8_t now[SB1_BLOCK_SIZE];
    int r = disk_read (disk, now, area->length, area->offset);

    if (r < 0)
      return r;
    for (uint32_t j = 0; j < area->length; j++)
      if (now[j] != 0) {
        ret->code = "looks-used";
        ret->text = g_strdup_printf ("has been written at byte %" PRIu64
                                     " since", area->offset + j);
        return 0;
      }
  }
  return 0;
}

static int
find_doubt (struct member *member, const struct restore *restore,
            struct doubt *ret)
{
  struct disk *disk = &member->disk;
  uint64_t offset;
  int r;

  if (member->md.verdict != SB1_NONE) {
    ret->code = "looks-used";
    ret->text = describe_present (restore, member);
    return 0;
  }
  r = find_written (disk, restore, ret);
  if (r < 0 || ret->code != NULL)
    return r;
  ret->code = "another-disk";
  if (!restore->knows_disk)
    ret->text = g_strdup ("may be another disk: the file is of an old version "
                          "and does not know from which disk it is");
  else if (restore_sample_differs (restore, disk, &offset))
    ret->text = g_strdup_printf ("is another disk than %s was, or has been "
                                 "written since: it differs at byte %" PRIu64,
                                 restore->disk, offset);
  else if (!restore_is_named_alike (restore, disk))
    ret->text = g_strdup_printf ("looks like %s, from which the file is, but "
                                 "other copies of its data do so, too",
                                 restore->disk);
  else
    ret->code = NULL;
  return 0;
}

static void
print_plan (const struct member *member, const struct restore *restore,
            const struct doubt *doubt)
{
  g_autofree char *whose = restore_describe_member (restore);

  printf ("%s: becomes %s\n", member->name, whose);
  if (restore->knows_disk) {
    g_autofree char *disk = render_text (restore->disk);

    printf ("  erased from %s\n", disk);
  }
  for (unsigned i = 0; i < restore->count; i++)
    printf ("  %" PRIu32 " bytes at byte %" PRIu64 " will be put back\n",
            restore->area[i].length, restore->area[i].offset);
  if (doubt->code != NULL) {
    g_autofree char *text = render_text (doubt->text);

    printf ("  BY FORCE: the disk %s\n", text);
  }
}

static void
print_json (const struct member *member, const struct restore *restore,
            const struct doubt *doubt, bool restored)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_bool (builder, "restored", restored);
  render_json_string (builder, "disk", member->path);
  render_json_int (builder, "superblocks", restore->count);
  render_json_string (builder, "erased_from", restore->disk);
  render_json_string (builder, "doubt", doubt->text);
  if (restore->verdict == SB1_GOOD) {
    g_autofree char *set = render_uuid (restore->sb.set_uuid);
    g_autofree char *device = render_uuid (restore->sb.device_uuid);
    g_autofree char *role = render_role (&restore->sb);

    render_json_string (builder, "uuid", set);
    render_json_string (builder, "device_uuid", device);
    render_json_string (builder, "role", role);
    render_json_int (builder, "events", restore->sb.events);
  }
  json_builder_end_object (builder);
  render_json_print (builder);
}

static int
refuse (const struct member *member, const struct restore *restore,
        const struct doubt *doubt)
{
  g_autofree char *whose = restore_describe_member (restore);

  return ctl_fail (EXIT_REFUSED, member->path, doubt->code, "%s; nothing was "
                   "written; --force makes it %s all the same", doubt->text,
                   whose);
}

static int
put_back (struct member *member, const struct restore *restore, bool force,
          struct doubt *doubt)
{
  int status = EXIT_OK, r;
  bool go;

  if (member->error != 0)
    return ctl_fail (disk_open_status (member->error), member->path,
                     "unusable", "%s", member->why);
  if (member->disk.exact_size != restore->disk_size)
    return ctl_fail (EXIT_REFUSED, member->path, "size-differs", "has %" PRIu64
                     " bytes, the disk that was erased had %" PRIu64,
                     member->disk.exact_size, restore->disk_size);
  r = find_doubt (member, restore, doubt);
  if (r < 0)
    return ctl_fail (EXIT_REFUSED, member->path, "read-failed", "%s",
                     log_strerror (r));
  if (doubt->code != NULL && !force)
    return refuse (member, restore, doubt);
  if (!ctl_options.json)
    print_plan (member, restore, doubt);
  status = ctl_confirm (member->path, &go);
  if (status == EXIT_OK && go)
    status = disk_finish (&member->disk,
                          restore_write_areas (restore, &member->disk));
  if (status == EXIT_OK && ctl_options.json)
    print_json (member, restore, doubt, go);
  else if (status == EXIT_OK && go)
    printf ("%s: put back\n", member->name);
  return status;
}

int
restore_command (int argc, char **argv)
{
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "force", 0, 0, G_OPTION_ARG_NONE, &force,
      "Restore though the disk may be another, or written", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct doubt doubt = { NULL, NULL };
  struct restore *restore;
  int status = EXIT_REFUSED;

  if (!ctl_parse (&argc, &argv, entries, "FILE DISK"))
    return EXIT_USAGE;
  if (argc != 3)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk",
                     "name the restore file and the disk");
  restore = g_new0 (struct restore, 1);
  if (restore_load (argv[1], restore)) {
    struct member *member = member_open (argv[2], true);

    if (restore->adopted.is)
      status = restore_adopted (member, restore, force);
    else
      status = put_back (member, restore, force, &doubt);
    member_close (member);
  }
  g_free (doubt.text);
  g_free (restore->disk);
  g_free (restore);
  return status;
}
