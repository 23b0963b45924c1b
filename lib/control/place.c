/* SPDX-License-Identifier: BSD-3-Clause */
/* place: where control sockets are.
 *
 * Servers put them into one directory, so that nbdmirror finds them:
 * $XDG_RUNTIME_DIR/nbdmirror, or /run/nbdmirror for root.
 */
#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/place.h"

#define ROOTS_DIRECTORY "/run/nbdmirror"

char *
place_directory (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (runtime != NULL && runtime[0] == '/')
    return g_build_filename (runtime, "nbdmirror", NULL);
  return geteuid () == 0 ? g_strdup (ROOTS_DIRECTORY) : NULL;
}

char **
place_directories (void)
{
  GPtrArray *directories = g_ptr_array_new ();
  char *own = place_directory ();

  if (own != NULL)
    g_ptr_array_add (directories, own);
  if (own == NULL || strcmp (own, ROOTS_DIRECTORY) != 0)
    g_ptr_array_add (directories, g_strdup (ROOTS_DIRECTORY));
  g_ptr_array_add (directories, NULL);
  return (char **)g_ptr_array_free (directories, FALSE);
}

char *
place_name (const char *name)
{
  char *file = g_strdup (name);

  for (char *c = file; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_-+:.@", *c) == NULL)
      *c = '_';
  if (file[0] == '.')
    file[0] = '_';
  return file;
}

char *
place_readonly (const char *path)
{
  size_t length = strlen (path);

  if (g_str_has_suffix (path, PLACE_SOCKET))
    length -= strlen (PLACE_SOCKET);
  return g_strdup_printf ("%.*s" PLACE_READONLY, (int)length, path);
}

bool
place_address (const char *path, struct sockaddr_un *ret)
{
  *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
  if (strlen (path) >= sizeof ret->sun_path)
    return false;
  strcpy (ret->sun_path, path);
  return true;
}

enum place_state
place_look (const char *path)
{
  struct sockaddr_un address;
  struct stat status;
  int fd, r;

  if (lstat (path, &status) == -1)
    return PLACE_FREE;
  if (!S_ISSOCK (status.st_mode) || !place_address (path, &address))
    return PLACE_OTHER;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd == -1)
    return PLACE_LIVE;
  r = connect (fd, (const struct sockaddr *)&address, sizeof address);
  /* Anything else, as a full queue, is an answer of somebody. */
  r = r == -1 && errno == ECONNREFUSED ? -1 : 0;
  close (fd);
  return r == -1 ? PLACE_STALE : PLACE_LIVE;
}
