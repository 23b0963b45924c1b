/* SPDX-License-Identifier: BSD-3-Clause */
/* disk: a file, block device or NBD export, as the commands need it. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/disk.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "legs/leg-file.h"
#include "legs/leg-now.h"
#include "legs/leg-open.h"
#include "legs/leg.h"
#include "logic/leg-spec.h"

static unsigned
timeout_s (void)
{
  return ctl_options.timeout_s != 0 ? ctl_options.timeout_s
                                    : LEG_TIMEOUT_DEFAULT_S;
}

/* Says on standard error for whom we wait, if it takes long. */
struct waiter {
  const char *uri;
  GMutex lock;
  GCond changed;
  bool answered;
};

static void *
tell_who_is_slow (void *data)
{
  struct waiter *waiter = data;
  gint64 until = g_get_monotonic_time () + G_TIME_SPAN_SECOND;

  g_mutex_lock (&waiter->lock);
  while (!waiter->answered
         && g_cond_wait_until (&waiter->changed, &waiter->lock, until))
    continue;
  if (!waiter->answered)
    ctl_tell (waiter->uri, "waiting", "its server does not answer yet; waiting "
              "up to %u s for it (--timeout)", timeout_s ());
  g_mutex_unlock (&waiter->lock);
  return NULL;
}

static int
open_server (const char *uri, const struct leg_open_ways *ways,
             struct leg **ret, char *why)
{
  struct waiter waiter = { .uri = uri };
  GThread *thread;
  int r;

  g_mutex_init (&waiter.lock);
  g_cond_init (&waiter.changed);
  thread = g_thread_new ("waiter", tell_who_is_slow, &waiter);
  r = leg_open (uri, ways, ret, why);
  g_mutex_lock (&waiter.lock);
  waiter.answered = true;
  g_cond_signal (&waiter.changed);
  g_mutex_unlock (&waiter.lock);
  g_thread_join (thread);
  g_mutex_clear (&waiter.lock);
  g_cond_clear (&waiter.changed);
  return r;
}

static int
open_leg (const char *name, const struct leg_spec *spec, struct disk *disk,
          char *why)
{
  uint64_t timeout_ns = timeout_s () * GROUND_S;
  struct leg_open_ways ways
    = { .patience = { .timeout_ns = timeout_ns,
                      .flush_timeout_ns
                      = LEG_FLUSH_TIMEOUT_FACTOR * timeout_ns },
        .connections = 1 };
  char *path;
  int r;

  if (spec->kind == LEG_KIND_NBD)
    r = open_server (name, &ways, &disk->leg, why);
  else {
    path = g_canonicalize_filename (name, NULL);
    r = leg_open (path, &ways, &disk->leg, why);
    g_free (path);
  }
  if (r == 0) {
    disk->size = disk->leg->caps.size;
    disk->exact_size = disk->leg->caps.exact_size;
  }
  return r;
}

int
disk_open (const char *path, bool write, struct disk *ret, char *why)
{
  struct disk disk = { .path = path, .fd = -1 };
  struct leg_spec spec;
  const char *wrong = leg_spec_parse (path, &spec);
  int r;

  why[0] = '\0';
  if (wrong != NULL)
    return leg_refuse (why, -EINVAL, "%s", wrong);
  if (!write && spec.kind == LEG_KIND_FILE)
    r = leg_file_look (path, &disk.fd, &disk.size, why);
  else
    r = open_leg (path, &spec, &disk, why);
  if (r == 0 && write && disk.leg->caps.readonly) {
    const char *reason = disk.leg->caps.why_readonly;

    disk_close (&disk);
    r = leg_refuse (why, -EACCES, "is read-only%s%s", reason ? ": " : "",
                    reason ? reason : "");
  }
  if (r == 0 && disk.leg == NULL)
    disk.exact_size = disk.size;
  if (r == 0)
    *ret = disk;
  return r;
}

void
disk_close (struct disk *disk)
{
  if (disk->leg != NULL)
    disk->leg->ops->close (disk->leg);
  if (disk->fd != -1)
    close (disk->fd);
  disk->leg = NULL;
  disk->fd = -1;
}

/* Could a server write to it? */
static bool
can_be_written (const struct disk *disk)
{
  if (disk->leg != NULL)
    return !disk->leg->caps.readonly;
  return access (disk->path, W_OK) == 0
         && leg_file_why_readonly (disk->fd) == NULL;
}

