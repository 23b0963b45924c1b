/* SPDX-License-Identifier: BSD-3-Clause */
/* sockets: where the server listens, and its clients' connections.
 *
 * nbdkit tells a plugin neither, but they are descriptors of this process:
 * from .after_fork on all that the server listens on is there, whether nbdkit
 * bound it, or was handed it (socket activation).  With -s there is none: the
 * client is what standard input was before nbdkit moved it elsewhere.
 */
#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ground/util.h"
#include "plugin/sockets.h"

/* Descriptors that are looked at. */
#define FDS_MAX (1024 * 1024)

/* Standard input as it was when the plugin was loaded. */
static struct stat first_stdin;

void
sockets_remember_stdin (void)
{
  if (fstat (STDIN_FILENO, &first_stdin) == -1)
    first_stdin = (struct stat){ .st_mode = 0 };
}

/* One more than the largest descriptor there can be.  Not from /proc: when
 * clients have used all descriptors up, it cannot be opened.
 */
static int
fd_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == -1)
    return FD_SETSIZE;
  return MIN (limit.rlim_cur, (rlim_t)FDS_MAX);
}

/* Where a socket is bound; its length is 0 if @fd is no socket. */
struct name {
  struct sockaddr_storage address;
  socklen_t length;
  bool listening;
};

static struct name left_name;
static char left_alone[2][sizeof ((struct sockaddr_un *)0)->sun_path];

void
sockets_leave_alone (const char *path, const char *other)
{
  snprintf (left_alone[0], sizeof left_alone[0], "%s", path);
  snprintf (left_alone[1], sizeof left_alone[1], "%s", other);
}

/* 0: not a socket with ports. */
static uint32_t
port (const struct name *name)
{
  switch (name->address.ss_family) {
  case AF_INET:
    return ((const struct sockaddr_in *)&name->address)->sin_port;
  case AF_INET6:
    return ((const struct sockaddr_in6 *)&name->address)->sin6_port;
  case AF_VSOCK:
    return ((const struct sockaddr_vm *)&name->address)->svm_port;
  default:
    return 0;
  }
}

/* Was @connection accepted on @listener?  The listener's address may be a
 * wildcard, but a port that is listened on is nobody else's.
 */
static bool
accepted_on (const struct name *connection, const struct name *listener)
{
  if (connection->address.ss_family != listener->address.ss_family)
    return false;
  if (port (listener) != 0)
    return port (connection) == port (listener);
  /* An unnamed Unix socket is one that we connected ourselves. */
  return connection->length > sizeof (sa_family_t)
         && connection->length == listener->length
         && memcmp (&connection->address, &listener->address, listener->length)
              == 0;
}

static bool
is_left_alone (const struct name *name)
{
  const struct sockaddr_un *un = (const struct sockaddr_un *)&name->address;

  if (left_name.length > 0 && accepted_on (name, &left_name))
    return true;
  return un->sun_family == AF_UNIX && un->sun_path[0] != '\0'
         && (strcmp (un->sun_path, left_alone[0]) == 0
             || strcmp (un->sun_path, left_alone[1]) == 0);
}

static struct name
socket_name (int fd)
{
  struct name name = { .length = sizeof name.address };
  int listening = 0;
  socklen_t size = sizeof listening;

  if (getsockname (fd, (struct sockaddr *)&name.address, &name.length) == -1
      || getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == -1)
    return (struct name){ .length = 0 };
  name.listening = listening;
  if (is_left_alone (&name))
    return (struct name){ .length = 0 };
  return name;
}

void
sockets_leave_fd_alone (int fd)
{
  left_name = socket_name (fd);
}

/* For people. */
static void
describe (const struct name *name, char *ret, size_t size)
{
  const struct sockaddr_un *un = (const struct sockaddr_un *)&name->address;
  char host[INET6_ADDRSTRLEN] = "";

  switch (name->address.ss_family) {
  case AF_INET:
    inet_ntop (AF_INET, &((const struct sockaddr_in *)&name->address)->sin_addr,
               host, sizeof host);
    snprintf (ret, size, "TCP %s:%u", host, ntohs (port (name)));
    break;
  case AF_INET6:
    inet_ntop (AF_INET6,
               &((const struct sockaddr_in6 *)&name->address)->sin6_addr, host,
               sizeof host);
    snprintf (ret, size, "TCP [%s]:%u", host, ntohs (port (name)));
    break;
  case AF_VSOCK:
    snprintf (ret, size, "vsock port %u", port (name));
    break;
  case AF_UNIX:
    /* An abstract name begins with a NUL; no name ends with one for sure. */
    if (un->sun_path[0] == '\0')
      snprintf (ret, size, "Unix socket @%.*s", (int)(sizeof un->sun_path - 1),
                un->sun_path + 1);
    else
      snprintf (ret, size, "Unix socket %.*s", (int)sizeof un->sun_path,
                un->sun_path);
    break;
  default:
    snprintf (ret, size, "a socket of family %d", name->address.ss_family);
  }
}

static bool listens;

bool
sockets_are_there (void)
{
  return listens;
}

void
sockets_describe (char *ret, size_t size)
{
  size_t used = 0;

  for (int fd = 0; fd < fd_limit () && used < size; fd++) {
    struct name name = socket_name (fd);
    char text[200];

    if (name.length == 0 || !name.listening)
      continue;
    describe (&name, text, sizeof text);
    used += snprintf (ret + used, size - used, "%s%s", used == 0 ? "" : " and ",
                      text);
  }
  listens = used > 0;
  if (!listens) /* nbdkit -s */
    snprintf (ret, size, "standard input and output");
}

static void
shut_clients_of (const struct name *listener)
{
  for (int fd = 0; fd < fd_limit (); fd++) {
    struct name name = socket_name (fd);

    if (name.length > 0 && !name.listening && accepted_on (&name, listener))
      shutdown (fd, SHUT_RDWR);
  }
}

/* A pipe cannot be shut down from this side. */
static void
shut_first_stdin (void)
{
  if (!S_ISSOCK (first_stdin.st_mode))
    return;
  for (int fd = 0; fd < fd_limit (); fd++) {
    struct stat status;

    if (fstat (fd, &status) == 0 && status.st_dev == first_stdin.st_dev
        && status.st_ino == first_stdin.st_ino)
      shutdown (fd, SHUT_RDWR);
  }
}

void
sockets_shut_clients (void)
{
  bool listening = false;

  for (int fd = 0; fd < fd_limit (); fd++) {
    struct name name = socket_name (fd);

    if (name.length > 0 && name.listening) {
      listening = true;
      shut_clients_of (&name);
    }
  }
  if (!listening) /* nbdkit -s */
    shut_first_stdin ();
}
