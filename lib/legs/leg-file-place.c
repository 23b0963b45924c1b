/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-place: what lies below a block device, so that one disk is not used
 * twice under two names.
 *
 *   partition     a range of its whole disk       /sys/dev/block/M:m/start
 *   loop device   a range of its backing file     LOOP_GET_STATUS64, or
 *                                                 /sys/dev/block/M:m/loop/
 *   dm, md, ...   somewhere on each of its slaves /sys/dev/block/M:m/slaves/
 *
 * and so on downwards.  What cannot be found out is left out: then the devices
 * count as different.  Reads sysfs, opens no device, changes nothing.
 */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ground/util.h"
#include "legs/leg-file-internal.h"

#define DEPTH_MAX 8

/* A range of a device, on the way down. */
struct range {
  dev_t device;
  uint64_t start, end;
  bool is_exact; /* else it is somewhere in it */
  int fd;        /* open on the device, or a partition of it; -1: not open */
};

static void descend (struct leg *leg, const struct range *range,
                     unsigned depth);

/* One word or line of the device's folder in sysfs. */
static bool
read_text (dev_t device, const char *what, char *ret, size_t size)
{
  char path[PATH_MAX];
  FILE *stream;
  bool got;

  snprintf (path, sizeof path, "/sys/dev/block/%u:%u/%s", major (device),
            minor (device), what);
  stream = fopen (path, "re");
  if (stream == NULL)
    return false;
  got = fgets (ret, size, stream) != NULL;
  fclose (stream);
  if (got)
    ret[strcspn (ret, "\n")] = '\0';
  return got;
}

static bool
read_number (dev_t device, const char *what, uint64_t *ret)
{
  char text[32];

  return read_text (device, what, text, sizeof text)
         && sscanf (text, "%" SCNu64, ret) == 1;
}

static bool
read_device (dev_t device, const char *what, dev_t *ret)
{
  char text[32];
  unsigned major_number, minor_number;

  if (!read_text (device, what, text, sizeof text)
      || sscanf (text, "%u:%u", &major_number, &minor_number) != 2)
    return false;
  *ret = makedev (major_number, minor_number);
  return true;
}

void
leg_file_identify (char *ret, size_t size, bool is_block, dev_t device,
                   ino_t inode)
{
  if (is_block)
    snprintf (ret, size, "block:%u:%u", major (device), minor (device));
  else
    snprintf (ret, size, "file:%ju:%ju", (uintmax_t)device, (uintmax_t)inode);
}

/* @name: what people call it. */
static struct leg_place *
add_place (struct leg *leg, const struct range *range, const char *name)
{
  struct leg_place *place;

  if (leg->places == LEG_PLACES_MAX)
    return NULL;
  place = &leg->place[leg->places++];
  place->start = range->start;
  place->end = range->end;
  place->is_exact = range->is_exact;
  snprintf (place->name, sizeof place->name, "%.150s", name);
  return place;
}

static void
add_device (struct leg *leg, const struct range *range, unsigned depth)
{
  char link[64], target[PATH_MAX], name[PATH_MAX];
  struct leg_place *place;
  ssize_t length;

  snprintf (link, sizeof link, "/sys/dev/block/%u:%u", major (range->device),
            minor (range->device));
  length = readlink (link, target, sizeof target - 1);
  target[MAX (length, (ssize_t)0)] = '\0';
  snprintf (name, sizeof name, "/dev/%s",
            strrchr (target, '/') ? strrchr (target, '/') + 1 : link);
  place = add_place (leg, range, name);
  if (place == NULL)
    return;
  leg_file_identify (place->identity, sizeof place->identity, true,
                     range->device, 0);
  descend (leg, range, depth + 1);
}

static void
descend_partition (struct leg *leg, const struct range *range, unsigned depth)
{
  struct range whole = *range;
  uint64_t start;

  if (!read_number (range->device, "start", &start)
      || !read_device (range->device, "../dev", &whole.device))
    return;
  whole.start += start * 512;
  whole.end += start * 512;
  add_device (leg, &whole, depth);
}

/* What is behind a loop device: from itself if it is open, since names may be
 * those of another mount namespace, or gone.
 */
static bool
find_backing (const struct range *range, struct stat *ret, uint64_t *ret_offset,
              char *name, size_t size)
{
  struct loop_info64 info;

  if (!read_text (range->device, "loop/backing_file", name, size))
    return false;
  if (range->fd != -1 && ioctl (range->fd, LOOP_GET_STATUS64, &info) == 0) {
    *ret = (struct stat){ .st_mode = info.lo_rdevice ? S_IFBLK : S_IFREG,
                          .st_rdev = info.lo_rdevice,
                          .st_dev = info.lo_device,
                          .st_ino = info.lo_inode };
    *ret_offset = info.lo_offset;
    return true;
  }
  return read_number (range->device, "loop/offset", ret_offset)
         && stat (name, ret) == 0;
}

static void
descend_loop (struct leg *leg, const struct range *range, unsigned depth)
{
  struct range backing = *range;
  char name[PATH_MAX];
  uint64_t offset;
  struct stat st;
  struct leg_place *place;

  if (!find_backing (range, &st, &offset, name, sizeof name))
    return;
  backing.start += offset;
  backing.end += offset;
  backing.device = st.st_rdev;
  backing.fd = -1;
  if (S_ISBLK (st.st_mode)) {
    add_device (leg, &backing, depth);
    return;
  }
  place = add_place (leg, &backing, name);
  if (place != NULL)
    leg_file_identify (place->identity, sizeof place->identity, false,
                       st.st_dev, st.st_ino);
}

/* Which part of which slave is used only the driver knows. */
static void
descend_slaves (struct leg *leg, const struct range *range, unsigned depth)
{
  char path[64], what[300];
  const struct dirent *entry;
  DIR *folder;

  snprintf (path, sizeof path, "/sys/dev/block/%u:%u/slaves",
            major (range->device), minor (range->device));
  folder = opendir (path);
  if (folder == NULL)
    return;
  while ((entry = readdir (folder)) != NULL) {
    struct range slave = { .is_exact = false, .fd = -1 };
    uint64_t sectors = 0;

    if (entry->d_name[0] == '.')
      continue;
    snprintf (what, sizeof what, "slaves/%s/dev", entry->d_name);
    if (!read_device (range->device, what, &slave.device)
        || !read_number (slave.device, "size", &sectors))
      continue;
    slave.end = sectors * 512;
    add_device (leg, &slave, depth);
  }
  closedir (folder);
}

static void
descend (struct leg *leg, const struct range *range, unsigned depth)
{
  char text[32];

  if (depth == DEPTH_MAX)
    return;
  if (read_text (range->device, "partition", text, sizeof text))
    descend_partition (leg, range, depth);
  else if (major (range->device) == LOOP_MAJOR)
    descend_loop (leg, range, depth);
  else
    descend_slaves (leg, range, depth);
}

void
leg_file_find_places (struct leg_file *file, const struct stat *st)
{
  const struct range range = { .device = st->st_rdev,
                               .end = file->leg.caps.size,
                               .is_exact = true,
                               .fd = file->fd };

  if (file->block_device)
    descend (&file->leg, &range, 0);
}
