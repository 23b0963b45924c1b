/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-connect: reach a server, learn what it can do, and leave it.
 *
 * Called by the door, before the fork, in one thread.  Blocks until the
 * deadline at most, but for the resolver: libnbd looks up host names with
 * getaddrinfo, which has its own idea of time.
 *
 * The handles made here are the ones that serve later, since a server may
 * take a single connection in its life.  libnbd's own waiting calls have no
 * timeout, hence the loop of our own.
 *
 * What a server says of itself is checked, never asserted.
 */
#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ground/log.h"
#include "legs/leg-nbd-internal.h"

/* What NBD allows as minimum block size, and what is too small to serve as
 * maximum.
 */
#define BLOCK_MINIMUM_MAX 65536
#define BLOCK_MAXIMUM_MIN 4096

/* libnbd's last error in this thread, without the function of libnbd at its
 * start.  A part may be the server's text.
 */
static const char *
error_text (void)
{
  const char *error = nbd_get_error ();

  if (error == NULL)
    error = "unknown error";
  if (strncmp (error, "nbd_", 4) == 0 && strstr (error, ": ") != NULL)
    error = strstr (error, ": ") + 2;
  return error;
}

static int
tell_failed (int error, char *why, const char *hint)
{
  return leg_refuse (why, error, "cannot connect: %.400s%s", error_text (),
                     hint);
}

/* Libnbd failed at once: a bad URI, nobody there, no such host. */
static int
tell_no_connection (char *why)
{
  int error = nbd_get_errno ();
  bool nobody = error == ECONNREFUSED || error == ENOENT;

  return tell_failed (error > 0 ? -error : -ENOTCONN, why,
                      nobody ? " (is the server running?)" : "");
}

/* There was a conversation, which failed.  EPROTO is where libnbd has no
 * number of its own, or one that could mean that nobody is there: a missing
 * export, or key file.
 */
static int
tell_no_agreement (char *why)
{
  int error = nbd_get_errno ();

  switch (error) {
  case ECONNREFUSED:
    return tell_failed (-error, why, " (is the server running?)");
  case ENOENT:
    return tell_failed (-EPROTO, why, " (check the export name in the URI)");
  case 0:
    return tell_failed (-EPROTO, why, " (is this an NBD server, and free?)");
  default:
    return tell_failed (-error, why, "");
  }
}

static int
tell_no_answer (uint64_t timeout_ns, char *why)
{
  return leg_refuse (why, -ETIMEDOUT,
                     "no answer within %g s; check the server and the way to "
                     "it",
                     (double)timeout_ns / GROUND_S);
}

/* One step of connecting.  0, or -errno and @why. */
static int
connect_step (struct nbd_handle *handle, uint64_t deadline_ns,
              const struct leg_nbd_patience *patience, char *why)
{
  struct pollfd fd
    = { .fd = nbd_aio_get_fd (handle), .events = leg_nbd_events (handle) };
  int wait_ms = leg_nbd_poll_ms (deadline_ns);
  int r = poll (&fd, 1, patience->canceled != NULL
                          ? MIN (wait_ms, NBD_LOOK_MS)
                          : wait_ms);

  if (leg_nbd_is_canceled (patience->canceled))
    return leg_refuse (why, -ESHUTDOWN, "not connected: the mirror stops");
  if (ground_now () >= deadline_ns)
    return tell_no_answer (patience->timeout_ns, why);
  if (r == -1 && errno != EINTR)
    return leg_refuse (why, -errno, "cannot connect: %s",
                       log_strerror (-errno));
  if (r == 1 && leg_nbd_notify (handle, fd.revents) == -1)
    return tell_no_agreement (why);
  return 0;
}

