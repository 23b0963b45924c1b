/* SPDX-License-Identifier: BSD-3-Clause */
/* restore-file: the file that erase or adopt leaves and restore-metadata reads.
 *
 * It is a key file:
 *
 *   [disk]        format, size, name; sums of its name and identity; areas
 *   [member]      what the superblocks say, for people only
 *   [sample]      offsets and sums of blocks of the disk
 *   [area 0]      offset, sha256 and data (base64) of what was there
 *   [adopted]     only of adopt: what it made of the disk
 *   [end]         sha256 of all before it
 *
 * Files of format 1 had size and areas only, and no end.  Those of format 3 are
 * of adopt, whose areas are what lay where the metadata are now, if anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/restore.h"
#include "ground/log.h"
#include "ground/util.h"

#define FORMAT 2
#define FORMAT_ADOPTED 3
#define FILE_MAX (1024 * 1024) /* bytes: far more than one of ours has */
#define END "\n[end]\nsha256="

static char *
area_group (unsigned i)
{
  return g_strdup_printf ("area %u", i);
}

static void
put_area (GKeyFile *file, unsigned i, const struct restore_area *area)
{
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

static void
put_member (GKeyFile *file, const struct sb1 *sb)
{
  char *name = render_name (sb);
  char *role = render_role (sb);
  char *set = render_uuid (sb->set_uuid);
  char *device = render_uuid (sb->device_uuid);

  g_key_file_set_string (file, "member", "array", name);
  g_key_file_set_string (file, "member", "array_uuid", set);
  g_key_file_set_string (file, "member", "device_uuid", device);
  g_key_file_set_string (file, "member", "role", role);
  g_key_file_set_uint64 (file, "member", "events", sb->events);
  g_free (name);
  g_free (role);
  g_free (set);
  g_free (device);
}

static void
put_sample (GKeyFile *file, const struct restore *restore)
{
  for (unsigned i = 0; i < restore->samples; i++) {
    char *key = g_strdup_printf ("%" PRIu64, restore->sample[i].offset);

    g_key_file_set_string (file, "sample", key, restore->sample[i].sum);
    g_free (key);
  }
}

static void
put_adopted (GKeyFile *file, const struct restore_adopted *adopted)
{
  static const char group[] = "adopted";

  g_key_file_set_uint64 (file, group, "size", adopted->disk_size);
  g_key_file_set_uint64 (file, group, "sectors", adopted->sectors);
  g_key_file_set_string (file, group, "array_uuid", adopted->array_uuid);
  g_key_file_set_string (file, group, "device_uuid", adopted->device_uuid);
}

static char *
to_text (const struct restore *restore, gsize *ret_length)
{
  GKeyFile *file = g_key_file_new ();
  char *body, *sum, *text;

  g_key_file_set_comment (file, NULL, NULL, " nbdmirror restore-metadata FILE "
                          "DISK puts this back.", NULL);
  g_key_file_set_uint64 (file, "disk", "format",
                         restore->adopted.is ? FORMAT_ADOPTED : FORMAT);
  g_key_file_set_string (file, "disk", "name", restore->disk);
  g_key_file_set_string (file, "disk", "name_sha256", restore->name_sum);
  g_key_file_set_string (file, "disk", "identity_sha256",
                         restore->identity_sum);
  g_key_file_set_uint64 (file, "disk", "size", restore->disk_size);
  g_key_file_set_uint64 (file, "disk", "areas", restore->count);
  if (restore->adopted.is)
    put_adopted (file, &restore->adopted);
  else if (restore->verdict == SB1_GOOD)
    put_member (file, &restore->sb);
  put_sample (file, restore);
  for (unsigned i = 0; i < restore->count; i++)
    put_area (file, i, &restore->area[i]);
  body = g_key_file_to_data (file, NULL, NULL);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, body, -1);
  text = g_strconcat (body, END, sum, "\n", NULL);
  *ret_length = strlen (text);
  g_free (body);
  g_free (sum);
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

/* Two disks can have the same last part, and be erased in one second. */
char *
restore_new_path (const char *folder, const char *short_name)
{
  for (unsigned i = 0;; i++) {
    char *file
      = g_strdup_printf ("%s-%" PRId64 "%s%.0u.mdrestore", short_name,
                         (int64_t)time (NULL), i == 0 ? "" : "-", i);
    char *path;

    /* A URI's last part can hold anything, and so can a file's name. */
    g_strdelimit (file, "/?&:\\", '_');
    path = g_build_filename (folder, file, NULL);
    g_free (file);
    if (!g_file_test (path, G_FILE_TEST_EXISTS))
      return path;
    g_free (path);
  }
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
get_sum (GKeyFile *file, const char *group, const char *key, char *ret)
{
  char *text = g_key_file_get_string (file, group, key, NULL);
  bool good = text != NULL && strlen (text) == RESTORE_SUM_SIZE - 1;

  if (good)
    g_strlcpy (ret, text, RESTORE_SUM_SIZE);
  g_free (text);
  return good;
}

static bool
load_sample (GKeyFile *file, struct restore *ret)
{
  gsize count = 0;
  char **keys = g_key_file_get_keys (file, "sample", &count, NULL);
  bool good = count <= RESTORE_SAMPLES_MAX;

  for (gsize i = 0; i < count && good; i++) {
    struct restore_sample *sample = &ret->sample[i];

    good = g_ascii_string_to_unsigned (keys[i], 10, 0, ret->disk_size - 1,
                                       &sample->offset, NULL)
           && get_sum (file, "sample", keys[i], sample->sum);
    ret->samples++;
  }
  g_strfreev (keys);
  return good;
}

static bool
load_disk (GKeyFile *file, struct restore *ret)
{
  ret->knows_disk = true;
  ret->disk = g_key_file_get_string (file, "disk", "name", NULL);
  return ret->disk != NULL
         && get_sum (file, "disk", "name_sha256", ret->name_sum)
         && get_sum (file, "disk", "identity_sha256", ret->identity_sum)
         && load_sample (file, ret);
}

static bool
get_uuid (GKeyFile *file, const char *key, char *ret, size_t size)
{
  char *text = g_key_file_get_string (file, "adopted", key, NULL);
  bool good = text != NULL && strlen (text) < size;

  if (good)
    g_strlcpy (ret, text, size);
  g_free (text);
  return good;
}

static bool
load_adopted (GKeyFile *file, struct restore_adopted *ret)
{
  ret->is = true;
  ret->disk_size = g_key_file_get_uint64 (file, "adopted", "size", NULL);
  ret->sectors = g_key_file_get_uint64 (file, "adopted", "sectors", NULL);
  return ret->disk_size > 0 && ret->sectors > 0
         && get_uuid (file, "array_uuid", ret->array_uuid,
                      sizeof ret->array_uuid)
         && get_uuid (file, "device_uuid", ret->device_uuid,
                      sizeof ret->device_uuid);
}

/* What comes before it is as it was written. */
static bool
has_good_end (const char *text)
{
  const char *end = g_strrstr (text, END);
  char *sum;
  bool good;

  if (end == NULL)
    return false;
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, end - text);
  good = g_str_has_prefix (end + strlen (END), sum);
  g_free (sum);
  return good;
}

static bool
load_areas (GKeyFile *file, struct restore *ret)
{
  uint64_t count = g_key_file_get_uint64 (file, "disk", "areas", NULL);
  uint64_t max = ret->adopted.is ? RESTORE_AREAS_MAX : SB1_VERSIONS;

  if ((count == 0 && !ret->adopted.is) || count > max)
    return false;
  ret->count = (unsigned)count;
  for (unsigned i = 0; i < count; i++)
    if (!load_area (file, i, ret->disk_size, &ret->area[i]))
      return false;
  return true;
}

/* NULL, or what is wrong. */
static const char *
parse (const char *text, struct restore *ret)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  static const char *const not_whole = "is not a whole restore file";
  uint64_t format;

  if (!g_key_file_load_from_data (file, text, strlen (text), G_KEY_FILE_NONE,
                                  NULL)
      || !g_key_file_has_group (file, "disk"))
    return not_whole;
  format = g_key_file_get_uint64 (file, "disk", "format", NULL);
  if (format > FORMAT_ADOPTED)
    return "was written by a newer version: use that one";
  ret->disk_size = g_key_file_get_uint64 (file, "disk", "size", NULL);
  if (ret->disk_size == 0
      || (format == FORMAT_ADOPTED && !load_adopted (file, &ret->adopted))
      || !load_areas (file, ret)
      || (format >= FORMAT && (!has_good_end (text) || !load_disk (file, ret))))
    return not_whole;
  if (!ret->adopted.is && !restore_know_member (ret))
    return "holds something else than md superblocks, or for other places";
  return NULL;
}

