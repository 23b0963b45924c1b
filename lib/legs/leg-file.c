/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file: I/O on a regular file or block device.
 *
 * Called by the engine from any thread; opened by leg-file-open.c.  Holds no
 * lock: everything is at an explicit offset, and what is learned on the way
 * is atomic.  May block on the disk.
 *
 * Through the page cache the calling thread does the I/O itself, since a
 * copy into memory is faster than any hand-over to another thread.  If several
 * legs are O_DIRECT, writes and those reads that are not alone are queued in a
 * ring, and then done on all of them at once.  What must be stable, and what is
 * done in the background, is done by threads of the leg's own
 * (leg-file-apart.c):
 *
 *   issue --+-- its thread --------------------------> done
 *           +-- ring_queue -> kickoff: system call --> done
 *           +-- system call -------------------------> done
 *
 * The kernel's answers are mapped in one respect only: once part of a child
 * was carried out, "not supported" and the like would be a lie about what is
 * on the disk now, so they become -EIO.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "legs/leg-file-internal.h"
#include "legs/ring.h"

/* One system call's share of a transfer: bytes, or -errno. */
static ssize_t
transfer_some (struct leg_file *file, bool is_write, const struct iovec *part,
               uint64_t offset, int flags)
{
  ssize_t n;

  do {
    if (!is_write)
      n = pread (file->fd, part->iov_base, part->iov_len, offset);
    else if (flags == 0)
      n = pwrite (file->fd, part->iov_base, part->iov_len, offset);
    else
      n = pwritev2 (file->fd, part, 1, offset, flags);
  } while (n == -1 && errno == EINTR);
  return n == -1 ? -errno : n;
}

/* No progress means a file that has shrunk, or a device that gives up:
 * nothing on it can be trusted any more.
 */
int
leg_file_transfer (struct leg_file *file, bool is_write, void *buffer,
                   uint64_t length, uint64_t offset, int flags)
{
  uint64_t done = 0;

  while (done < length) {
    const struct iovec part
      = { .iov_base = (char *)buffer + done, .iov_len = length - done };
    ssize_t n = transfer_some (file, is_write, &part, offset + done, flags);

    if (n == 0)
      return -ENXIO;
    if (n < 0 && done > 0 && leg_error_is_harmless (n))
      return -EIO;
    if (n < 0)
      return n;
    done += n;
  }
  return 0;
}

int
leg_file_sync (struct leg_file *file)
{
  int r;

  do
    r = fdatasync (file->fd);
  while (r == -1 && errno == EINTR);
  /* Files that cannot be synced have nothing that could be lost. */
  if (r == -1 && errno != EINVAL && errno != EOPNOTSUPP)
    return -errno;
  return 0;
}

int
leg_file_write_stable (struct leg_file *file, void *buffer, uint64_t length,
                       uint64_t offset)
{
  int r = -EOPNOTSUPP;

  if (!atomic_load (&file->dsync_refused))
    r = leg_file_transfer (file, true, buffer, length, offset, RWF_DSYNC);
  if (r != -EOPNOTSUPP && r != -EINVAL)
    return r;

  r = leg_file_transfer (file, true, buffer, length, offset, 0);
  if (r != 0)
    return r;
  /* So it was the flag that was refused. */
  atomic_store (&file->dsync_refused, true);
  return leg_file_sync (file);
}

static int
do_write (struct leg_file *file, const struct child *child)
{
  if (child->flags & CHILD_FUA)
    return leg_file_write_stable (file, child->buffer, child->length,
                                  child->offset);
  return leg_file_transfer (file, true, child->buffer, child->length,
                            child->offset, 0);
}

/* Where data (or a hole) begins at or after @offset, at most @end. */
static int
seek (struct leg_file *file, int whence, uint64_t offset, uint64_t end,
      uint64_t *ret)
{
  off_t found = lseek (file->fd, offset, whence);
  struct stat st;

  if (found >= 0) {
    *ret = MIN ((uint64_t)found, end);
    return (uint64_t)found < offset ? -EIO : 0;
  }
  if (errno != ENXIO)
    return -errno;
  /* Nothing more up to the end of the file: a hole, unless the file shrank
   * and there is no such place any more.
   */
  if (fstat (file->fd, &st) == -1)
    return -errno;
  if ((uint64_t)st.st_size < end)
    return -EIO;
  *ret = end;
  return 0;
}

