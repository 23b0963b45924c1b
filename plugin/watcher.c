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
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/plugin.h"

/* Descriptors that are looked at when clients have to go. */
#define FDS_MAX (1024 * 1024)

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
         && memcmp (&connection->address, &listener->address,
                    listener->length) == 0;
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

static void
shut_clients_of (const struct name *listener)
{
  for (int fd = 0; fd < fd_limit (); fd++) {
    struct name name = socket_name (fd);

    if (name.length > 0 && !name.listening && accepted_on (&name, listener))
      shutdown (fd, SHUT_RDWR);
  }
}

static void
shut_clients (void)
{
  bool listening = false;

  for (int fd = 0; fd < fd_limit (); fd++) {
    struct name name = socket_name (fd);

    if (name.length > 0 && name.listening) {
      listening = true;
      shut_clients_of (&name);
    }
  }
  /* nbdkit -s: the client is our standard input. */
  if (!listening)
    shutdown (STDIN_FILENO, SHUT_RDWR);
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
    shut_clients ();
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
