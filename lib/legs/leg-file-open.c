/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-open: take possession of a file or block device, or say why not.
 *
 * Called by the door, before the fork, in one thread.  Writes nothing to the
 * file.  Calls nothing but the kernel.
 *
 * Possession is an open-file-description lock over the whole file.  It
 * belongs to the open file, so it lives through the server's fork into the
 * background; a process's own (POSIX) lock dies there with the parent.  A
 * block device is opened with O_EXCL besides, which keeps mounts, md and
 * other exclusive users out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ground/limits.h"
#include "ground/log.h"
#include "ground/util.h"
#include "legs/leg-file-internal.h"

/* The largest minimum block that NBD lets us tell clients. */
#define BLOCK_MINIMUM_MAX 65536u

static int
check_type (const char *path, bool *ret_block_device, char *why)
{
  struct stat st;

  if (stat (path, &st) == -1) {
    int error = -errno;

    if (error == -ENOENT)
      return leg_refuse (why, error,
                         "does not exist; check the name");
    return leg_refuse (why, error, "cannot be examined: %s",
                       log_strerror (error));
  }
  if (S_ISDIR (st.st_mode))
    return leg_refuse (why, -EISDIR,
                       "is a directory; name a file or a block device");
  if (!S_ISREG (st.st_mode) && !S_ISBLK (st.st_mode))
    return leg_refuse (why, -EINVAL,
                       "is neither a regular file nor a block device; name "
                       "one of these");
  *ret_block_device = S_ISBLK (st.st_mode);
  return 0;
}

static int
refuse_empty (bool block_device, char *why)
{
  return leg_refuse (why, -EINVAL,
                     block_device
                       ? "has no size: nothing is behind this device"
                       : "is empty, or smaller than one block; give it its "
                         "full size first, for example with truncate");
}

static int
tell_open_failed (const struct leg_file *file, int error, char *why)
{
  if (file->direct && error == -EINVAL)
    return leg_refuse (why, error,
                       "cannot be opened with cache=none: its file system "
                       "has no O_DIRECT; use cache=page");
  if (file->block_device && error == -EBUSY)
    return leg_refuse (why, error,
                       "is in use: mounted, used by another program, or given "
                       "twice; free it first");
  return leg_refuse (why, error, "cannot be opened: %s", log_strerror (error));
}

/* Open for writing, or leave it closed.  NULL, or why it can only be read. */
static const char *
open_for_writing (struct leg_file *file, const char *path, int flags)
{
  const char *why_readonly = NULL;

  file->fd = open (path, O_RDWR | flags);
  if (file->fd != -1) {
    why_readonly = leg_file_why_readonly (file->fd);
    if (why_readonly != NULL)
      close (file->fd);
  }
  else if (errno == EACCES || errno == EPERM || errno == EROFS)
    why_readonly = log_strerror (-errno);
  return why_readonly;
}

static int
open_file (struct leg_file *file, const char *path, char *why)
{
  int flags = O_CLOEXEC | (file->direct ? O_DIRECT : 0)
              | (file->block_device ? O_EXCL : 0);
  struct leg_caps *caps = &file->leg.caps;

  caps->why_readonly = open_for_writing (file, path, flags);
  caps->readonly = caps->why_readonly != NULL;
  if (caps->readonly)
    file->fd = open (path, O_RDONLY | flags);
  if (file->fd == -1)
    return tell_open_failed (file, -errno, why);
  /* "Not permitted" has a reason, most often. */
  if (caps->readonly && leg_file_why_readonly (file->fd) != NULL)
    caps->why_readonly = leg_file_why_readonly (file->fd);
  return 0;
}

static int
lock_file (const struct leg_file *file, char *why)
{
  short type = file->leg.caps.readonly ? F_RDLCK : F_WRLCK;
  struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
  int error;

  if (fcntl (file->fd, F_OFD_SETLK, &lock) == 0)
    return 0;
  error = -errno;
  if (error == -EAGAIN || error == -EACCES)
    return leg_refuse (why, -EBUSY,
                       "is in use by another process (it is locked), or given "
                       "twice; stop the other user first");
  return leg_refuse (why, error,
                     "cannot be locked against other processes: %s; use a "
                     "file system with locks",
                     log_strerror (error));
}