static int
connect_uri (struct nbd_handle *handle, const char *uri, uint64_t deadline_ns,
             const struct leg_nbd_patience *patience, char *why)
{
  if (nbd_set_uri_allow_local_file (handle, true) == -1
      || nbd_add_meta_context (handle, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_aio_connect_uri (handle, uri) == -1)
    return tell_no_connection (why);

  while (nbd_aio_is_connecting (handle) > 0) {
    int r = connect_step (handle, deadline_ns, patience, why);

    if (r != 0)
      return r;
  }
  if (nbd_aio_is_ready (handle) <= 0)
    return leg_refuse (why, -EPROTO,
                       "cannot connect: the server hung up; is it free?");
  return 0;
}

/* A second line behind our deadlines: the kernel too gives up a peer that
 * does not answer, also while nothing is asked of it.  Failing costs nothing
 * but that.
 */
static void
watch_socket (int socket, uint64_t timeout_ns)
{
  int s = MAX (timeout_ns / GROUND_S, UINT64_C (1));
  int ms = MIN (timeout_ns / GROUND_MS, (uint64_t)INT_MAX);
  int interval = MAX (s / 3, 1);
  int on = 1;
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  if (getsockname (socket, (struct sockaddr *)&address, &length) == -1
      || (address.ss_family != AF_INET && address.ss_family != AF_INET6))
    return;
  setsockopt (socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt (socket, IPPROTO_TCP, TCP_KEEPIDLE, &s, sizeof s);
  setsockopt (socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

/* 0 and @connection is ready; or -errno, @why, and nothing is left of it. */
static int
connect_one (struct nbd_connection *connection, const char *uri,
             uint64_t deadline_ns, const struct leg_nbd_patience *patience,
             char *why)
{
  int r;

  *connection = (struct nbd_connection){ .handle = nbd_create () };
  if (connection->handle == NULL)
    return tell_no_connection (why);
  r = connect_uri (connection->handle, uri, deadline_ns, patience, why);
  if (r != 0)
    goto err_handle;
  connection->socket
    = fcntl (nbd_aio_get_fd (connection->handle), F_DUPFD_CLOEXEC, 0);
  if (connection->socket == -1) {
    r = leg_refuse (why, -errno, "cannot keep the connection: %s",
                    log_strerror (-errno));
    goto err_handle;
  }
  watch_socket (connection->socket, patience->timeout_ns);
  return 0;

err_handle:
  nbd_close (connection->handle);
  return r;
}

/* Offsets and lengths.  A server that tells no minimum takes any byte in
 * practice.
 */
static int
learn_blocks (struct leg_nbd *nbd, struct nbd_handle *handle, char *why)
{
  struct leg_caps *caps = &nbd->leg.caps;
  int64_t minimum = nbd_get_block_size (handle, LIBNBD_SIZE_MINIMUM);
  int64_t preferred = nbd_get_block_size (handle, LIBNBD_SIZE_PREFERRED);
  int64_t maximum = nbd_get_block_size (handle, LIBNBD_SIZE_MAXIMUM);

  minimum = minimum <= 0 ? 1 : minimum;
  maximum = maximum <= 0 ? NBD_REQUEST_DEFAULT_MAX
                         : MIN (maximum, (int64_t)NBD_REQUEST_DEFAULT_MAX);
  if (!is_power_of_2 (minimum) || minimum > BLOCK_MINIMUM_MAX
      || maximum < BLOCK_MAXIMUM_MIN || maximum < minimum)
    return leg_refuse (why, -EINVAL,
                       "the server wants requests of at least %jd and at most "
                       "%jd bytes, which cannot be",
                       (intmax_t)minimum, (intmax_t)maximum);
  if (preferred < minimum || preferred > (int64_t)NBD_REQUEST_DEFAULT_MAX
      || !is_power_of_2 (preferred))
    preferred = MAX (minimum, (int64_t)4096);

  caps->block_minimum = minimum;
  caps->block_preferred = preferred;
  caps->request_max = round_down (maximum, minimum);
  /* Not more at a time, though NBD could: a server that writes the zeroes, or
   * looks for every hole, must answer before the deadline.  That for zeroes is
   * longer because of slow servers, not in order to ask more of them.
   */
  caps->zero_max = caps->request_max;
  caps->memory_alignment = 1;
  return 0;
}

/* Doubts about an ability (-1) count as no. */
static int
learn_server (struct leg_nbd *nbd, struct nbd_handle *handle, char *why)
{
  struct leg_caps *caps = &nbd->leg.caps;
  int64_t size = nbd_get_size (handle);
  int r = learn_blocks (nbd, handle, why);

  if (r != 0)
    return r;
  /* Old versions of libnbd pass a hostile size on as negative. */
  if (size < 0)
    return leg_refuse (why, -EINVAL, "the server tells a size that cannot be");
  caps->exact_size = size;
  caps->size = round_down (size, caps->block_minimum);
  if (caps->size == 0)
    return leg_refuse (why, -EINVAL,
                       "the export is empty, or smaller than one block");

  caps->readonly = nbd_is_read_only (handle) != 0;
  if (caps->readonly)
    caps->why_readonly = "its server says so";
  caps->rotational = nbd_is_rotational (handle) > 0;
  caps->flush = nbd_can_flush (handle) > 0;
  caps->fua = nbd_can_fua (handle) > 0;
  caps->extents
    = nbd_can_meta_context (handle, LIBNBD_CONTEXT_BASE_ALLOCATION) > 0;
  nbd->can_zero = nbd_can_zero (handle) > 0;
  nbd->can_fast_zero = nbd->can_zero && nbd_can_fast_zero (handle) > 0;
  nbd->can_trim = nbd_can_trim (handle) > 0;
  nbd->can_cache = nbd_can_cache (handle) > 0;
  return 0;
}

/* What was learnt on connection @a must be true of @b, too. */
static bool
is_same_export (struct nbd_handle *a, struct nbd_handle *b)
{
  static int (*const abilities[]) (struct nbd_handle *handle)
    = { nbd_is_read_only, nbd_can_fua,       nbd_can_flush, nbd_can_trim,
        nbd_can_zero,     nbd_can_fast_zero, nbd_can_cache,
        nbd_can_multi_conn };
  static const int sizes[]
    = { LIBNBD_SIZE_MINIMUM, LIBNBD_SIZE_PREFERRED, LIBNBD_SIZE_MAXIMUM };
  const char *context = LIBNBD_CONTEXT_BASE_ALLOCATION;
  bool same = nbd_get_size (a) == nbd_get_size (b)
              && nbd_can_meta_context (a, context)
                   == nbd_can_meta_context (b, context);

  for (size_t i = 0; i < ARRAY_LENGTH (abilities); i++)
    same = same && abilities[i](a) == abilities[i](b);
  for (size_t i = 0; i < ARRAY_LENGTH (sizes); i++)
    same = same
           && nbd_get_block_size (a, sizes[i])
                == nbd_get_block_size (b, sizes[i]);
  return same;
}

/* More connections if the server says that they see each other's writes and
 * flushes.  They only make it faster, so failing here is no failure.
 */
static void
connect_more (struct leg_nbd *nbd, unsigned connections, uint64_t deadline_ns,
              const struct leg_nbd_patience *patience)
{
  struct nbd_handle *first = nbd->connection[0].handle;
  char why[MESSAGE_MAX];

  while (nbd->connections < connections
         && nbd_can_multi_conn (first) > 0) {
    struct nbd_connection *connection = &nbd->connection[nbd->connections];

    if (connect_one (connection, nbd->leg.name, deadline_ns, patience, why)
        != 0) {
      log_debug ("%s: fewer connections: %s", nbd->leg.name, why);
      break;
    }
    if (!is_same_export (first, connection->handle)) {
      log_debug ("%s: fewer connections: they differ", nbd->leg.name);
      nbd_close (connection->handle);
      close (connection->socket);
      break;
    }
    nbd->connections++;
  }
}

static struct leg_nbd *
create (const char *uri, const struct leg_nbd_patience *patience)
{
  struct leg_nbd *nbd = calloc (1, sizeof *nbd);

  if (nbd == NULL)
    return NULL;
  nbd->leg.ops = &leg_nbd_ops;
  nbd->leg.rank = LEG_REMOTE;
  nbd->leg.name = strdup (uri);
  nbd->asked_ns = ground_now ();
  nbd->canceled = patience->canceled;
  nbd->look_until_ns = patience->canceled == NULL
                         ? GROUND_NEVER
                         : ground_now () + 2 * patience->timeout_ns
                             + JOIN_LOOK_S * GROUND_S;
  nbd->reader = NBD_POLLER;
  nbd->flight[NBD_DATA].timeout_ns = patience->timeout_ns;
  nbd->flight[NBD_FLUSH].timeout_ns = patience->flush_timeout_ns;
  nbd->kick = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (nbd->leg.name == NULL || nbd->kick == -1) {
    if (nbd->kick != -1)
      close (nbd->kick);
    free ((char *)nbd->leg.name);
    free (nbd);
    return NULL;
  }
  ground_mutex_init (&nbd->lists);
  return nbd;
}

int
leg_nbd_open (const char *uri, const struct leg_nbd_patience *patience,
              unsigned connections, struct leg **ret, char *why)
{
  uint64_t deadline_ns = ground_now () + patience->timeout_ns;
  struct leg_nbd *nbd = create (uri, patience);
  int r;

  assert (patience->timeout_ns > 0
          && patience->flush_timeout_ns >= patience->timeout_ns
          && connections >= 1 && connections <= NBD_CONNECTIONS_MAX);
  why[0] = '\0';
  if (nbd == NULL)
    return leg_refuse (why, -ENOMEM, "no memory, or too many open files");
  r = connect_one (&nbd->connection[0], uri, deadline_ns, patience, why);
  if (r != 0)
    goto err_free;
  nbd->connections = 1;
  leg_nbd_identify (nbd);
  r = learn_server (nbd, nbd->connection[0].handle, why);
  if (r != 0)
    goto err_free;
  connect_more (nbd, connections, deadline_ns, patience);
  nbd->blocks = calloc (nbd->connections, nbd->leg.caps.block_minimum);
  if (nbd->blocks == NULL) {
    r = leg_refuse (why, -ENOMEM, "no memory");
    goto err_free;
  }
  *ret = &nbd->leg;
  return 0;

err_free:
  leg_nbd_free (nbd);
  return r;
}

void
leg_nbd_free (struct leg_nbd *nbd)
{
  for (unsigned i = 0; i < nbd->connections; i++) {
    nbd_close (nbd->connection[i].handle);
    close (nbd->connection[i].socket);
  }
  free (nbd->blocks);
  close (nbd->kick);
  ground_mutex_destroy (&nbd->lists);
  free ((char *)nbd->leg.name);
  free (nbd);
}
