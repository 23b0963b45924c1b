/* SPDX-License-Identifier: BSD-3-Clause */
/* hang-disk: to be preloaded: disks whose I/O hangs, or syncs slowly.
 *
 * As long as there is a file DISK.hangs beside a disk, whatever is asked of the
 * disk stays in the call; DISK.calls has a byte for each that hung.  A file
 * DISK.hangs-writing: all but reads.  As long as there is DISK.full, what would be
 * written to it fails.  Only those
 * disks are heeded whose path ends with HANG_DISKS (".img").  With SYNC_MS each
 * sync takes so many milliseconds more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#if __has_include(<liburing.h>)
#include <liburing.h>
#endif

/* The symbols that a program uses, depending on how it was built. */
#undef pread
#undef pwrite
#undef pwritev2
#undef fallocate

static int
is_disk (int fd, char path[4096])
{
  const char *end = getenv ("HANG_DISKS");
  char link[64];
  ssize_t length;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink (link, path, 4000);
  if (length <= 0 || end == NULL || (size_t)length < strlen (end))
    return 0;
  path[length] = '\0';
  return strcmp (path + length - strlen (end), end) == 0;
}

static int
hangs (const char *path, int is_read)
{
  char both[4200], writing[4200];

  snprintf (both, sizeof both, "%s.hangs", path);
  snprintf (writing, sizeof writing, "%s.hangs-writing", path);
  return access (both, F_OK) == 0
         || (!is_read && access (writing, F_OK) == 0);
}

static void
note_call (const char *path)
{
  char calls[4200];
  int log;

  snprintf (calls, sizeof calls, "%s.calls", path);
  log = open (calls, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (write (log, ".", 1) != 1)
    abort ();
  close (log);
}

static void
hang (int fd, int is_read)
{
  char path[4096];

  if (!is_disk (fd, path) || !hangs (path, is_read))
    return;
  note_call (path);
  while (hangs (path, is_read))
    usleep (5000);
}

static int
is_full (int fd)
{
  char path[4096], full[4200];

  if (!is_disk (fd, path))
    return 0;
  snprintf (full, sizeof full, "%s.full", path);
  return access (full, F_OK) == 0;
}

static void
take_time (void)
{
  const char *ms = getenv ("SYNC_MS");

  if (ms != NULL)
    usleep ((unsigned)atoi (ms) * 1000);
}

#define REAL(name) ((__typeof__ (name) *)dlsym (RTLD_NEXT, #name))

ssize_t
pread (int fd, void *buffer, size_t length, off_t offset)
{
  hang (fd, 1);
  return REAL (pread) (fd, buffer, length, offset);
}

ssize_t
pread64 (int fd, void *buffer, size_t length, off_t offset)
{
  return pread (fd, buffer, length, offset);
}

ssize_t
pwrite (int fd, const void *buffer, size_t length, off_t offset)
{
  hang (fd, 0);
  if (is_full (fd)) {
    errno = ENOSPC;
    return -1;
  }
  return REAL (pwrite) (fd, buffer, length, offset);
}

ssize_t
pwrite64 (int fd, const void *buffer, size_t length, off_t offset)
{
  return pwrite (fd, buffer, length, offset);
}

ssize_t
pwritev2 (int fd, const struct iovec *parts, int count, off_t offset,
          int flags)
{
  hang (fd, 0);
  take_time ();
  return REAL (pwritev2) (fd, parts, count, offset, flags);
}

ssize_t
pwritev64v2 (int fd, const struct iovec *parts, int count, off_t offset,
             int flags)
{
  return pwritev2 (fd, parts, count, offset, flags);
}

int
fallocate (int fd, int mode, off_t offset, off_t length)
{
  hang (fd, 0);
  return REAL (fallocate) (fd, mode, offset, length);
}

int
fallocate64 (int fd, int mode, off_t offset, off_t length)
{
  return fallocate (fd, mode, offset, length);
}

int
fdatasync (int fd)
{
  char path[4096];

  hang (fd, 0);
  if (is_disk (fd, path))
    take_time ();
  return REAL (fdatasync) (fd);
}

#if __has_include(<liburing.h>)

/* What is submitted for a disk that hangs reads from a pipe instead: nothing,
 * until the disk hangs no more, and then its end.  Who waits comes by again and
 * again.  One disk at a time.
 */
static char hung_path[4096];
static int hung_pipe[2];

static void
swap (struct io_uring_sqe *entry)
{
  char path[4096];
  int is_read = entry->opcode == IORING_OP_READ;

  if ((!is_read && entry->opcode != IORING_OP_WRITE)
      || !is_disk (entry->fd, path) || !hangs (path, is_read))
    return;
  if (hung_path[0] == '\0' && pipe (hung_pipe) == -1)
    abort ();
  strcpy (hung_path, path);
  note_call (path);
  entry->opcode = IORING_OP_READ;
  entry->fd = hung_pipe[0];
}

int
io_uring_submit_and_wait_timeout (struct io_uring *uring,
                                  struct io_uring_cqe **cqe, unsigned wanted,
                                  struct __kernel_timespec *most,
                                  sigset_t *mask)
{
  if (hung_path[0] != '\0' && !hangs (hung_path, 0)) {
    close (hung_pipe[1]);
    hung_path[0] = '\0';
  }
  for (unsigned i = uring->sq.sqe_head; i != uring->sq.sqe_tail; i++)
    swap (&uring->sq.sqes[i & uring->sq.ring_mask]);
  return REAL (io_uring_submit_and_wait_timeout) (uring, cqe, wanted, most,
                                                  mask);
}

#endif
