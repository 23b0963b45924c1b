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

/* All of them, into @claimed, or none. */
static bool
claim_all (struct leg *const *legs, unsigned count, struct leg_nbd **claimed)
{
  for (unsigned i = 0; i < count; i++) {
    claimed[i] = leg_nbd_of (legs[i]);
    if (!leg_nbd_claim (claimed[i])) {
      while (i-- > 0)
        leg_nbd_let_go (claimed[i]);
      return false;
    }
  }
  return true;
}

/* Like a poller that has no kick: their own pollers send what others leave, and
 * who gives a leg up shuts its sockets.  False: a connection is over, and the
 * rest is its poller's.
 */
static bool
read_once (struct leg_nbd *const *claimed, unsigned count)
{
  struct pollfd fds[ATTEND_MAX * NBD_CONNECTIONS_MAX], *of = fds;
  int ms = INT_MAX, r;

  for (unsigned i = 0; i < count; i++) {
    struct leg_nbd *nbd = claimed[i];

    if (leg_nbd_fill_poll (nbd, true, of) < nbd->connections) {
      /* libnbd may have ended it, of which the socket shows nothing. */
      leg_nbd_give_up (nbd, -ENOTCONN);
      return false;
    }
    ms = MIN (ms, leg_nbd_wait_ms (nbd));
    of += nbd->connections;
  }
  r = poll (fds, of - fds, ms);
  assert (r >= 0 || errno == EINTR || errno == EAGAIN || errno == ENOMEM);
  of = fds;
  for (unsigned i = 0; i < count; i++) {
    struct leg_nbd *nbd = claimed[i];

    leg_nbd_handle (nbd, of);
    if (leg_nbd_is_overdue (nbd))
      leg_nbd_give_up (nbd, -ETIMEDOUT);
    of += nbd->connections;
  }
  return true;
}

static bool
is_alive (const struct leg_nbd *nbd)
{
  for (unsigned i = 0; i < nbd->connections; i++)
    if (leg_nbd_is_dead (nbd->connection[i].handle))
      return false;
  return true;
}

/* Who waits long for one leg must not keep the pollers of others from asking
 * whether those still live.  How many are left.
 */
static unsigned
let_idle_go (struct leg_nbd **claimed, unsigned count)
{
  unsigned left = 0;

  for (unsigned i = 0; i < count; i++)
    if (!is_alive (claimed[i]) || !leg_nbd_let_go_idle (claimed[i]))
      claimed[left++] = claimed[i];
  return left;
}

void
leg_nbd_attend (struct leg *const *legs, unsigned count,
                const _Atomic unsigned *remaining)
{
  struct leg_nbd *claimed[ATTEND_MAX];

  if (count > ATTEND_MAX || !claim_all (legs, count, claimed)) {
    for (unsigned i = 0; i < count; i++)
      leg_nbd_kickoff (legs[i]);
    return;
  }
  while (atomic_load (remaining) > 0 && count > 0
         && read_once (claimed, count))
    if (atomic_load (remaining) > 0)
      count = let_idle_go (claimed, count);
  for (unsigned i = 0; i < count; i++)
    leg_nbd_let_go (claimed[i]);
}
