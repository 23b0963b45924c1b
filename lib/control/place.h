/* SPDX-License-Identifier: BSD-3-Clause */
/* place: where control sockets are. */
#ifndef MIRROR_PLACE_H
#define MIRROR_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/* The longest path of a socket, with its NUL. */
#define PLACE_MAX sizeof (((struct sockaddr_un *)0)->sun_path)

/* Ends of file names in a runtime directory. */
#define PLACE_SOCKET ".sock"
#define PLACE_READONLY ".ro"

/* The runtime directory that a server of this user puts its sockets into.
 * NULL: there is none.  Freed by g_free.
 */
char *place_directory (void);

/* All runtime directories in which there may be sockets for this user, for
 * g_strfreev.
 */
char **place_directories (void);

/* A file name for an array called @name (any bytes); "": it has none. */
char *place_name (const char *name);

/* Beside @path, the socket that only answers questions: its end .sock becomes
 * .ro, or .ro is added.  For g_free.
 */
char *place_readonly (const char *path);

/* What is at @path? */
enum place_state {
  PLACE_FREE,  /* nothing */
  PLACE_STALE, /* a socket that nobody serves */
  PLACE_LIVE,  /* a socket that somebody serves */
  PLACE_OTHER, /* no socket */
};
enum place_state place_look (const char *path);

/* Fill in the address.  False: @path is too long. */
bool place_address (const char *path, struct sockaddr_un *ret);

#endif /* MIRROR_PLACE_H */
