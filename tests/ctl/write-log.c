/* SPDX-License-Identifier: BSD-3-Clause */
/* write-log: to be preloaded: notes in a file, in their order, what a program
 * writes to files of one folder and what it brings to stable storage.
 *
 *   WRITE_LOG          the file of the notes
 *   WRITE_LOG_FOLDER   what lies below it is noted
 *   WRITE_LOG_FAIL     the number of a note, from 1 on: that one fails
 *   WRITE_LOG_KILL     likewise: the program is killed instead
 *
 * A note is "write OFFSET LENGTH PATH", "resize SIZE PATH" or "sync PATH", with
 * "failed" before it if it failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned notes;

/* The symbols that a program uses, depending on how it was built. */
#undef pwrite
#undef pwritev2
#undef ftruncate

#define SYNC -1 /* instead of an offset */
#define RESIZE -2

static void
note (const char *text, int failed)
{
  int fd = open (getenv ("WRITE_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);

  dprintf (fd, "%s%s\n", failed ? "failed " : "", text);
  close (fd);
}

static int
is_number (const char *name)
{
  const char *text = getenv (name);

  return text != NULL && notes == (unsigned)atoi (text);
}

/* Is it to fail? */
static int
noted (int fd, off_t offset, size_t length)
{
  const char *folder = getenv ("WRITE_LOG_FOLDER");
  char link[64], path[4096] = "", text[5000];
  int failed;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink (link, path, sizeof path - 1) == -1 || folder == NULL
      || strncmp (path, folder, strlen (folder)) != 0)
    return 0;
  notes++;
  if (is_number ("WRITE_LOG_KILL"))
    raise (SIGKILL);
  failed = is_number ("WRITE_LOG_FAIL");
  if (offset == SYNC)
    snprintf (text, sizeof text, "sync %s", path);
  else if (offset == RESIZE)
    snprintf (text, sizeof text, "resize %zu %s", length, path);
  else
    snprintf (text, sizeof text, "write %lld %zu %s", (long long)offset,
              length, path);
  note (text, failed);
  if (failed)
    errno = EIO;
  return failed;
}

#define REAL(name) ((__typeof__ (&name))dlsym (RTLD_NEXT, #name))

ssize_t
write (int fd, const void *buffer, size_t length)
{
  off_t offset = lseek (fd, 0, SEEK_CUR);

  return offset != -1 && noted (fd, offset, length)
           ? -1
           : REAL (write) (fd, buffer, length);
}

ssize_t
pwrite (int fd, const void *buffer, size_t length, off_t offset)
{
  return noted (fd, offset, length)
           ? -1
           : REAL (pwrite) (fd, buffer, length, offset);
}

ssize_t
pwrite64 (int fd, const void *buffer, size_t length, off64_t offset)
{
  return pwrite (fd, buffer, length, offset);
}

ssize_t
pwritev2 (int fd, const struct iovec *parts, int count, off_t offset,
          int flags)
{
  size_t length = 0;

  for (int i = 0; i < count; i++)
    length += parts[i].iov_len;
  return noted (fd, offset, length)
           ? -1
           : REAL (pwritev2) (fd, parts, count, offset, flags);
}

ssize_t
pwritev64v2 (int fd, const struct iovec *parts, int count, off64_t offset,
             int flags)
{
  return pwritev2 (fd, parts, count, offset, flags);
}

int
ftruncate (int fd, off_t size)
{
  return noted (fd, RESIZE, (size_t)size) ? -1 : REAL (ftruncate) (fd, size);
}

int
ftruncate64 (int fd, off64_t size)
{
  return ftruncate (fd, size);
}

int
fsync (int fd)
{
  return noted (fd, SYNC, 0) ? -1 : REAL (fsync) (fd);
}

int
fdatasync (int fd)
{
  return noted (fd, SYNC, 0) ? -1 : REAL (fdatasync) (fd);
}
