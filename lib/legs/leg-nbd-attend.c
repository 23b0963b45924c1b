/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-attend: who waits for answers reads them.
 *
 * One request after the other is answered without waking another thread here.
 * It reads what comes for others, too, until its own answers are there.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "legs/leg-nbd-internal.h"

/* More legs than that are left to their pollers. */
#define ATTEND_MAX 4

/* All of them, or none. */
static bool
claim_all (struct leg *const *legs, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (!leg_nbd_claim (leg_nbd_of (legs[i]))) {
      while (i-- > 0)
        leg_nbd_let_go (leg_nbd_of (legs[i]));
      return false;
    }
  return true;
}

/* Like a poller that has no kick: their own pollers send what others leave, and
 * who gives a leg up shuts its sockets.  False: a connection is over, and the
 * rest is its poller's.
 */
static bool
read_once (struct leg *const *legs, unsigned count)
{
  struct pollfd fds[ATTEND_MAX * NBD_CONNECTIONS_MAX], *of = fds;
  int ms = INT_MAX, r;

  for (unsigned i = 0; i < count; i++) {
    struct leg_nbd *nbd = leg_nbd_of (legs[i]);

    if (leg_nbd_fill_poll (nbd, true, of) < nbd->connections) {
      /* libnbd may have ended it, of which the socket shows nothing. */
      leg_nbd_kick (nbd);
      return false;
    }
    ms = MIN (ms, leg_nbd_wait_ms (nbd));
    of += nbd->connections;
  }
  r = poll (fds, of - fds, ms);
  assert (r >= 0 || errno == EINTR || errno == EAGAIN || errno == ENOMEM);
  of = fds;
  for (unsigned i = 0; i < count; i++) {
    struct leg_nbd *nbd = leg_nbd_of (legs[i]);

    if (r > 0)
      leg_nbd_handle (nbd, of);
    if (leg_nbd_is_overdue (nbd))
      leg_nbd_give_up (nbd, -ETIMEDOUT);
    of += nbd->connections;
  }
  return true;
}

void
leg_nbd_attend (struct leg *const *legs, unsigned count,
                const _Atomic unsigned *remaining)
{
  if (count > ATTEND_MAX || !claim_all (legs, count)) {
    for (unsigned i = 0; i < count; i++)
      leg_nbd_kickoff (legs[i]);
    return;
  }
  while (atomic_load (remaining) > 0 && read_once (legs, count))
    ;
  for (unsigned i = 0; i < count; i++)
    leg_nbd_let_go (leg_nbd_of (legs[i]));
}
