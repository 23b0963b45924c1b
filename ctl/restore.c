/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror restore-metadata: put back what erase took away.
 *
 * The file is a key file:
 *
 *   [disk]        size, areas
 *   [area 0]      offset, sha256 and data (base64) of what was there
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/disk.h"
#include "ctl/render.h"
#include "ctl/restore.h"
#include "ground/log.h"
#include "ground/util.h"

static char *
area_group (unsigned i)
{
  return g_strdup_printf ("area %u", i);
}

static char *
to_text (const struct restore *restore, gsize *ret_length)
{
  GKeyFile *file = g_key_file_new ();
  char *text;

  g_key_file_set_comment (file, NULL, NULL, " nbdmirror restore-metadata FILE "
                          "DISK puts this back.", NULL);
  g_key_file_set_uint64 (file, "disk", "size", restore->disk_size);
  g_key_file_set_uint64 (file, "disk", "areas", restore->count);
  for (unsigned i = 0; i < restore->count; i++) {
    const struct restore_area *area = &restore->area[i];
    char *group = area_group (i);
    char *data = g_base64_encode (area->bytes, area->length);
    char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, area->bytes,
                                             area->length);

    g_key_file_set_uint64 (file, group, "offset", area->offset);
    g_key_file_set_string (file, group, "sha256", sum);
    g_key_file_set_string (file, group, "data", data);
    g_free (group);
    g_free (data);
    g_free (sum);
  }
  text = g_key_file_to_data (file, ret_length, NULL);
  g_key_file_free (file);
  return text;
}

/* 0 or -errno. */
static int
write_all (int fd, const char *text, gsize length)
{
  while (length > 0) {
    ssize_t r = write (fd, text, length);

    if (r == -1 && errno != EINTR)
      return -errno;
    if (r > 0) {
      text += r;
      length -= (gsize)r;
    }
  }
  return fsync (fd) == 0 ? 0 : -errno;
}

/* A new file's name is a part of its folder.  0 or -errno. */
static int
sync_folder (const char *path)
{
  char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int r = fd != -1 && fsync (fd) == 0 ? 0 : -errno;

  if (fd != -1)
    close (fd);
  g_free (folder);
  /* Some file systems have no such thing. */
  return r == -EINVAL ? 0 : r;
}

int
restore_save (const struct restore *restore, const char *path)
{
  gsize length;
  char *text = to_text (restore, &length);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int r = fd == -1 ? -errno : write_all (fd, text, length);

  if (fd != -1 && close (fd) == -1 && r == 0)
    r = -errno;
  if (r == 0)
    r = sync_folder (path);
  /* Half a file is of no use to anybody. */
  if (r < 0 && fd != -1)
    unlink (path);
  g_free (text);
  return r;
}

/* ------------------------------------------------------------------ reading */

static bool
load_area (GKeyFile *file, unsigned i, uint64_t disk_size,
           struct restore_area *ret)
{
  char *group = area_group (i);
  char *data = g_key_file_get_string (file, group, "data", NULL);
  char *wanted = g_key_file_get_string (file, group, "sha256", NULL);
  GError *error = NULL;
  guchar *bytes = NULL;
  gsize length = 0;
  char *sum = NULL;
  bool good = false;

  ret->offset = g_key_file_get_uint64 (file, group, "offset", &error);
  if (data != NULL)
    bytes = g_base64_decode (data, &length);
  if (bytes != NULL)
    sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, length);
  good = error == NULL && sum != NULL && wanted != NULL
         && strcmp (sum, wanted) == 0 && length > 0
         && length <= sizeof ret->bytes && ret->offset <= disk_size
         && length <= disk_size - ret->offset;
  if (good) {
    memcpy (ret->bytes, bytes, length);
    ret->length = (uint32_t)length;
  }
  g_clear_error (&error);
  g_free (group);
  g_free (data);
  g_free (wanted);
  g_free (bytes);
  g_free (sum);
  return good;
}

