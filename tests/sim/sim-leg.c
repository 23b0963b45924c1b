/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-leg: a leg driver over a simulated disk.
 *
 *   LEG_REMOTE   issue starts the child; a fiber of the leg completes it,
 *                in any order, or gives the leg up at the deadline.  Who has not
 *                kicked it off, or does not attend, must not wait
 *   LEG_QUEUED   issue queues; kickoff does what the caller's fiber has queued
 *                in any leg, in that fiber; without it that would wait for ever
 *   LEG_INLINE   issue does it all in the caller's fiber; flush and zero may
 *                be queued
 *
 * A child in flight is a struct io.  Fibers are switched only inside calls
 * of the ground, so what is between them needs no lock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/util.h"
#include "sim-check.h"
#include "sim-leg-internal.h"
#include "sim-leg.h"
#include "sim-marks.h"
#include "sim-stamp.h"

#define LEGS_AT_ONCE 32

static struct sim_leg *legs[LEGS_AT_ONCE];

/* Children of each fiber: queued; sent, and perhaps nobody reads the answer. */
static unsigned unkicked[SIM_FIBERS_MAX], unread[SIM_FIBERS_MAX];

static struct sim_leg *
sim_leg (struct leg *leg)
{
  return container_of (leg, struct sim_leg, leg);
}

/* --- the operations of leg.h --- */

static int
sim_start (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);
  int r;

  assert (!l->is_started);
  l->is_started = true;
  r = ground_thread_start (&l->thread, l->name, sim_leg_fiber, l);
  if (r == 0)
    l->fiber = sim_thread_fiber (&l->thread);
  return r;
}

static struct io *
new_io (struct sim_leg *l, struct child *child)
{
  struct io *io = l->ios;

  while (io < l->ios + IOS_MAX && io->child != NULL)
    io++;
  if (io == l->ios + IOS_MAX)
    sim_fail ("slot %u: more than %u children in flight", l->disk->slot,
              IOS_MAX);
  *io = (struct io){ .child = child,
                     .is_inline = true,
                     .issuer = sim_self (),
                     .due_ns = GROUND_NEVER,
                     .deadline_ns = GROUND_NEVER };
  if (child->op == CHILD_FLUSH || (child->flags & CHILD_FUA)) {
    io->snapshot = malloc (sizeof *io->snapshot);
    assert (io->snapshot != NULL);
    disk_take_snapshot (l->disk, io->snapshot);
  }
  l->in_flight++;
  return io;
}

/* Design: an answer waits for nobody but who waits for it alone. */
static void
check_all_read (const char *what)
{
  if (unread[sim_self ()] > 0)
    sim_fail ("%s %s while nobody reads the answers to %u children that it "
              "sent", sim_name (sim_self ()), what, unread[sim_self ()]);
}

void
io_was_read (struct io *io)
{
  if (io->is_unread)
    unread[io->issuer]--;
  io->is_unread = false;
}

static void
do_inline (struct sim_leg *l, struct io *io)
{
  uint64_t ns = l->is_gone ? 0 : io_latency (l->disk);

  if (ns > 0)
    check_all_read ("is inside a disk");
  io->is_inline = true;
  for (uint64_t until = sim_time () + ns; sim_time () < until;)
    sim_park (until);
  if (!l->is_gone)
    io_transfer (l, io);
  sim_point ();
  if (!io->is_transferred)
    io_scribble (io);
  SOMETIMES (COMPLETED_AT_ISSUE);
  io_finish (l, io, io->is_transferred ? io->error : l->gone_error);
}

/* A ring reads and writes only, and has not always a lane.  What a thread of the
 * disk's own would do waits for kickoff here, too.
 */
static bool
may_be_queued (struct disk *disk, const struct child *child)
{
  if (child->op == CHILD_FLUSH || (child->flags & (CHILD_FUA | CHILD_APART)))
    return true;
  return (child->op == CHILD_READ || child->op == CHILD_WRITE)
         && !random_one_in (&disk->chance, 16);
}