/* A number from the queue directory of the disk that holds the file, or
 * @fallback.  A partition's queue is that of its whole disk, one level up.
 */
static uint64_t
queue_number (dev_t disk, const char *what, uint64_t fallback)
{
  static const char *const places[]
    = { "/sys/dev/block/%u:%u/queue/%s", "/sys/dev/block/%u:%u/../queue/%s" };
  uint64_t n = fallback;

  for (size_t i = 0; i < ARRAY_LENGTH (places); i++) {
    char path[128];
    FILE *stream;

    snprintf (path, sizeof path, places[i], major (disk), minor (disk), what);
    stream = fopen (path, "re");
    if (stream == NULL)
      continue;
    if (fscanf (stream, "%" SCNu64, &n) != 1)
      n = fallback;
    fclose (stream);
    break;
  }
  return n;
}

static int
learn_device (struct leg_file *file, const struct stat *st, char *why)
{
  int logical_block = 0;
  uint64_t size = 0;

  if (ioctl (file->fd, BLKGETSIZE64, &size) == -1
      || ioctl (file->fd, BLKSSZGET, &logical_block) == -1)
    return leg_refuse (why, -errno, "does not tell its size: %s",
                       log_strerror (-errno));
  if (size > INT64_MAX || !is_power_of_2 (logical_block))
    return leg_refuse (why, -EINVAL,
                       "has a size or sector size that cannot be");
  file->leg.caps.size = size;
  file->logical_block = logical_block;

  /* Without hardware help the kernel refuses to punch a device and zeroes a
   * range of it by writing.
   */
  file->fast_zero = queue_number (st->st_rdev, "write_zeroes_max_bytes", 0) > 0;
  atomic_store (&file->punch, file->fast_zero ? ABILITY_YES : ABILITY_NO);
  atomic_store (&file->ranges, ABILITY_YES);
  leg_file_identify (file->leg.identity, sizeof file->leg.identity, true,
                     st->st_rdev, 0);
  leg_file_find_places (file, st);
  return 0;
}

static void
learn_regular (struct leg_file *file, const struct stat *st)
{
  file->leg.caps.size = st->st_size;
  /* On a file system without holes this still works: one stretch of data. */
  file->leg.caps.extents = lseek (file->fd, 0, SEEK_HOLE) != -1;
  file->fast_zero = true;
  leg_file_identify (file->leg.identity, sizeof file->leg.identity, false,
                     st->st_dev, st->st_ino);
}

/* What O_DIRECT wants.  Kernels before 6.1, and some file systems, do not
 * tell: then the sector of the disk below, and a page if that is unknown
 * too; memory need not be aligned to more than that.
 */