/* NULL: told.  Never waits, and never reads without end. */
static char *
read_text (const char *path)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  int error = fd == -1 ? -errno : 0;
  struct stat status;
  char *text = NULL;

  if (error == 0 && fstat (fd, &status) == -1)
    error = -errno;
  if (error < 0)
    ctl_fail (EXIT_REFUSED, path, "unreadable", "%s", log_strerror (error));
  else if (!S_ISREG (status.st_mode) || status.st_size > FILE_MAX)
    ctl_fail (EXIT_REFUSED, path, "damaged", "is not a restore file");
  else {
    ssize_t length;

    text = g_malloc0 (FILE_MAX + 1);
    length = pread (fd, text, FILE_MAX, 0);
    if (length == -1) {
      ctl_fail (EXIT_REFUSED, path, "unreadable", "%s", log_strerror (-errno));
      g_clear_pointer (&text, g_free);
    }
  }
  if (fd != -1)
    close (fd);
  return text;
}

bool
restore_load (const char *path, struct restore *ret)
{
  char *text = read_text (path);
  const char *wrong;

  if (text == NULL)
    return false;
  wrong = parse (text, ret);
  g_free (text);
  if (wrong != NULL)
    ctl_fail (EXIT_REFUSED, path, "damaged", "%s", wrong);
  return wrong == NULL;
}
