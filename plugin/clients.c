/* SPDX-License-Identifier: BSD-3-Clause */
/* clients: who is connected to the array.
 *
 * nbdkit gives each connection a handle; ours is a line of this list.  Who the
 * client is nbdkit says only in the connection's own threads, so it is asked
 * when the connection opens.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "plugin/plugin.h"
#include "plugin/sockets.h"

struct connection {
  struct control_peer peer;
  struct connection *previous, *next;
};

static struct {
  struct ground_mutex lock;
  struct connection *first;
  unsigned count;
} list;

void
clients_begin (void)
{
  ground_mutex_init (&list.lock);
}

static void
name_inet (const struct sockaddr_storage *address, char *ret, size_t size)
{
  char host[INET6_ADDRSTRLEN] = "";

  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;

    inet_ntop (AF_INET, &in->sin_addr, host, sizeof host);
    snprintf (ret, size, "TCP %s:%u", host, ntohs (in->sin_port));
  } else {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;

    inet_ntop (AF_INET6, &in->sin6_addr, host, sizeof host);
    snprintf (ret, size, "TCP [%s]:%u", host, ntohs (in->sin6_port));
  }
}

/* Local clients have no name, but a process and a user. */
static void
learn (struct control_peer *peer)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  peer->pid = peer->uid = -1;
  snprintf (peer->name, sizeof peer->name, "not known");
  /* nbdkit says an error for a pipe. */
  if (!sockets_are_there ()
      || nbdkit_peer_name ((struct sockaddr *)&address, &length) == -1)
    return;
  if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
    name_inet (&address, peer->name, sizeof peer->name);
  else if (address.ss_family == AF_UNIX) {
    snprintf (peer->name, sizeof peer->name, "local");
    peer->pid = nbdkit_peer_pid ();
    peer->uid = nbdkit_peer_uid ();
  }
}

void *
clients_enter (void)
{
  struct connection *connection = calloc (1, sizeof *connection);

  if (connection == NULL)
    return NULL;
  learn (&connection->peer);
  ground_mutex_lock (&list.lock);
  connection->next = list.first;
  if (list.first != NULL)
    list.first->previous = connection;
  list.first = connection;
  list.count++;
  ground_mutex_unlock (&list.lock);
  return connection;
}

void
clients_leave (void *handle)
{
  struct connection *connection = handle;

  ground_mutex_lock (&list.lock);
  if (connection->previous != NULL)
    connection->previous->next = connection->next;
  else
    list.first = connection->next;
  if (connection->next != NULL)
    connection->next->previous = connection->previous;
  list.count--;
  ground_mutex_unlock (&list.lock);
  free (connection);
}

unsigned
clients_list (struct control_peer *ret, unsigned max)
{
  unsigned used = 0, count;

  ground_mutex_lock (&list.lock);
  for (struct connection *at = list.first; at != NULL && used < max;
       at = at->next)
    ret[used++] = at->peer;
  count = list.count;
  ground_mutex_unlock (&list.lock);
  return count;
}