static void
sim_issue (struct leg *leg, struct child *child)
{
  struct sim_leg *l = sim_leg (leg);
  struct disk *disk = l->disk;
  enum leg_rank rank = disk->rank;
  struct io *io;

  check_child (disk, child);
  if (!l->is_started)
    sim_fail ("slot %u: issue before start", disk->slot);
  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++)
    if (l->ios[i].child != NULL)
      check_no_overlap (disk, child, l->ios[i].child);
  sim_log ("slot %u: issue %s %llu+%llu", disk->slot, check_op_name (child->op),
           (unsigned long long)child->offset,
           (unsigned long long)child->length);
  io = new_io (l, child);
  sim_point ();
  io->is_inline = false;

  if (rank == LEG_INLINE && disk->queues_effects
      && (child->op == CHILD_FLUSH || child->op == CHILD_ZERO))
    rank = LEG_QUEUED;
  else if (rank == LEG_QUEUED && !may_be_queued (disk, child))
    rank = LEG_INLINE;
  if (l->is_gone && random_one_in (&disk->chance, 2))
    rank = LEG_INLINE;
  switch (rank) {
  case LEG_INLINE:
    do_inline (l, io);
    break;
  case LEG_QUEUED:
    io->is_queued = io->is_inline = true;
    unkicked[io->issuer]++;
    break;
  default:
    io->is_unread = true;
    unread[io->issuer]++;
    io_start (l, io);
    break;
  }
}

/* Any that this fiber has queued; NULL: none. */
static struct io *
find_queued (struct sim_leg **ret_leg)
{
  struct io *found = NULL;
  unsigned count = 0;

  for (unsigned i = 0; i < LEGS_AT_ONCE; i++)
    for (unsigned j = 0;
         legs[i] != NULL && legs[i]->in_flight > 0 && j < IOS_MAX; j++) {
      struct io *io = &legs[i]->ios[j];

      if (io->child == NULL || !io->is_queued || io->issuer != sim_self ()
          || !random_one_in (&legs[i]->disk->chance, ++count))
        continue;
      found = io;
      *ret_leg = legs[i];
    }
  return found;
}

static void
sim_kickoff (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);
  struct io *io;

  check_no_locks (l->disk, "kickoff");
  sim_point ();
  while (unkicked[sim_self ()] > 0
         && (io = find_queued (&l)) != NULL) {
    unkicked[io->issuer]--;
    io->is_queued = false;
    do_inline (l, io);
  }
}

/* Of a remote leg: what this fiber has sent is read by somebody. */
static void
sim_let_read (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);

  sim_point ();
  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++)
    if (l->ios[i].child != NULL && l->ios[i].issuer == sim_self ())
      io_was_read (&l->ios[i]);
}

/* This fiber brings the answers, or some of them, or leaves it all. */
static void
sim_attend (struct leg *const *attended, unsigned count,
            const _Atomic unsigned *remaining)
{
  struct disk *disk = sim_leg (attended[0])->disk;

  for (unsigned i = 0; i < count; i++)
    check_no_locks (sim_leg (attended[i])->disk, "attend");
  while (atomic_load (remaining) > 0 && random_one_in (&disk->chance, 2)) {
    struct sim_leg *l
      = sim_leg (attended[random_below (&disk->chance, count)]);

    sim_point ();
    if (l->is_gone || l->is_read)
      continue;
    l->is_read = true;
    if (io_work (l))
      SOMETIMES (ATTENDED);
    l->is_read = false;
    sim_unpark (l->fiber);
  }
  for (unsigned i = 0; i < count; i++)
    sim_let_read (attended[i]);
}

static int
sim_read_now (struct leg *leg, void *buffer, uint64_t length, uint64_t offset)
{
  struct disk *disk = sim_leg (leg)->disk;

  if (offset + length > disk->caps.size || length == 0)
    sim_fail ("slot %u: read_now out of bounds", disk->slot);
  sim_point ();
  if (disk->probe_error != 0)
    return disk->probe_error;
  for (uint64_t done = 0, part; done < length; done += part) {
    uint64_t sector = (offset + done) / STAMP_SECTOR;
    uint64_t skip = (offset + done) % STAMP_SECTOR;
    unsigned char whole[STAMP_SECTOR];

    part = MIN (STAMP_SECTOR - skip, length - done);
    stamp_write (whole, disk->lba[sector], disk->value[sector]);
    memcpy ((unsigned char *)buffer + done, whole + skip, part);
  }
  return 0;
}