static void
add_extent (struct child *child, uint64_t length, uint32_t flags)
{
  if (length == 0 || child->extents_count == child->extents_max)
    return;
  child->extents[child->extents_count++]
    = (struct extent){ .length = length, .flags = flags };
}

static int
do_extents (struct leg_file *file, struct child *child)
{
  uint64_t offset = child->offset, end = offset + child->length;

  assert (file->leg.caps.extents && child->extents_max > 0);
  child->extents_count = 0;
  while (offset < end && child->extents_count < child->extents_max) {
    uint64_t data = end, hole = end;
    int r = seek (file, SEEK_DATA, offset, end, &data);

    if (r != 0)
      return r;
    add_extent (child, data - offset, EXTENT_HOLE | EXTENT_ZERO);
    if (data == end)
      break;
    r = seek (file, SEEK_HOLE, data, end, &hole);
    if (r != 0)
      return r;
    /* Another thread may have punched what was data just now.  Calling it
     * data is always right.
     */
    if (hole == data)
      hole = MIN (round_down (data, 4096) + 4096, end);
    add_extent (child, hole - data, 0);
    offset = hole;
  }
  return 0;
}

static int
do_cache (struct leg_file *file, const struct child *child)
{
  /* Only a hint, so its failure is nobody's concern. */
  if (!file->direct)
    posix_fadvise (file->fd, child->offset, child->length, POSIX_FADV_WILLNEED);
  return 0;
}

int
leg_file_do (struct leg_file *file, struct child *child)
{
  switch (child->op) {
  case CHILD_READ:
    return leg_file_transfer (file, false, child->buffer, child->length,
                              child->offset, 0);
  case CHILD_WRITE:
    return do_write (file, child);
  case CHILD_FLUSH:
    return leg_file_sync (file);
  case CHILD_ZERO:
    return leg_file_zero (file, child);
  case CHILD_EXTENTS:
    return do_extents (file, child);
  case CHILD_CACHE:
    return do_cache (file, child);
  }
  assert (!"a child has one of the operations above");
}

static bool
is_queued (const struct leg_file *file, const struct child *child)
{
  if (file->ring == NULL)
    return false;
  return child->op == CHILD_WRITE
         || (child->op == CHILD_READ && !(child->flags & CHILD_ALONE));
}

static bool
is_inside (const struct leg_file *file, uint64_t offset, uint64_t length)
{
  uint64_t size = atomic_load_explicit (&file->size, memory_order_relaxed);

  return length > 0 && offset < size && length <= size - offset;
}

static void
file_issue (struct leg *leg, struct child *child)
{
  struct leg_file *file = leg_file_of (leg);
  struct leg_file_apart *apart = leg_file_apart_for (file, child);

  assert (child->op == CHILD_FLUSH
          || is_inside (file, child->offset, child->length));
  if (atomic_load_explicit (&file->aborted, memory_order_relaxed))
    child->done (child, -ESHUTDOWN);
  else if (apart != NULL)
    leg_file_apart_queue (apart, child);
  else if (!is_queued (file, child)
           || !ring_queue (file->ring, file->fd, child))
    child->done (child, leg_file_do (file, child));
}

static void
file_kickoff (struct leg *leg)
{
  struct leg_file *file = leg_file_of (leg);

  if (file->ring != NULL)
    ring_carry_out (file->ring);
}

static int
file_start (struct leg *leg)
{
  return leg_file_apart_start (leg_file_of (leg));
}

/* The blocks around the range, through aligned memory of our own. */
static int
read_now_direct (struct leg_file *file, void *buffer, uint64_t length,
                 uint64_t offset)
{
  uint64_t block = file->leg.caps.block_minimum;
  uint64_t start = round_down (offset, block);
  uint64_t size = round_up (offset + length, block) - start;
  void *bounce;
  int r;

  if (posix_memalign (&bounce, BOUNCE_ALIGNMENT, size) != 0)
    return -ENOMEM;
  r = leg_file_transfer (file, false, bounce, size, start, 0);
  if (r == 0)
    memcpy (buffer, (char *)bounce + (offset - start), length);
  free (bounce);
  return r;
}

