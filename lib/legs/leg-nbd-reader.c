/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-reader: who reads the answers.
 *
 *              kickoff                     claim
 *   POLLER <-------------- NOBODY ---------------------> ISSUER
 *      |                   ^    ^                          |
 *      +-------------------+    +--------------------------+
 *        nothing in flight               let go
 *      ^                                                   |
 *      +---------------------------------------------------+
 *        let go, and something is in flight, or the end
 *
 * Only the reader reads, and calls done for what was answered.  So an issuer
 * that reads needs no waking: nobody else takes its answer from it.
 */
#include "legs/leg-nbd-internal.h"

/* With the lists' lock. */
static void
change (struct leg_nbd *nbd, enum nbd_reader reader)
{
  atomic_store (&nbd->reader, reader);
}

/* With the lists' lock: nothing for any reader to do. */
static bool
is_quiet (const struct leg_nbd *nbd)
{
  return nbd->in_flight == 0 && nbd->completed == NULL && nbd->gone == 0
         && !nbd->is_ending;
}

bool
leg_nbd_poller_reads (struct leg_nbd *nbd)
{
  bool reads;

  ground_mutex_lock (&nbd->lists);
  if (nbd->started && nbd->reader == NBD_POLLER && is_quiet (nbd)) {
    /* To change between the two costs a wake-up.  Where commands overlap the
     * poller stays, even if there are none for a moment.
     */
    if (nbd->peak <= 1)
      change (nbd, NBD_NOBODY);
    nbd->peak = 0;
  }
  reads = nbd->reader == NBD_POLLER;
  ground_mutex_unlock (&nbd->lists);
  return reads;
}

bool
leg_nbd_take_over (struct leg_nbd *nbd)
{
  bool reads;

  ground_mutex_lock (&nbd->lists);
  nbd->is_ending = true;
  if (nbd->reader == NBD_NOBODY)
    change (nbd, NBD_POLLER);
  reads = nbd->reader == NBD_POLLER;
  ground_mutex_unlock (&nbd->lists);
  return reads;
}

void
leg_nbd_kickoff (struct leg *leg)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);
  bool must_kick;

  /* Who reads stays, or hands over, while anything is in flight. */
  if (atomic_load (&nbd->reader) != NBD_NOBODY)
    return;
  ground_mutex_lock (&nbd->lists);
  must_kick = nbd->reader == NBD_NOBODY && !is_quiet (nbd);
  if (must_kick)
    change (nbd, NBD_POLLER);
  ground_mutex_unlock (&nbd->lists);
  if (must_kick)
    leg_nbd_kick (nbd);
}

bool
leg_nbd_claim (struct leg_nbd *nbd)
{
  bool is_ours;

  /* Most often, where there is much to do. */
  if (atomic_load (&nbd->reader) != NBD_NOBODY)
    return false;
  ground_mutex_lock (&nbd->lists);
  is_ours = nbd->reader == NBD_NOBODY;
  if (is_ours)
    change (nbd, NBD_ISSUER);
  ground_mutex_unlock (&nbd->lists);
  return is_ours;
}

bool
leg_nbd_let_go_idle (struct leg_nbd *nbd)
{
  bool is_idle;

  ground_mutex_lock (&nbd->lists);
  assert (nbd->reader == NBD_ISSUER);
  is_idle = is_quiet (nbd);
  if (is_idle) {
    change (nbd, NBD_NOBODY);
    nbd->peak = 0;
  }
  ground_mutex_unlock (&nbd->lists);
  return is_idle;
}

void
leg_nbd_let_go (struct leg_nbd *nbd)
{
  if (leg_nbd_let_go_idle (nbd))
    return;
  ground_mutex_lock (&nbd->lists);
  change (nbd, NBD_POLLER);
  ground_mutex_unlock (&nbd->lists);
  leg_nbd_kick (nbd);
}