static bool
sim_can_zero (struct leg *leg, uint32_t flags)
{
  struct disk *disk = sim_leg (leg)->disk;

  check_no_locks (disk, "can_zero");
  sim_point ();
  return disk_can_zero (disk, flags);
}

static void
sim_abort (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);

  sim_point ();
  l->is_aborted = true;
  if (!l->is_gone) {
    l->is_gone = true;
    l->gone_error = -ESHUTDOWN;
  }
  if (l->fiber >= 0)
    sim_unpark (l->fiber);
}

static void
sim_close (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);

  if (l->in_flight > 0)
    sim_fail ("slot %u: closed with %u children in flight", l->disk->slot,
              l->in_flight);
  check_no_locks (l->disk, "close");
  l->is_stopping = true;
  if (l->fiber >= 0) {
    sim_unpark (l->fiber);
    ground_thread_join (&l->thread);
  }
  for (unsigned i = 0; i < LEGS_AT_ONCE; i++)
    if (legs[i] == l)
      legs[i] = NULL;
  free (l->zombie);
  free (l);
}

static const struct leg_ops plain_ops = {
  .start = sim_start,
  .issue = sim_issue,
  .read_now = sim_read_now,
  .can_zero = sim_can_zero,
  .abort = sim_abort,
  .close = sim_close,
};

static const struct leg_ops remote_ops = {
  .start = sim_start,
  .issue = sim_issue,
  .kickoff = sim_let_read,
  .attend = sim_attend,
  .read_now = sim_read_now,
  .can_zero = sim_can_zero,
  .abort = sim_abort,
  .close = sim_close,
};

static const struct leg_ops queueing_ops = {
  .start = sim_start,
  .issue = sim_issue,
  .kickoff = sim_kickoff,
  .read_now = sim_read_now,
  .can_zero = sim_can_zero,
  .abort = sim_abort,
  .close = sim_close,
};

/* Design: before any wait, everything issued so far is kicked off. */
static void
before_wait (void)
{
  if (unkicked[sim_self ()] > 0)
    sim_fail ("%s waits while %u children that it queued were not kicked "
              "off",
              sim_name (sim_self ()), unkicked[sim_self ()]);
  check_all_read ("waits");
}

void
sim_leg_begin_world (void)
{
  memset (legs, 0, sizeof legs);
  memset (unkicked, 0, sizeof unkicked);
  memset (unread, 0, sizeof unread);
  sim_set_wait_hook (before_wait);
}

struct leg *
sim_leg_open (struct disk *disk)
{
  bool queues = disk->rank == LEG_QUEUED || disk->queues_effects;
  struct sim_leg *l = calloc (1, sizeof *l);
  unsigned i = 0;

  assert (l != NULL);
  l->disk = disk;
  l->fiber = -1;
  snprintf (l->name, sizeof l->name, "leg%u", disk->slot);
  l->leg.ops = disk->rank == LEG_REMOTE ? &remote_ops
               : queues                   ? &queueing_ops
                                          : &plain_ops;
  l->leg.rank = disk->rank;
  l->leg.caps = disk->caps;
  l->leg.name = l->name;
  snprintf (l->leg.identity, sizeof l->leg.identity, "sim:%u", disk->slot);
  while (legs[i] != NULL)
    i++;
  assert (i < LEGS_AT_ONCE);
  legs[i] = l;
  return &l->leg;
}

bool
sim_leg_uses_buffer (const void *buffer, size_t length)
{
  for (unsigned i = 0; i < LEGS_AT_ONCE; i++)
    for (unsigned j = 0; legs[i] && legs[i]->in_flight > 0 && j < IOS_MAX;
         j++) {
      const struct child *child = legs[i]->ios[j].child;

      if (child != NULL && child->buffer != NULL
          && (const char *)child->buffer < (const char *)buffer + length
          && (const char *)buffer < (const char *)child->buffer + child->length)
        return true;
    }
  return false;
}

unsigned
sim_leg_in_flight (void)
{
  unsigned n = 0;

  for (unsigned i = 0; i < LEGS_AT_ONCE; i++)
    if (legs[i] != NULL)
      n += legs[i]->in_flight;
  return n;
}
