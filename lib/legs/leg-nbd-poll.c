/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-poll: the in-flight list, its deadlines, and the poll thread.
 *
 * Called by leg-nbd.c from any thread, and by the leg's own poll thread.
 * The lists mutex is held for a few lines at a time, never while calling
 * libnbd or child->done.  The poller blocks in poll(2) only, until the next
 * deadline.
 *
 * All commands of a leg have the same timeout, so the list in order of issue
 * is the list in order of deadlines.  It also means that a poller which finds
 * nothing in flight may sleep for one timeout: whatever is issued meanwhile
 * has its deadline later than that, and needs no wake-up.
 *
 * libnbd's direction changes under our hands, since issuers drive the handle
 * too.  A call in the wrong state is refused without harm; an issuer that
 * leaves anything but "waiting for input" behind kicks the poller.
 */
#include <errno.h>
#include <libnbd.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "legs/leg-nbd-internal.h"

static void
unlink_in_flight (struct leg_nbd *nbd, struct child *child)
{
  struct child *previous = child->driver.previous;
  struct child *next = child->driver.next;

  if (previous != NULL)
    previous->driver.next = next;
  else
    nbd->first = next;
  if (next != NULL)
    next->driver.previous = previous;
  else
    nbd->last = previous;
}

static struct nbd_connection *
least_busy (struct leg_nbd *nbd)
{
  struct nbd_connection *best = &nbd->connection[0];

  for (unsigned i = 1; i < nbd->connections; i++)
    if (nbd->connection[i].in_flight < best->in_flight)
      best = &nbd->connection[i];
  return best;
}

struct nbd_connection *
leg_nbd_enlist (struct leg_nbd *nbd, struct child *child)
{
  struct nbd_connection *connection = NULL;

  ground_mutex_lock (&nbd->lists);
  if (nbd->gone == 0) {
    connection = least_busy (nbd);
    connection->in_flight++;
    child->driver.leg = &nbd->leg;
    child->driver.connection = connection - nbd->connection;
    child->driver.expired = false;
    /* Read under the lock: the list is in order of deadlines. */
    child->driver.deadline_ns = ground_now () + nbd->timeout_ns;
    child->driver.next = NULL;
    child->driver.previous = nbd->last;
    if (nbd->last != NULL)
      nbd->last->driver.next = child;
    else
      nbd->first = child;
    nbd->last = child;
  }
  ground_mutex_unlock (&nbd->lists);
  return connection;
}

static bool
is_write (const struct child *child)
{
  return child->op == CHILD_WRITE || child->op == CHILD_ZERO;
}

void
leg_nbd_retire (struct leg_nbd *nbd, struct child *child, int error)
{
  ground_mutex_lock (&nbd->lists);
  assert (nbd->connection[child->driver.connection].in_flight > 0);
  nbd->connection[child->driver.connection].in_flight--;
  unlink_in_flight (nbd, child);

  if (error == -ENOTCONN && is_write (child))
    nbd->lost_writes = true;
  if (error == -ENOTCONN && child->driver.expired)
    error = -ETIMEDOUT;
  child->driver.error = error;
  child->driver.next = NULL;
  if (nbd->completed_last != NULL)
    nbd->completed_last->driver.next = child;
  else
    nbd->completed = child;
  nbd->completed_last = child;
  ground_mutex_unlock (&nbd->lists);
}

void
leg_nbd_complete (struct leg_nbd *nbd)
{
  struct child *child, *next;

  ground_mutex_lock (&nbd->lists);
  child = nbd->completed;
  nbd->completed = nbd->completed_last = NULL;
  ground_mutex_unlock (&nbd->lists);

  for (; child != NULL; child = next) {
    /* It belongs to the issuer again the moment done is called. */
    next = child->driver.next;
    /* Who hears that the connection is lost finds the leg given up. */
    if (child->driver.error == -ENOTCONN || child->driver.error == -ETIMEDOUT)
      leg_nbd_give_up (nbd, child->driver.error);
    child->done (child, child->driver.error);
  }
}

void
leg_nbd_kick (struct leg_nbd *nbd)
{
  /* A full counter wakes just as well. */
  if (eventfd_write (nbd->kick, 1) == -1)
    assert (errno == EAGAIN);
}

