/* SPDX-License-Identifier: BSD-3-Clause */
/* look-view: a file in memory that looks like a disk.
 *
 * libblkid wants a file descriptor, and a remote disk has none.  A limit on
 * the size of files (ulimit -f) holds for this one, too: then it cannot be
 * made (ground/signals).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ground/util.h"
#include "look/look.h"

int
look_view_copy (const struct look_disk *disk, const struct look_view *view,
                uint64_t offset, uint64_t length)
{
  uint64_t end = MIN (MIN (offset + length, view->size), disk->size);
  uint8_t *buffer = malloc (LOOK_READ_MAX);
  int r = 0;

  if (buffer == NULL)
    return -ENOMEM;
  for (uint64_t at = offset; at < end && r == 0; at += LOOK_READ_MAX) {
    uint64_t here = MIN (end - at, (uint64_t)LOOK_READ_MAX);

    r = disk->read (disk->opaque, buffer, here, at);
    if (r == 0 && pwrite (view->fd, buffer, here, (off_t)at) != (ssize_t)here)
      r = -EIO;
  }
  free (buffer);
  return r;
}

int
look_view_open (const struct look_disk *disk, uint64_t size,
                struct look_view *ret)
{
  struct look_view view
    = { .fd = memfd_create ("disk", MFD_CLOEXEC), .size = size };
  uint64_t end = MIN (size, (uint64_t)LOOK_END);
  int r;

  if (view.fd == -1)
    return -errno;
  r = ftruncate (view.fd, (off_t)size) == 0 ? 0 : -errno;
  if (r == 0)
    r = look_view_copy (disk, &view, 0, end);
  if (r == 0)
    r = look_view_copy (disk, &view, size - end, end);
  if (r < 0) {
    look_view_close (&view);
    return r;
  }
  *ret = view;
  return 0;
}

void
look_view_close (struct look_view *view)
{
  close (view->fd);
}

int
look_view_read (const struct look_view *view, void *buffer, uint64_t length,
                uint64_t offset)
{
  if (offset > view->size || length > view->size - offset)
    return -ENXIO;
  return pread (view->fd, buffer, length, (off_t)offset) == (ssize_t)length
           ? 0
           : -EIO;
}
