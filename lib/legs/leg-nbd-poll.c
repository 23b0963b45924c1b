/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-poll: the poll thread.
 *
 * It blocks in poll(2) only, until the next deadline.
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
#include <unistd.h>

#include "legs/leg-nbd-internal.h"

void
leg_nbd_kick (struct leg_nbd *nbd)
{
  /* A full counter wakes just as well. */
  if (eventfd_write (nbd->kick, 1) == -1)
    assert (errno == EAGAIN);
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

unsigned
leg_nbd_fill_poll (struct leg_nbd *nbd, bool reads, struct pollfd *fds)
{
  unsigned alive = 0;

  for (unsigned i = 0; i < nbd->connections; i++) {
    struct nbd_connection *connection = &nbd->connection[i];
    bool is_dead = leg_nbd_is_dead (connection->handle);
    short events = is_dead ? 0 : leg_nbd_events (connection->handle);

    /* Answers that others read do not wake who waits for this. */
    if (!reads)
      events = (events & ~POLLIN) | POLLRDHUP;
    /* poll ignores negative numbers. */
    fds[i] = (struct pollfd){ .fd = is_dead ? -1 : connection->socket,
                              .events = events };
    alive += !is_dead;
  }
  return alive;
}

int
leg_nbd_wait_ms (struct leg_nbd *nbd)
{
  int ms = leg_nbd_poll_ms (leg_nbd_next_deadline (nbd));

  return nbd->canceled != NULL ? MIN (ms, NBD_LOOK_MS) : ms;
}

void
leg_nbd_handle (struct leg_nbd *nbd, const struct pollfd *fds)
{
  /* A refused or failed call shows in the handle's state, next time. */
  for (unsigned i = 0; i < nbd->connections; i++)
    if (fds[i].revents != 0)
      leg_nbd_notify (nbd->connection[i].handle, fds[i].revents);
  leg_nbd_complete (nbd);
}

/* Others read, or nobody; what an issuer could not send is sent here. */
static void
look_on (struct leg_nbd *nbd, const struct pollfd *fds)
{
  for (unsigned i = 0; i < nbd->connections; i++) {
    if (fds[i].revents & POLLOUT)
      nbd_aio_notify_write (nbd->connection[i].handle);
    if (fds[i].revents & ~POLLOUT)
      leg_nbd_take_over (nbd);
  }
}

bool
leg_nbd_poll_once (struct leg_nbd *nbd)
{
  struct pollfd fds[1 + NBD_CONNECTIONS_MAX];
  bool reads = leg_nbd_poller_reads (nbd);
  unsigned alive = leg_nbd_fill_poll (nbd, reads, fds + 1);
  eventfd_t count;
  int r;

  if (alive < nbd->connections) {
    leg_nbd_give_up (nbd, -ENOTCONN);
    if (leg_nbd_take_over (nbd) && !reads)
      return true;
  }
  if (alive == 0 && reads) {
    leg_nbd_complete (nbd);
    return false;
  }

  fds[0] = (struct pollfd){ .fd = nbd->kick, .events = POLLIN };
  /* An end that is known need not be looked for again while an issuer reads. */
  r = poll (fds, reads || !nbd->is_ending ? 1 + nbd->connections : 1,
            leg_nbd_wait_ms (nbd));
  assert (r >= 0 || errno == EINTR || errno == EAGAIN || errno == ENOMEM);
  if (r > 0 && fds[0].revents != 0)
    eventfd_read (nbd->kick, &count);
  if (r > 0 && reads)
    leg_nbd_handle (nbd, fds + 1);
  else if (r > 0)
    look_on (nbd, fds + 1);

  if (leg_nbd_is_overdue (nbd))
    leg_nbd_give_up (nbd, -ETIMEDOUT);
  return true;
}

/* A server that hangs up is noticed at once: its sockets are always waited
 * for, whether anything is in flight or not.  One that has stopped, or cannot
 * be reached any more, has to be asked.
 */
static void
poll_main (void *argument)
{
  struct leg_nbd *nbd = argument;
  int error;

  while (leg_nbd_poll_once (nbd))
    if (leg_nbd_enlist_heartbeats (nbd))
      for (unsigned i = 0; i < nbd->connections; i++)
        leg_nbd_send (nbd, &nbd->connection[i], &nbd->connection[i].heartbeat);
  if (leg_nbd_is_news (nbd, &error) && nbd->leg.gone != NULL)
    nbd->leg.gone (&nbd->leg, error);
}

int
leg_nbd_poll_start (struct leg_nbd *nbd)
{
  int r;

  nbd->canceled = NULL;
  nbd->started = true;
  r = ground_thread_start (&nbd->poller, "leg-nbd", poll_main, nbd);
  if (r < 0)
    nbd->started = false;
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
