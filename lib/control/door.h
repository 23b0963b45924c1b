/* SPDX-License-Identifier: BSD-3-Clause */
/* door: one socket that is listened on, and who may come in. */
#ifndef MIRROR_DOOR_H
#define MIRROR_DOOR_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "control/place.h"

struct door {
  char path[PLACE_MAX];
  int fd;      /* -1: not open */
  dev_t device; /* of the socket's file, to know it again */
  ino_t inode;
  void (*let_in) (void *opaque, int connection);
  void *opaque;
  GMainContext *context;
  GSource *source;
};

/* Listen at @path, in place of a socket that nobody serves any more; its file
 * gets this @mode.  0, or -errno and @why (MESSAGE_MAX bytes).
 */
int door_open (struct door *door, const char *path, mode_t mode, char *why);

/* What door_open would say, without changing anything. */
int door_check (const char *path, char *why);

/* Whoever connects from now on is let in, in @context: the connection, which
 * does not block, is the callee's.  While there are no descriptors left nobody
 * is.
 */
void door_watch (struct door *door, GMainContext *context,
                 void (*let_in) (void *opaque, int connection), void *opaque);

/* Stop listening, and remove the file if it is still ours. */
void door_close (struct door *door);

/* May the process behind this connection give orders?  Those of our user and
 * of root may.
 */
bool door_knows (int fd);

#endif /* MIRROR_DOOR_H */