/* Asked, not taken: a server that starts now must not find our lock. */
bool
disk_is_locked (const struct disk *disk)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  return disk->leg == NULL && disk->fd != -1
         && fcntl (disk->fd, F_OFD_GETLK, &lock) == 0
         && lock.l_type != F_UNLCK;
}

static int
read_file (int fd, void *buffer, uint64_t length, uint64_t offset)
{
  uint8_t *to = buffer;

  while (length > 0) {
    ssize_t r = pread (fd, to, length, (off_t)offset);

    if (r == -1 && errno == EINTR)
      continue;
    if (r == -1)
      return -errno;
    if (r == 0)
      return -ENXIO;
    to += r;
    offset += (uint64_t)r;
    length -= (uint64_t)r;
  }
  return 0;
}

int
disk_read (struct disk *disk, void *buffer, uint64_t length, uint64_t offset)
{
  if (offset > disk->size || length > disk->size - offset)
    return -ENXIO;
  if (disk->leg == NULL)
    return read_file (disk->fd, buffer, length, offset);
  if (disk->started)
    return leg_read_now (disk->leg, buffer, length, offset);
  return disk->leg->ops->read_now (disk->leg, buffer, length, offset);
}

static int
read_from_disk (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  return disk_read (opaque, buffer, length, offset);
}

static uint64_t
find_data_end (void *opaque, uint64_t deadline_ns)
{
  const struct disk *disk = opaque;

  if (disk->leg == NULL)
    return leg_file_data_end (disk->fd, disk->size);
  if (disk->leg->ops->data_end_now == NULL || disk->started)
    return disk->size;
  return disk->leg->ops->data_end_now (disk->leg, deadline_ns);
}

struct look_disk
disk_look (struct disk *disk)
{
  return (struct look_disk){
    .opaque = disk,
    .read = read_from_disk,
    .data_end = find_data_end,
    .size = disk->size,
    .exact_size = disk->exact_size,
    .deadline_ns = ground_now () + LOOK_DEADLINE_S * GROUND_S,
  };
}

/* A server takes a local disk in any blocks, through the page cache. */
struct member_disk
disk_for_members (struct disk *disk, const char *name)
{
  return (struct member_disk){
    .name = name,
    .opaque = disk,
    .read = read_from_disk,
    .size = disk->size,
    .exact_size = disk->exact_size,
    .block = disk->leg != NULL ? disk->leg->caps.block_minimum : 1,
    .readonly = !can_be_written (disk),
  };
}

static int
start (struct disk *disk)
{
  int r;

  g_assert (disk->leg != NULL);
  if (disk->started)
    return 0;
  r = disk->leg->ops->start (disk->leg);
  disk->started = r == 0;
  return r;
}

int
disk_write (struct disk *disk, const void *buffer, uint64_t length,
            uint64_t offset)
{
  int r = start (disk);

  return r < 0 ? r : leg_write_now (disk->leg, buffer, length, offset);
}

int
disk_flush (struct disk *disk)
{
  int r = start (disk);

  if (r == 0 && !disk->leg->caps.flush && !disk->told_no_flush) {
    ctl_tell (disk->path, "no-flush", "its server cannot flush: what was "
              "written may be lost if its machine loses power");
    disk->told_no_flush = true;
  }
  return r < 0 ? r : leg_flush_now (disk->leg);
}

bool
disk_can_resize (const struct disk *disk)
{
  return disk->leg != NULL && leg_file_can_resize (disk->leg);
}

int
disk_resize (struct disk *disk, uint64_t size)
{
  int r = leg_file_resize (disk->leg, size);

  disk->size = disk->leg->caps.size;
  disk->exact_size = disk->leg->caps.exact_size;
  return r;
}

int
disk_open_status (int error)
{
  return error == -EINVAL || error == -EBUSY || error == -EISDIR
           ? EXIT_REFUSED
           : EXIT_UNREACHABLE;
}

int
disk_finish (struct disk *disk, int error)
{
  int r = error < 0 ? error : disk_flush (disk);

  return r < 0 ? ctl_fail (EXIT_REFUSED, disk->path, "write-failed", "%s",
                           log_strerror (r))
               : EXIT_OK;
}