static void
direct_alignment (const struct leg_file *file, const struct stat *st,
                  uint64_t *ret_memory, uint64_t *ret_offset)
{
#ifdef STATX_DIOALIGN
  struct statx stx;

  if (statx (file->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0
      && (stx.stx_mask & STATX_DIOALIGN)) {
    *ret_memory = stx.stx_dio_mem_align;
    *ret_offset = stx.stx_dio_offset_align;
    return;
  }
#endif
  *ret_offset = file->block_device
                  ? file->logical_block
                  : queue_number (st->st_dev, "logical_block_size", 4096);
  *ret_memory = *ret_offset;
}

static int
learn_direct (struct leg_file *file, const struct stat *st, char *why)
{
  struct leg_caps *caps = &file->leg.caps;
  uint64_t memory = 0, offset = 0;

  direct_alignment (file, st, &memory, &offset);
  if (memory == 0 || offset == 0)
    return leg_refuse (why, -EINVAL,
                       "cannot be used with cache=none: its file system has "
                       "no O_DIRECT for this file; use cache=page");
  if (!is_power_of_2 (memory) || memory > BOUNCE_ALIGNMENT
      || !is_power_of_2 (offset) || offset > BLOCK_MINIMUM_MAX)
    return leg_refuse (why, -EINVAL,
                       "wants blocks of %ju bytes in memory aligned to %ju "
                       "for O_DIRECT, which is too much; use cache=page",
                       (uintmax_t)offset, (uintmax_t)memory);
  /* Not through the page cache: there a write that syncs could be the one to
   * hear of an earlier write's failure, which a flush must not miss.
   */
  caps->fua = true;
  caps->memory_alignment = memory;
  caps->block_minimum = MAX (offset, memory);
  return 0;
}

static int
learn_caps (struct leg_file *file, char *why)
{
  struct leg_caps *caps = &file->leg.caps;
  struct stat st;
  int r = 0;

  if (fstat (file->fd, &st) == -1)
    return leg_refuse (why, -errno, "cannot be examined: %s",
                       log_strerror (-errno));
  /* It may have been replaced since it was looked at. */
  if (file->block_device ? !S_ISBLK (st.st_mode) : !S_ISREG (st.st_mode))
    return leg_refuse (why, -EAGAIN, "changed while it was opened; try again");

  *caps = (struct leg_caps){ .block_minimum = 1,
                             .memory_alignment = 1,
                             .request_max = REQUEST_MAX,
                             .zero_max = NBD_EFFECT_MAX,
                             .readonly = caps->readonly,
                             .why_readonly = caps->why_readonly,
                             .flush = true };
  if (file->block_device)
    r = learn_device (file, &st, why);
  else
    learn_regular (file, &st);
  if (r == 0 && file->direct)
    r = learn_direct (file, &st, why);
  if (r != 0)
    return r;

  caps->rotational = queue_number (file->block_device ? st.st_rdev : st.st_dev,
                                   "rotational", 0)
                     == 1;
  caps->block_preferred = MAX (4096u, caps->block_minimum);
  caps->exact_size = caps->size;
  caps->size = round_down (caps->size, caps->block_minimum);
  return caps->size == 0 ? refuse_empty (file->block_device, why) : 0;
}

int
leg_file_open (const char *path, bool direct, struct leg **ret, char *why)
{
  struct leg_file *file;
  int r;

  assert (path[0] == '/');
  why[0] = '\0';
  file = calloc (1, sizeof *file);
  if (file == NULL)
    return leg_refuse (why, -ENOMEM, "no memory");
  file->direct = direct;
  file->leg.ops = &leg_file_ops;
  file->leg.rank = LEG_INLINE;
  file->leg.name = strdup (path);
  if (file->leg.name == NULL) {
    r = leg_refuse (why, -ENOMEM, "no memory");
    goto err_free;
  }

  r = check_type (path, &file->block_device, why);
  if (r != 0)
    goto err_name;
  r = open_file (file, path, why);
  if (r != 0)
    goto err_name;
  r = lock_file (file, why);
  if (r == 0)
    r = learn_caps (file, why);
  if (r != 0)
    goto err_close;
  file->size = file->leg.caps.size;
  *ret = &file->leg;
  return 0;

err_close:
  close (file->fd);
err_name:
  free ((char *)file->leg.name);
err_free:
  free (file);
  return r;
}

int
leg_file_look (const char *path, int *ret_fd, uint64_t *ret_size, char *why)
{
  bool block_device;
  int r = check_type (path, &block_device, why);
  off_t size;
  int fd;

  if (r != 0)
    return r;
  /* It may have been replaced since: a FIFO would wait for its writer. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1)
    return leg_refuse (why, -errno, "cannot be opened: %s",
                       log_strerror (-errno));
  size = lseek (fd, 0, SEEK_END);
  if (size <= 0) {
    r = size == 0 ? refuse_empty (block_device, why)
                  : leg_refuse (why, -errno, "does not tell its size: %s",
                                log_strerror (-errno));
    close (fd);
    return r;
  }
  *ret_fd = fd;
  *ret_size = (uint64_t)size;
  return 0;
}
