/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-leg-fiber: what completes the children of a leg that is not inline.
 *
 * In any order, in two steps: the transfer, and the answer.  A remote leg is
 * given up at a child's deadline, or when it loses its power.
 */
#include <errno.h>

#include "crash-leg-internal.h"
#include "crash-marks.h"
#include "crash-power.h"
#include "ground-sim.h"
#include "ground/util.h"

static struct crash_io *
pick_io (struct crash_leg_run *l, bool with_queued)
{
  unsigned start = random_below (&l->drive.chance, CRASH_IOS_MAX);

  for (unsigned i = 0; i < CRASH_IOS_MAX && l->in_flight > 0; i++) {
    struct crash_io *io = &l->ios[(start + i) % CRASH_IOS_MAX];

    if (io->child != NULL && !io->is_inline && (with_queued || !io->is_queued))
      return io;
  }
  return NULL;
}

int
crash_leg_gone_error (const struct crash_leg_run *l)
{
  if (l->is_aborted)
    return -ESHUTDOWN;
  return l->drive.rank == LEG_REMOTE ? -ENOTCONN : -ENODEV;
}

/* Everything in flight is answered with an error; so will be all that
 * follows.  Nobody knows what became of it.
 */
static void
lose (struct crash_leg_run *l)
{
  bool is_news = !l->is_gone;
  struct crash_io *io;

  l->is_gone = true;
  atomic_fetch_add (&l->leg.generation, 1);
  while ((io = pick_io (l, l->is_aborted)) != NULL) {
    bool late = io->deadline_ns <= sim_time ();

    if (late)
      SOMETIMES (TIMED_OUT);
    crash_io_finish (l, io, late ? -ETIMEDOUT : crash_leg_gone_error (l), true);
  }
  if (is_news && !l->is_aborted && l->drive.rank == LEG_REMOTE)
    l->leg.gone (&l->leg, crash_leg_gone_error (l));
}

uint64_t
crash_leg_latency (struct crash_leg_run *l)
{
  return random_exponential (&l->drive.chance, l->drive.latency_ns);
}

void
crash_io_start (struct crash_leg_run *l, struct crash_io *io)
{
  uint64_t now = sim_time ();

  l->cut_ns = MIN (l->cut_ns, power_plan (l));
  io->is_queued = io->is_inline = false;
  io->due_ns = now + crash_leg_latency (l);
  if (l->drive.rank == LEG_REMOTE) {
    io->deadline_ns = now + l->drive.timeout_ns;
    io->due_ns = MIN (io->due_ns, io->deadline_ns);
    if (l->drive.fault == FAULT_HANG && l->spared >= l->drive.after)
      io->due_ns = GROUND_NEVER;
    l->spared++;
  }
  if (l->fiber >= 0)
    sim_unpark (l->fiber);
}

/* One child that is due goes one step further.  False: none, until *@next. */
static bool
work (struct crash_leg_run *l, uint64_t *next)
{
  unsigned start = random_below (&l->drive.chance, CRASH_IOS_MAX);
  uint64_t now = sim_time ();

  *next = GROUND_NEVER;
  for (unsigned i = 0; i < CRASH_IOS_MAX && l->in_flight > 0; i++) {
    struct crash_io *io = &l->ios[(start + i) % CRASH_IOS_MAX];

    if (io->child == NULL || io->is_inline || io->is_queued)
      continue;
    if (io->due_ns > now) {
      *next = MIN (*next, io->due_ns);
      *next = MIN (*next, io->deadline_ns);
      if (io->deadline_ns <= now) {
        lose (l);
        return true;
      }
      continue;
    }
    if (!io->is_done) {
      crash_fault_transfer (l, io);
      if (random_one_in (&l->drive.chance, 2)) {
        io->due_ns = MIN (now + crash_leg_latency (l) / 4, io->deadline_ns);
        return true;
      }
    }
    if (leg_error_is_gone (io->error))
      lose (l);
    else
      crash_io_finish (l, io, io->error, false);
    return true;
  }
  return false;
}

void
crash_leg_run_fiber (void *argument)
{
  struct crash_leg_run *l = argument;
  uint64_t next;

  while (!l->is_stopping)
    if (l->is_gone && pick_io (l, l->is_aborted) != NULL)
      lose (l);
    else if (!l->is_gone && l->cut_ns <= sim_time ()) {
      if (power_cut (l))
        lose (l);
    }
    else if (!work (l, &next))
      sim_park (l->is_gone ? next : MIN (next, l->cut_ns));
}