/* Has the other side closed it, before we did, and in order?  Of TCP a reset
 * looks closed in both directions.  On a Unix socket a reset is a close of
 * somebody who has not read everything, in the same machine: no less an end.
 */
static bool
is_closed_by_peer (int socket)
{
  struct pollfd fd = { .fd = socket, .events = POLLRDHUP };
  int domain = 0;
  socklen_t length = sizeof domain;

  if (poll (&fd, 1, 0) != 1 || !(fd.revents & POLLRDHUP))
    return false;
  getsockopt (socket, SOL_SOCKET, SO_DOMAIN, &domain, &length);
  return domain == AF_UNIX || !(fd.revents & (POLLHUP | POLLERR));
}

/* Each connection may carry what another one's end says nothing about. */
static bool
are_closed_by_peer (const struct leg_nbd *nbd)
{
  for (unsigned i = 0; i < nbd->connections; i++)
    if (!is_closed_by_peer (nbd->connection[i].socket))
      return false;
  return true;
}

/* With the lists' lock.  What died with its connection is in the list no more.
 */
static bool
has_writes_in_flight (const struct leg_nbd *nbd)
{
  for (const struct child *child = nbd->first; child != NULL;
       child = child->driver.next)
    if (is_write (child))
      return true;
  return nbd->lost_writes;
}

void
leg_nbd_give_up (struct leg_nbd *nbd, int error)
{
  /* Looked at before anything is shut down; whoever is first counts. */
  bool by_peer = error == -ENOTCONN && are_closed_by_peer (nbd);
  bool was_gone;

  assert (error < 0);
  ground_mutex_lock (&nbd->lists);
  was_gone = nbd->gone != 0;
  if (!was_gone) {
    nbd->leg.end
      = (struct leg_end){ .by_peer = by_peer,
                          .writes_in_flight = has_writes_in_flight (nbd) };
    nbd->gone = error;
    atomic_fetch_add (&nbd->leg.generation, 1);
  }
  ground_mutex_unlock (&nbd->lists);
  if (was_gone)
    return;

  /* Acts on the connection, whichever process also holds the socket.  What
   * was received before is still read and counts.
   */
  for (unsigned i = 0; i < nbd->connections; i++)
    shutdown (nbd->connection[i].socket, SHUT_RDWR);
}

bool
leg_nbd_begin_close (struct leg_nbd *nbd)
{
  bool is_connected;

  ground_mutex_lock (&nbd->lists);
  assert (nbd->first == NULL && nbd->completed == NULL);
  is_connected = nbd->gone == 0;
  nbd->closing = true;
  ground_mutex_unlock (&nbd->lists);
  return is_connected;
}

/* Mark what is overdue.  True if there is any. */
static bool
mark_expired (struct leg_nbd *nbd)
{
  uint64_t now = ground_now ();
  bool expired = false;

  ground_mutex_lock (&nbd->lists);
  for (struct child *child = nbd->first;
       child != NULL && child->driver.deadline_ns <= now;
       child = child->driver.next)
    expired = child->driver.expired = true;
  ground_mutex_unlock (&nbd->lists);
  return expired;
}

static uint64_t
next_deadline (struct leg_nbd *nbd)
{
  uint64_t deadline;

  ground_mutex_lock (&nbd->lists);
  /* See the head of this file. */
  deadline = nbd->first != NULL ? nbd->first->driver.deadline_ns
                                : ground_now () + nbd->timeout_ns;
  /* Given up already: the shut sockets wake us, no clock is needed. */
  if (nbd->gone != 0)
    deadline = ground_now () + nbd->timeout_ns;
  ground_mutex_unlock (&nbd->lists);
  return deadline;
}

int
leg_nbd_poll_ms (uint64_t deadline_ns)
{
  uint64_t now = ground_now ();

  if (deadline_ns <= now)
    return 0;
  return MIN (div_round_up (deadline_ns - now, GROUND_MS), (uint64_t)INT_MAX);
}

