/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-flight: what is in flight, until when it must be answered, and what
 * is left of it when the leg is given up.
 *
 * Called by leg-nbd.c from any thread, and by the leg's own poll thread.  The
 * lists mutex is held for a few lines at a time, never while calling libnbd or
 * child->done.
 *
 * All commands of a kind have the same timeout, so its list in order of issue
 * is in order of deadlines.  It also means that a poller may sleep for the
 * shortest of the timeouts: whatever is issued meanwhile has its deadline later
 * than that, and needs no wake-up.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "legs/leg-nbd-internal.h"

/* What is stable on a disk, a server may have to write first. */
static struct nbd_flight *
flight_of (struct leg_nbd *nbd, const struct child *child)
{
  bool is_flush = child->op == CHILD_FLUSH || child->op == CHILD_ZERO
                  || (child->flags & CHILD_FUA);

  return &nbd->flight[is_flush ? NBD_FLUSH : NBD_DATA];
}

static void
append (struct nbd_flight *flight, struct child *child)
{
  child->driver.next = NULL;
  child->driver.previous = flight->last;
  if (flight->last != NULL)
    flight->last->driver.next = child;
  else
    flight->first = child;
  flight->last = child;
}

static void
take_out (struct nbd_flight *flight, struct child *child)
{
  struct child *previous = child->driver.previous;
  struct child *next = child->driver.next;

  if (previous != NULL)
    previous->driver.next = next;
  else
    flight->first = next;
  if (next != NULL)
    next->driver.previous = previous;
  else
    flight->last = previous;
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

/* With the lists' lock: they are in order of deadlines. */
static void
put_in_flight (struct leg_nbd *nbd, struct nbd_connection *connection,
               struct child *child)
{
  struct nbd_flight *flight = flight_of (nbd, child);

  connection->in_flight++;
  nbd->in_flight++;
  nbd->peak = MAX (nbd->peak, nbd->in_flight);
  nbd->asked_ns = ground_now ();
  child->driver.leg = &nbd->leg;
  child->driver.connection = connection - nbd->connection;
  child->driver.deadline_ns = nbd->asked_ns + flight->timeout_ns;
  append (flight, child);
}

struct nbd_connection *
leg_nbd_enlist (struct leg_nbd *nbd, struct child *child)
{
  struct nbd_connection *connection = NULL;

  ground_mutex_lock (&nbd->lists);
  if (nbd->gone == 0) {
    connection = least_busy (nbd);
    put_in_flight (nbd, connection, child);
  }
  ground_mutex_unlock (&nbd->lists);
  return connection;
}

/* Whatever the answer is, it is one; and if none comes, the leg ends for that.
 */
static void
heartbeat_over (struct child *child, int error)
{
  struct nbd_connection *connection
    = container_of (child, struct nbd_connection, heartbeat);

  (void)error;
  atomic_store (&connection->has_heartbeat, false);
}

static void
enlist_heartbeat (struct leg_nbd *nbd, struct nbd_connection *connection)
{
  uint32_t block = nbd->leg.caps.block_minimum;

  atomic_store (&connection->has_heartbeat, true);
  connection->heartbeat = (struct child){
    .op = CHILD_READ,
    .length = block,
    .buffer = nbd->blocks + (connection - nbd->connection) * block,
    .done = heartbeat_over,
  };
  put_in_flight (nbd, connection, &connection->heartbeat);
}

/* With the lists' lock. */
static bool
is_idle (const struct leg_nbd *nbd)
{
  for (unsigned i = 0; i < NBD_KINDS; i++)
    if (nbd->flight[i].first != NULL)
      return false;
  for (unsigned i = 0; i < nbd->connections; i++)
    if (atomic_load (&nbd->connection[i].has_heartbeat))
      return false;
  return nbd->gone == 0 && !nbd->closing && nbd->reader != NBD_ISSUER;
}

/* With the lists' lock, while it is idle. */
static uint64_t
heartbeat_ns (const struct leg_nbd *nbd)
{
  return nbd->asked_ns + nbd->flight[NBD_DATA].timeout_ns;
}

bool
leg_nbd_enlist_heartbeats (struct leg_nbd *nbd)
{
  bool is_due;

  ground_mutex_lock (&nbd->lists);
  is_due = is_idle (nbd) && ground_now () >= heartbeat_ns (nbd);
  if (is_due)
    atomic_store (&nbd->reader, NBD_POLLER);
  for (unsigned i = 0; is_due && i < nbd->connections; i++)
    enlist_heartbeat (nbd, &nbd->connection[i]);
  ground_mutex_unlock (&nbd->lists);
  return is_due;
}

static bool
is_write (const struct child *child)
{
  return child->op == CHILD_WRITE || child->op == CHILD_ZERO;
}

/* With the lists' lock: out of flight, and how it ended. */
static void
land (struct leg_nbd *nbd, struct child *child, int error)
{
  assert (nbd->connection[child->driver.connection].in_flight > 0);
  nbd->connection[child->driver.connection].in_flight--;
  nbd->in_flight--;
  take_out (flight_of (nbd, child), child);

  if (error == -ENOTCONN && is_write (child))
    nbd->lost_writes = true;
  /* One deadline passed, and all the others hear why it ended. */
  if (error == -ENOTCONN && nbd->gone == -ETIMEDOUT)
    error = -ETIMEDOUT;
  child->driver.error = error;
}

void
leg_nbd_retire (struct leg_nbd *nbd, struct child *child, int error)
{
  ground_mutex_lock (&nbd->lists);
  land (nbd, child, error);
  child->driver.next = NULL;
  if (nbd->completed_last != NULL)
    nbd->completed_last->driver.next = child;
  else
    nbd->completed = child;
  nbd->completed_last = child;
  ground_mutex_unlock (&nbd->lists);
}

/* It belongs to the issuer again the moment done is called. */
static void
tell_issuer (struct leg_nbd *nbd, struct child *child)
{
  /* Who hears that the connection is lost finds the leg given up. */
  if (child->driver.error == -ENOTCONN || child->driver.error == -ETIMEDOUT)
    leg_nbd_give_up (nbd, child->driver.error);
  child->done (child, child->driver.error);
}

void
leg_nbd_withdraw (struct leg_nbd *nbd, struct child *child, int error)
{
  ground_mutex_lock (&nbd->lists);
  land (nbd, child, error);
  ground_mutex_unlock (&nbd->lists);
  tell_issuer (nbd, child);
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
    next = child->driver.next;
    tell_issuer (nbd, child);
  }
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
  for (unsigned i = 0; i < NBD_KINDS; i++)
    for (const struct child *child = nbd->flight[i].first; child != NULL;
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

/* All of the list that begins so. */
static bool
are_heartbeats (const struct child *child)
{
  for (; child != NULL; child = child->driver.next)
    if (child->done != heartbeat_over)
      return false;
  return true;
}

bool
leg_nbd_begin_close (struct leg_nbd *nbd)
{
  bool is_connected;

  ground_mutex_lock (&nbd->lists);
  for (unsigned i = 0; i < NBD_KINDS; i++)
    assert (are_heartbeats (nbd->flight[i].first));
  assert (are_heartbeats (nbd->completed));
  is_connected = nbd->gone == 0;
  nbd->closing = true;
  ground_mutex_unlock (&nbd->lists);
  return is_connected;
}

bool
leg_nbd_is_overdue (struct leg_nbd *nbd)
{
  uint64_t now = ground_now ();
  bool is_overdue = false;

  ground_mutex_lock (&nbd->lists);
  for (unsigned i = 0; i < NBD_KINDS; i++)
    is_overdue = is_overdue
                 || (nbd->flight[i].first != NULL
                     && nbd->flight[i].first->driver.deadline_ns <= now);
  ground_mutex_unlock (&nbd->lists);
  return is_overdue;
}

uint64_t
leg_nbd_next_deadline (struct leg_nbd *nbd)
{
  /* See the head of this file. */
  uint64_t deadline = ground_now () + nbd->flight[NBD_DATA].timeout_ns;

  ground_mutex_lock (&nbd->lists);
  /* Given up already: the shut sockets wake us, no clock is needed. */
  for (unsigned i = 0; nbd->gone == 0 && i < NBD_KINDS; i++)
    if (nbd->flight[i].first != NULL)
      deadline = MIN (deadline, nbd->flight[i].first->driver.deadline_ns);
  if (is_idle (nbd))
    deadline = MIN (deadline, heartbeat_ns (nbd));
  ground_mutex_unlock (&nbd->lists);
  return deadline;
}

bool
leg_nbd_is_news (struct leg_nbd *nbd, int *ret_error)
{
  bool is_news;

  ground_mutex_lock (&nbd->lists);
  assert (nbd->gone != 0);
  *ret_error = nbd->gone;
  is_news = nbd->gone != -ESHUTDOWN && !nbd->closing;
  ground_mutex_unlock (&nbd->lists);
  return is_news;
}
