/* SPDX-License-Identifier: BSD-3-Clause */
/* watcher: stopping while clients stay connected.
 *
 * After SIGTERM nbdkit answers new requests itself, but waits without limit
 * for every client to go before it calls .cleanup; an idle client keeps the
 * server for ever, until a supervisor kills it.  So a thread of ours sleeps
 * in nbdkit_nanosleep, which the server cuts short when it begins to stop:
 *
 *   signal -> drain what is under way -> flush every disk -> a moment's
 *   grace -> shut the clients' sockets down -> nbdkit ends as usual
 *
 * What was acknowledged is on stable storage before a connection is cut, and
 * an NBD client must expect its connection to end at any time.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/plugin.h"

static struct {
  struct ground_thread thread;
  struct ground_mutex lock;
  struct ground_cond changed;
  bool started, stopping;
  uint64_t drain_ns;
} watcher;

/* Where a socket is bound; its length is 0 if @fd is no socket. */
struct name {
  struct sockaddr_storage address;
  socklen_t length;
  bool listening;
};

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
  return name;
}

static uint16_t
ip_port (const struct name *name)
{
  switch (name->address.ss_family) {
  case AF_INET:
    return ((const struct sockaddr_in *)&name->address)->sin_port;
  case AF_INET6:
    return ((const struct sockaddr_in6 *)&name->address)->sin6_port;
  default:
    return 0;
  }
}

/* Was @connection accepted on @listener?  Over IP the listener's address may
 * be a wildcard, but a port that is listened on is nobody else's.
 */
static bool
accepted_on (const struct name *connection, const struct name *listener)
{
  if (connection->address.ss_family != listener->address.ss_family)
    return false;
  if (ip_port (listener) != 0)
    return ip_port (connection) == ip_port (listener);
  /* An unnamed Unix socket is one that we connected ourselves. */
  return connection->length > sizeof (sa_family_t)
         && connection->length == listener->length
         && memcmp (&connection->address, &listener->address,
                    listener->length) == 0;
}

/* Call @what for every open descriptor of this process. */
static void
for_each_fd (void (*what) (int fd, void *opaque), void *opaque)
{
  DIR *directory = opendir ("/proc/self/fd");
  const struct dirent *entry;

  if (directory == NULL)
    return;
  while ((entry = readdir (directory)) != NULL)
    if (entry->d_name[0] != '.')
      what (atoi (entry->d_name), opaque);
  closedir (directory);
}

static void
shut_if_accepted (int fd, void *opaque)
{
  const struct name *listener = opaque;
  struct name name = socket_name (fd);

  if (name.length > 0 && !name.listening && accepted_on (&name, listener))
    shutdown (fd, SHUT_RDWR);
}

static void
shut_clients_of_listener (int fd, void *opaque)
{
  struct name name = socket_name (fd);

  (void)opaque;
  if (name.length > 0 && name.listening)
    for_each_fd (shut_if_accepted, &name);
}

/* True if .cleanup came within @grace_ns. */
static bool
cleanup_came (uint64_t grace_ns)
{
  uint64_t deadline = ground_now () + grace_ns;
  bool came;

  ground_mutex_lock (&watcher.lock);
  while (!watcher.stopping
         && ground_cond_wait (&watcher.changed, &watcher.lock, deadline) == 0)
    ;
  came = watcher.stopping;
  ground_mutex_unlock (&watcher.lock);
  return came;
}

static void
watch (void *argument)
{
  (void)argument;
  while (nbdkit_nanosleep (24 * 60 * 60, 0) == 0)
    ;
  /* It ends early because the server stops, and for no other reason. */
  assert (errno == ESHUTDOWN);
  array_quiesce (the_array, ground_now () + watcher.drain_ns);
  /* Clients that connected at the last moment are found the next time. */
  while (!cleanup_came (STOP_GRACE_MS * GROUND_MS)) {
    log_debug ("stopping: all disks are flushed; closing the connections of "
               "clients that stay");
    for_each_fd (shut_clients_of_listener, NULL);
  }
}

int
watcher_start (uint64_t drain_ns)
{
  int r;

  watcher.drain_ns = drain_ns;
  ground_mutex_init (&watcher.lock);
  ground_cond_init (&watcher.changed);
  r = ground_thread_start (&watcher.thread, "mirror-watcher", watch, NULL);
  watcher.started = r == 0;
  return r;
}

void
watcher_stop (void)
{
  if (!watcher.started)
    return;
  ground_mutex_lock (&watcher.lock);
  watcher.stopping = true;
  ground_cond_broadcast (&watcher.changed);
  ground_mutex_unlock (&watcher.lock);
  /* With -s the server comes here without a signal, when its client goes:
   * then only this ends the sleep.
   */
  nbdkit_shutdown ();
  ground_thread_join (&watcher.thread);
  watcher.started = false;
}
