/* SPDX-License-Identifier: BSD-3-Clause */
/* signature: does a disk look used?
 *
 * libblkid knows what file systems, volumes and partition tables look like,
 * but only in files.  It gets one in memory: as large as the disk, full of
 * holes, with the disk's two ends, where all these things have their
 * signatures.  So it can look at NBD exports too.
 */
#include <blkid.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/render.h"
#include "ctl/signature.h"
#include "ground/util.h"

#define END_SIZE (2u * 1024 * 1024)

static int
copy_range (struct disk *disk, int fd, uint64_t offset, uint64_t length)
{
  uint8_t *buffer = g_malloc (length);
  int r = disk_read (disk, buffer, length, offset);

  if (r == 0
      && pwrite (fd, buffer, length, (off_t)offset) != (ssize_t)length)
    r = errno != 0 ? -errno : -EIO;
  g_free (buffer);
  return r;
}

/* A file descriptor, or -errno. */
static int
copy_ends (struct disk *disk)
{
  uint64_t length = MIN (disk->size, (uint64_t)END_SIZE);
  int fd = memfd_create ("disk", MFD_CLOEXEC);
  int r = 0;

  if (fd == -1)
    return -errno;
  if (ftruncate (fd, (off_t)disk->size) == -1)
    r = -errno;
  if (r == 0)
    r = copy_range (disk, fd, 0, length);
  if (r == 0)
    r = copy_range (disk, fd, disk->size - length, length);
  if (r < 0)
    close (fd);
  return r < 0 ? r : fd;
}

static void
add (GString *found, const char *what, const char *kind)
{
  g_string_append_printf (found, "%s%s%s", found->len > 0 ? ", " : "", what,
                          kind);
}

static int
probe (int fd, uint64_t size, GString *found)
{
  blkid_probe probe = blkid_new_probe ();
  const char *value;
  int r = -EIO;

  if (probe == NULL)
    return -ENOMEM;
  if (blkid_probe_set_device (probe, fd, 0, (blkid_loff_t)size) != 0)
    goto done;
  blkid_probe_enable_superblocks (probe, 1);
  blkid_probe_set_superblocks_flags (probe, BLKID_SUBLKS_TYPE
                                              | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions (probe, 1);
  while ((r = blkid_do_probe (probe)) == 0) {
    if (blkid_probe_lookup_value (probe, "TYPE", &value, NULL) == 0
        && strcmp (value, "linux_raid_member") != 0)
      add (found, value, " (file system or volume)");
    if (blkid_probe_lookup_value (probe, "PTTYPE", &value, NULL) == 0)
      add (found, value, " partition table");
  }
  r = r == 1 ? 0 : -EIO;
done:
  blkid_free_probe (probe);
  return r;
}

/* Our own look says more about md than blkid's. */
static void
add_md (const struct member *member, GString *found)
{
  char *uuid;

  if (member->verdict == SB1_NONE)
    return;
  if (!member_has_sb (member)) {
    add (found, "md superblock of version 0.90", "");
    return;
  }
  uuid = render_uuid (member->sb.set_uuid);
  add (found, "member of md array ", uuid);
  g_free (uuid);
}

char *
signature_find (struct member *member, int *ret_error)
{
  GString *found = g_string_new (NULL);
  int fd = copy_ends (&member->disk);

  *ret_error = MIN (fd, 0);
  add_md (member, found);
  if (fd >= 0) {
    *ret_error = probe (fd, member->disk.size, found);
    close (fd);
  }
  if (found->len > 0)
    return g_string_free (found, FALSE);
  g_string_free (found, TRUE);
  return NULL;
}