short
leg_nbd_events (struct nbd_handle *handle)
{
  unsigned direction = nbd_aio_get_direction (handle);

  return ((direction & LIBNBD_AIO_DIRECTION_READ) ? POLLIN : 0)
         | ((direction & LIBNBD_AIO_DIRECTION_WRITE) ? POLLOUT : 0);
}

/* Hang-up and error count for whatever the handle waits for: only reading
 * or writing brings the failure to light, and poll would return at once for
 * ever otherwise.
 */
int
leg_nbd_notify (struct nbd_handle *handle, short revents)
{
  short events = leg_nbd_events (handle);
  bool is_over = revents & (POLLHUP | POLLERR | POLLNVAL);

  if ((events & POLLIN) && ((revents & POLLIN) || is_over))
    return nbd_aio_notify_read (handle);
  if ((events & POLLOUT) && ((revents & POLLOUT) || is_over))
    return nbd_aio_notify_write (handle);
  return 0;
}

bool
leg_nbd_is_dead (struct nbd_handle *handle)
{
  return nbd_aio_is_dead (handle) != 0 || nbd_aio_is_closed (handle) != 0;
}

/* How many connections live; their sockets are in @fds, behind the kick. */
static unsigned
fill_poll (struct leg_nbd *nbd, struct pollfd *fds)
{
  unsigned alive = 0;

  fds[0] = (struct pollfd){ .fd = nbd->kick, .events = POLLIN };
  for (unsigned i = 0; i < nbd->connections; i++) {
    struct nbd_connection *connection = &nbd->connection[i];
    bool is_dead = leg_nbd_is_dead (connection->handle);

    /* poll ignores negative numbers. */
    fds[1 + i] = (struct pollfd){
      .fd = is_dead ? -1 : connection->socket,
      .events = is_dead ? 0 : leg_nbd_events (connection->handle),
    };
    alive += !is_dead;
  }
  return alive;
}

bool
leg_nbd_poll_once (struct leg_nbd *nbd)
{
  struct pollfd fds[1 + NBD_CONNECTIONS_MAX];
  unsigned alive = fill_poll (nbd, fds);
  eventfd_t count;
  int r;

  if (alive < nbd->connections)
    leg_nbd_give_up (nbd, -ENOTCONN);
  if (alive == 0) {
    leg_nbd_complete (nbd);
    return false;
  }

  r = poll (fds, 1 + nbd->connections, leg_nbd_poll_ms (next_deadline (nbd)));
  assert (r >= 0 || errno == EINTR || errno == EAGAIN || errno == ENOMEM);
  if (r > 0 && fds[0].revents != 0)
    eventfd_read (nbd->kick, &count);
  /* A refused or failed call shows in the handle's state, next time. */
  for (unsigned i = 0; r > 0 && i < nbd->connections; i++)
    if (fds[1 + i].revents != 0)
      leg_nbd_notify (nbd->connection[i].handle, fds[1 + i].revents);
  leg_nbd_complete (nbd);

  if (mark_expired (nbd))
    leg_nbd_give_up (nbd, -ETIMEDOUT);
  return true;
}

/* All connections are dead, and all that was in flight is answered. */
static void
tell_gone (struct leg_nbd *nbd)
{
  bool is_news;
  int error;

  ground_mutex_lock (&nbd->lists);
  error = nbd->gone;
  is_news = error != -ESHUTDOWN && !nbd->closing;
  ground_mutex_unlock (&nbd->lists);
  assert (error != 0);
  if (is_news && nbd->leg.gone != NULL)
    nbd->leg.gone (&nbd->leg, error);
}

/* A server that hangs up is noticed at once: its sockets are always waited
 * for, whether anything is in flight or not.
 */
static void
poll_main (void *argument)
{
  struct leg_nbd *nbd = argument;

  while (leg_nbd_poll_once (nbd))
    ;
  tell_gone (nbd);
}

int
leg_nbd_poll_start (struct leg_nbd *nbd)
{
  int r = ground_thread_start (&nbd->poller, "leg-nbd", poll_main, nbd);

  nbd->started = r == 0;
  return r;
}

void
leg_nbd_poll_stop (struct leg_nbd *nbd)
{
  if (nbd->started) {
    leg_nbd_kick (nbd);
    ground_thread_join (&nbd->poller);
  }
  nbd->started = false;
}