static bool
load (const char *path, struct restore *ret)
{
  GKeyFile *file = g_key_file_new ();
  GError *error = NULL;
  bool good = g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error);
  uint64_t count = 0;

  if (!good)
    ctl_fail (EXIT_REFUSED, path, "unreadable", "%s", error->message);
  else {
    ret->disk_size = g_key_file_get_uint64 (file, "disk", "size", NULL);
    count = g_key_file_get_uint64 (file, "disk", "areas", NULL);
    good = count >= 1 && count <= G_N_ELEMENTS (ret->area);
    for (unsigned i = 0; good && i < count; i++)
      good = load_area (file, i, ret->disk_size, &ret->area[i]);
    if (!good)
      ctl_fail (EXIT_REFUSED, path, "damaged", "is not a whole restore file");
  }
  ret->count = (unsigned)count;
  g_clear_error (&error);
  g_key_file_free (file);
  return good;
}

/* ------------------------------------------------------------------ command */

/* Only where erase left zeroes, so that a newer superblock survives. */
static int
check_erased (struct disk *disk, const struct restore_area *area)
{
  uint8_t now[SB1_BLOCK_SIZE];
  int r = disk_read (disk, now, area->length, area->offset);

  if (r < 0)
    return ctl_fail (EXIT_REFUSED, disk->path, "read-failed", "%s",
                     log_strerror (r));
  for (uint32_t i = 0; i < area->length; i++)
    if (now[i] != 0)
      return ctl_fail (EXIT_REFUSED, disk->path, "looks-used", "has been "
                       "written at byte %" PRIu64 " since; --force puts the "
                       "old bytes there all the same", area->offset + i);
  return EXIT_OK;
}

static int
put_back (struct disk *disk, const struct restore *restore, bool force)
{
  g_autofree char *name = render_text (disk->path);
  int status = EXIT_OK, r = 0;
  bool go;

  if (disk->size != restore->disk_size)
    return ctl_fail (EXIT_REFUSED, disk->path, "size-differs", "has %" PRIu64
                     " bytes, the disk that was erased had %" PRIu64,
                     disk->size, restore->disk_size);
  for (unsigned i = 0; i < restore->count && !force; i++) {
    status = check_erased (disk, &restore->area[i]);
    if (status != EXIT_OK)
      return status;
  }
  for (unsigned i = 0; i < restore->count && !ctl_options.json; i++)
    printf ("%s: %" PRIu32 " bytes at byte %" PRIu64 " will be put back\n",
            name, restore->area[i].length, restore->area[i].offset);
  status = ctl_confirm (disk->path, &go);
  if (status != EXIT_OK || !go)
    return status;
  for (unsigned i = 0; i < restore->count && r == 0; i++)
    r = disk_write (disk, restore->area[i].bytes, restore->area[i].length,
                    restore->area[i].offset);
  if (r == 0)
    r = disk_flush (disk);
  if (r < 0)
    return ctl_fail (EXIT_REFUSED, disk->path, "write-failed", "%s",
                     log_strerror (r));
  if (!ctl_options.json)
    printf ("%s: put back\n", name);
  return EXIT_OK;
}

int
restore_command (int argc, char **argv)
{
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "force", 0, 0, G_OPTION_ARG_NONE, &force,
      "Even where the disk was written since", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  struct restore *restore;
  struct disk disk;
  char why[MESSAGE_MAX];
  int status, r;

  if (!ctl_parse (&argc, &argv, entries, "FILE DISK"))
    return EXIT_USAGE;
  if (argc != 3)
    return ctl_fail (EXIT_USAGE, "usage", "no-disk",
                     "name the restore file and the disk");
  restore = g_new0 (struct restore, 1);
  status = EXIT_REFUSED;
  if (load (argv[1], restore)) {
    r = disk_open (argv[2], true, &disk, why);
    if (r < 0)
      status = ctl_fail (disk_open_status (r), argv[2], "unusable", "%s", why);
    else {
      status = put_back (&disk, restore, force);
      disk_close (&disk);
    }
  }
  g_free (restore);
  return status;
}