static int
file_read_now (struct leg *leg, void *buffer, uint64_t length, uint64_t offset)
{
  struct leg_file *file = leg_file_of (leg);

  assert (length > 0 && length <= REQUEST_MAX);
  if (offset > leg->caps.size || length > leg->caps.size - offset)
    return -EINVAL;
  if (file->direct)
    return read_now_direct (file, buffer, length, offset);
  return leg_file_transfer (file, false, buffer, length, offset, 0);
}

/* Whether there is data behind an offset is true up to some offset, and false
 * from there on.
 */
uint64_t
leg_file_data_end (int fd, uint64_t size)
{
  uint64_t low = 0, high = size;

  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    off_t data = lseek (fd, (off_t)middle, SEEK_DATA);

    if (data == -1 && errno != ENXIO)
      return size;
    if (data == -1 || (uint64_t)data >= size)
      high = middle;
    else
      low = (uint64_t)data + 1;
  }
  return low;
}

static uint64_t
file_data_end_now (struct leg *leg, uint64_t deadline_ns)
{
  (void)deadline_ns; /* the kernel knows */
  if (!leg->caps.extents)
    return leg->caps.size;
  return leg_file_data_end (leg_file_of (leg)->fd, leg->caps.size);
}

static int64_t
file_size_now (struct leg *leg)
{
  struct leg_file *file = leg_file_of (leg);
  off_t size = lseek (file->fd, 0, SEEK_END);

  if (size == -1)
    return -errno;
  /* One that shrank has lost what is expected there: reads will say so. */
  if ((uint64_t)size < leg->caps.exact_size)
    return (int64_t)leg->caps.exact_size;
  atomic_store (&file->size,
                round_down ((uint64_t)size, leg->caps.block_minimum));
  return size;
}

static void
file_abort (struct leg *leg)
{
  struct leg_file *file = leg_file_of (leg);

  atomic_store (&file->aborted, true);
  leg_file_apart_abort (file);
}

static bool
file_is_inside (struct leg *leg)
{
  return leg_file_apart_is_inside (leg_file_of (leg));
}

static void
file_close (struct leg *leg)
{
  struct leg_file *file = leg_file_of (leg);
  struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

  leg_file_apart_stop (file);
  /* The lock is the open file's, which a process that was forked before may
   * have, too: nbdkit --run keeps one.
   */
  fcntl (file->fd, F_OFD_SETLK, &lock);
  close (file->fd);
  free ((char *)leg->name);
  free (file);
}

bool
leg_file_can_resize (const struct leg *leg)
{
  return leg->ops == &leg_file_ops && !leg->caps.readonly
         && !container_of (leg, struct leg_file, leg)->block_device;
}

int
leg_file_resize (struct leg *leg, uint64_t size)
{
  struct leg_file *file = leg_file_of (leg);

  assert (leg_file_can_resize (leg) && size > 0);
  if (size > INT64_MAX)
    return -EFBIG;
  if (ftruncate (file->fd, (off_t)size) == -1 || fsync (file->fd) == -1)
    return -errno;
  leg->caps.exact_size = size;
  leg->caps.size = round_down (size, leg->caps.block_minimum);
  atomic_store (&file->size, leg->caps.size);
  return 0;
}

void
leg_file_use_ring (struct leg *leg, struct ring *ring)
{
  assert (leg->ops == &leg_file_ops && ring != NULL);
  leg_file_of (leg)->ring = ring;
  leg->rank = LEG_QUEUED;
}

const struct leg_ops leg_file_ops = {
  .start = file_start,
  .issue = file_issue,
  .kickoff = file_kickoff,
  .read_now = file_read_now,
  .data_end_now = file_data_end_now,
  .size_now = file_size_now,
  .can_zero = leg_file_can_zero,
  .abort = file_abort,
  .is_inside = file_is_inside,
  .close = file_close,
};
