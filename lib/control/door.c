/* SPDX-License-Identifier: BSD-3-Clause */
/* door: one socket that is listened on, and who may come in. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/door.h"
#include "control/source.h"
#include "ground/limits.h"
#include "ground/log.h"

/* Two servers that start at the same time must not both take a socket for
 * stale, so its directory is locked meanwhile.  If somebody else keeps it
 * locked we do without.
 */
#define LOCK_TRIES 100
#define LOCK_PAUSE_US 10000

/* When nobody can be let in, since there are no descriptors left. */
#define ACCEPT_PAUSE_MS 1000

static int
lock_directory (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (unsigned i = 0; fd != -1 && i < LOCK_TRIES; i++) {
    if (flock (fd, LOCK_EX | LOCK_NB) == 0)
      break;
    g_usleep (LOCK_PAUSE_US);
  }
  return fd;
}

static int
refuse (const char *path, int error, char *why)
{
  snprintf (why, MESSAGE_MAX, "control socket %.300s: cannot be made: %s; "
            "choose another control=, or control=none", path,
            log_strerror (error));
  return error;
}

static int
check_directory (const char *path, char *why)
{
  g_autofree char *directory = g_path_get_dirname (path);

  if (access (directory, W_OK | X_OK) == -1)
    return refuse (path, -errno, why);
  return 0;
}

int
door_check (const char *path, char *why)
{
  if (strlen (path) >= PLACE_MAX)
    return refuse (path, -ENAMETOOLONG, why);
  switch (place_look (path)) {
  case PLACE_LIVE:
    snprintf (why, MESSAGE_MAX, "control socket %.300s: a server that runs "
              "has it; choose another control=, or stop that server", path);
    return -EADDRINUSE;
  case PLACE_OTHER:
    snprintf (why, MESSAGE_MAX, "control socket %.300s: there is something "
              "else, which is left alone; choose another control=", path);
    return -EEXIST;
  case PLACE_FREE:
  case PLACE_STALE:
    break;
  }
  return check_directory (path, why);
}

static int
bind_and_listen (struct door *door, mode_t mode)
{
  struct sockaddr_un address;
  struct stat status;

  place_address (door->path, &address);
  /* Nobody can connect before it listens, so its mode is right by then. */
  if (bind (door->fd, (const struct sockaddr *)&address, sizeof address) == -1
      || lstat (door->path, &status) == -1)
    return -errno;
  door->device = status.st_dev;
  door->inode = status.st_ino;
  if (chmod (door->path, mode) == -1 || listen (door->fd, SOMAXCONN) == -1)
    return -errno;
  return 0;
}

static int
open_locked (struct door *door, mode_t mode, char *why)
{
  int r = door_check (door->path, why);

  if (r < 0)
    return r;
  if (place_look (door->path) == PLACE_STALE)
    unlink (door->path);
  door->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  r = door->fd == -1 ? -errno : bind_and_listen (door, mode);
  if (r < 0) {
    door_close (door);
    return refuse (door->path, r, why);
  }
  return 0;
}

int
door_open (struct door *door, const char *path, mode_t mode, char *why)
{
  int lock, r;

  *door = (struct door){ .fd = -1 };
  if (strlen (path) >= PLACE_MAX)
    return refuse (path, -ENAMETOOLONG, why);
  strcpy (door->path, path);
  lock = lock_directory (path);
  r = open_locked (door, mode, why);
  if (lock != -1)
    close (lock);
  return r;
}

static gboolean on_connection (int fd, GIOCondition condition, void *data);

static void
listen_again (struct door *door)
{
  source_watch_fd (&door->source, door->context, door->fd, G_IO_IN,
                   on_connection, door);
}

static gboolean
on_pause_over (void *data)
{
  listen_again (data);
  return G_SOURCE_CONTINUE; /* of one that is destroyed by now */
}

static gboolean
on_connection (int fd, G_GNUC_UNUSED GIOCondition condition, void *data)
{
  struct door *door = data;
  int connection = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (connection != -1)
    door->let_in (door->opaque, connection);
  else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
           || errno == ENOMEM)
    source_watch_time (&door->source, door->context, ACCEPT_PAUSE_MS,
                       on_pause_over, door);
  return G_SOURCE_CONTINUE; /* of one that may be destroyed by now */
}

void
door_watch (struct door *door, GMainContext *context,
            void (*let_in) (void *opaque, int connection), void *opaque)
{
  door->context = context;
  door->let_in = let_in;
  door->opaque = opaque;
  listen_again (door);
}

void
door_close (struct door *door)
{
  struct stat status;

  source_drop (&door->source);
  if (door->fd == -1)
    return;
  if (lstat (door->path, &status) == 0 && status.st_dev == door->device
      && status.st_ino == door->inode)
    unlink (door->path);
  close (door->fd);
  door->fd = -1;
}

bool
door_knows (int fd)
{
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
    return false;
  return peer.uid == 0 || peer.uid == geteuid ();
}
