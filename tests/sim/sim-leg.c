/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-leg: a leg driver over a simulated disk.
 *
 *   LEG_REMOTE   issue starts the child; a fiber of the leg completes it,
 *                in any order, or gives the leg up at the deadline
 *   LEG_QUEUED   issue queues; without kickoff it would wait for ever
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

#include "ground/ground.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "sim-check.h"
#include "sim-leg.h"
#include "sim-marks.h"
#include "sim-stamp.h"

#define IOS_MAX 128
#define LEGS_AT_ONCE 32

struct io {
  struct child *child; /* NULL: this place is free */
  bool is_queued;      /* and not kicked off */
  bool is_inline;      /* the issuer's fiber carries it, or still does */
  bool is_transferred;
  int issuer;          /* fiber */
  int error;           /* known once transferred */
  uint64_t due_ns, deadline_ns;
  struct disk_snapshot *snapshot; /* flush */
};

/* A write that takes effect after its leg was given up. */
struct zombie {
  uint64_t due_ns;
  uint64_t first, count; /* sectors */
  uint64_t value[DISK_SECTORS_MAX];
};

struct sim_leg {
  struct leg leg;
  struct disk *disk;
  char name[16];
  struct ground_thread thread;
  int fiber; /* -1: not started */
  bool is_started, is_stopping, is_aborted, is_gone;
  int gone_error;
  unsigned in_flight;
  struct io ios[IOS_MAX];
  struct zombie *zombie; /* one is enough */
};

static struct sim_leg *legs[LEGS_AT_ONCE];
static unsigned unkicked[SIM_FIBERS_MAX]; /* children queued by a fiber */

static struct sim_leg *
sim_leg (struct leg *leg)
{
  return container_of (leg, struct sim_leg, leg);
}

/* --- completing --- */

/* Answer @io with @error.  Other fibers run meanwhile. */
static void
finish (struct sim_leg *l, struct io *io, int error)
{
  struct disk *disk = l->disk;
  struct child *child = io->child;
  struct disk_snapshot *snapshot = io->snapshot;

  if (error == 0)
    disk_done (disk, child);
  if (child->op == CHILD_FLUSH) {
    if (error == 0)
      disk_flushed (disk, snapshot);
  }
  disk->children++;
  if (error != 0 && leg_error_is_harmless (error))
    disk->harmless_errors++;
  else if (error != 0) {
    disk->hard_errors++;
    disk->may_be_out |= leg_error_is_gone (error)
                        || child->op == CHILD_WRITE
                        || child->op == CHILD_ZERO
                        || child->op == CHILD_FLUSH;
  }
  sim_trace ((uint64_t)disk->slot << 56 | (uint64_t)child->op << 48
             | (uint64_t)(-error & 0xffff) << 32 | child->offset);
  sim_log ("slot %u: done %s %llu+%llu: %d", disk->slot,
           check_op_name (child->op), (unsigned long long)child->offset,
           (unsigned long long)child->length, error);
  free (snapshot);
  io->child = NULL;
  l->in_flight--;
  child->done (child, error);
}

static void
scribble (const struct child *child)
{
  if (child->op == CHILD_READ)
    memset (child->buffer, 0xee, child->length);
}

/* The disk does what it is told, as far as it can. */
static void
transfer (struct sim_leg *l, struct io *io)
{
  struct disk *disk = l->disk;
  struct child *child = io->child;
  uint64_t sectors = child->length / STAMP_SECTOR;
  uint64_t middle = 0;
  int error = disk_decide (disk, child, sim_time ());

  /* From here on nobody else completes it. */
  io->is_transferred = true;
  io->error = error;
  if (error != 0) {
    scribble (child);
    /* What a failed flush dropped is gone before anybody hears of it. */
    if (child->op == CHILD_FLUSH && !leg_error_is_harmless (error))
      disk_flush_failed (disk, io->snapshot);
    /* A hard error says nothing about how much was done. */
    if (!leg_error_is_harmless (error)
        && (child->op == CHILD_WRITE || child->op == CHILD_ZERO))
      disk_transfer (disk, child, 0,
                     random_between (&disk->chance, 0, sectors));
    return;
  }
  switch (child->op) {
  case CHILD_READ:
  case CHILD_WRITE:
  case CHILD_ZERO:
    if (sectors > 1 && random_one_in (&disk->chance, 4)) {
      middle = random_between (&disk->chance, 1, sectors - 1);
      disk_transfer (disk, child, 0, middle);
      SOMETIMES (TORN_TRANSFER);
      sim_point ();
    }
    disk_transfer (disk, child, middle, sectors);
    break;
  case CHILD_EXTENTS:
    disk_tell_extents (disk, child);
    break;
  case CHILD_FLUSH:
  case CHILD_CACHE:
    break;
  }
}

/* --- a leg is lost --- */

/* What happens to a write of which nobody will hear any more. */
static void
bury (struct sim_leg *l, struct io *io)
{
  struct disk *disk = l->disk;
  struct child *child = io->child;
  struct zombie *zombie;

  if (io->is_transferred
      || (child->op != CHILD_WRITE && child->op != CHILD_ZERO))
    return;
  switch (random_below (&disk->chance, 3)) {
  case 0:
    disk_transfer (disk, child, 0, child->length / STAMP_SECTOR);
    break;
  case 1:
    if (l->zombie != NULL)
      break;
    zombie = l->zombie = calloc (1, sizeof *zombie);
    assert (zombie != NULL);
    zombie->due_ns = sim_time () + random_exponential (&disk->chance,
                                                       GROUND_S);
    zombie->first = child->offset / STAMP_SECTOR;
    zombie->count = child->length / STAMP_SECTOR;
    for (uint64_t i = 0; i < zombie->count && child->op == CHILD_WRITE; i++)
      stamp_read ((const char *)child->buffer + i * STAMP_SECTOR,
                  disk->lba[zombie->first + i], &zombie->value[i]);
    break;
  }
}

static void
raise_zombie (struct sim_leg *l)
{
  struct zombie *zombie = l->zombie;

  memcpy (&l->disk->value[zombie->first], zombie->value,
          zombie->count * sizeof zombie->value[0]);
  SOMETIMES (ZOMBIE_WRITE);
  free (zombie);
  l->zombie = NULL;
}

/* Some child that the leg's fiber has to complete; NULL: none. */
static struct io *
pick_io (struct sim_leg *l, bool with_queued)
{
  unsigned start = random_below (&l->disk->chance, IOS_MAX);

  if (l->in_flight == 0)
    return NULL;
  for (unsigned i = 0; i < IOS_MAX; i++) {
    struct io *io = &l->ios[(start + i) % IOS_MAX];

    if (io->child != NULL && !io->is_inline
        && (with_queued || !io->is_queued))
      return io;
  }
  return NULL;
}

static void
unqueue (struct io *io)
{
  if (io->is_queued) {
    io->is_queued = false;
    unkicked[io->issuer]--;
  }
}

/* Everything in flight is answered with an error; so will be all that
 * follows.
 */
static void
lose (struct sim_leg *l, int error)
{
  struct disk *disk = l->disk;
  struct io *io;

  sim_log ("slot %u: lost: %d", disk->slot, error);
  l->is_gone = true;
  l->gone_error = error == -ETIMEDOUT ? -ENOTCONN : error;
  if (disk->generation_first)
    atomic_fetch_add (&l->leg.generation, 1);
  while ((io = pick_io (l, l->is_aborted)) != NULL) {
    int told = io->deadline_ns <= sim_time () ? -ETIMEDOUT : l->gone_error;

    if (told == -ETIMEDOUT)
      SOMETIMES (TIMED_OUT);
    else
      SOMETIMES (DIED_AT_ONCE);
    unqueue (io);
    bury (l, io);
    scribble (io->child);
    finish (l, io, told);
  }
  if (!disk->generation_first)
    atomic_fetch_add (&l->leg.generation, 1);
}

/* --- the leg's fiber --- */

static uint64_t
latency (struct disk *disk)
{
  uint64_t ns = disk->latency_min_ns;
  bool is_slow = disk->slowness > 1;

  if (disk->latency_mean_ns > 0)
    ns += random_exponential (&disk->chance, disk->latency_mean_ns);
  if (disk->stall_period_ns > 0)
    is_slow = (sim_time () / disk->stall_period_ns) % 2;
  return is_slow ? ns * disk->slowness : ns;
}

/* The child is on its way. */
static void
start_io (struct sim_leg *l, struct io *io)
{
  struct disk *disk = l->disk;
  struct disk_faults *faults = &disk->faults;
  uint64_t now = sim_time ();

  io->due_ns = now + latency (disk);
  if (disk->rank == LEG_REMOTE) {
    io->deadline_ns = now + disk->timeout_ns;
    if (io->due_ns >= faults->hang_ns
        || (faults->lose > 0 && now >= faults->from_ns
            && now < faults->until_ns
            && random_chance (&disk->chance, faults->lose))) {
      io->due_ns = GROUND_NEVER;
      SOMETIMES (LOST_REPLY);
    }
    else if (!disk->is_victim)
      io->due_ns = MIN (io->due_ns, io->deadline_ns);
  }
  if (l->fiber >= 0)
    sim_unpark (l->fiber);
}

static uint64_t
next_event (const struct sim_leg *l)
{
  uint64_t next = l->is_gone ? GROUND_NEVER : l->disk->faults.die_ns;

  if (l->zombie != NULL)
    next = MIN (next, l->zombie->due_ns);
  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++) {
    const struct io *io = &l->ios[i];

    if (io->child != NULL && !io->is_inline && !io->is_queued) {
      next = MIN (next, io->due_ns);
      next = MIN (next, io->deadline_ns);
    }
  }
  return next;
}

/* One child that is due goes one step further. */
static bool
work (struct sim_leg *l)
{
  unsigned start = random_below (&l->disk->chance, IOS_MAX);
  uint64_t now = sim_time ();

  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++) {
    struct io *io = &l->ios[(start + i) % IOS_MAX];

    if (io->child == NULL || io->is_inline || io->is_queued
        || io->due_ns > now)
      continue;
    if (!io->is_transferred) {
      transfer (l, io);
      /* Done on the disk is not yet answered. */
      if (random_one_in (&l->disk->chance, 2)) {
        io->due_ns = MIN (now + latency (l->disk) / 4, io->deadline_ns);
        return true;
      }
    }
    finish (l, io, io->error);
    return true;
  }
  return false;
}

static bool
is_overdue (const struct sim_leg *l)
{
  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++)
    if (l->ios[i].child != NULL && l->ios[i].deadline_ns <= sim_time ()
        && l->ios[i].due_ns > l->ios[i].deadline_ns)
      return true;
  return false;
}

static void
leg_fiber (void *argument)
{
  struct sim_leg *l = argument;
  struct disk *disk = l->disk;

  while (!l->is_stopping) {
    uint64_t now = sim_time ();

    if (l->is_gone && pick_io (l, l->is_aborted) != NULL)
      lose (l, l->gone_error);
    else if (!l->is_gone && now >= disk->faults.die_ns)
      lose (l, disk->faults.die_error);
    else if (!l->is_gone && is_overdue (l))
      lose (l, -ETIMEDOUT);
    else if (l->zombie != NULL && now >= l->zombie->due_ns)
      raise_zombie (l);
    else if (!work (l))
      sim_park (next_event (l));
  }
}

/* --- the operations of leg.h --- */

static int
sim_start (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);
  int r;

  assert (!l->is_started);
  l->is_started = true;
  r = ground_thread_start (&l->thread, l->name, leg_fiber, l);
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
  if (child->op == CHILD_FLUSH) {
    io->snapshot = malloc (sizeof *io->snapshot);
    assert (io->snapshot != NULL);
    disk_take_snapshot (l->disk, io->snapshot);
  }
  l->in_flight++;
  return io;
}

static void
do_inline (struct sim_leg *l, struct io *io)
{
  uint64_t ns = l->is_gone ? 0 : latency (l->disk);

  io->is_inline = true;
  for (uint64_t until = sim_time () + ns; sim_time () < until;)
    sim_park (until);
  if (!l->is_gone)
    transfer (l, io);
  sim_point ();
  if (!io->is_transferred)
    scribble (io->child);
  SOMETIMES (COMPLETED_AT_ISSUE);
  finish (l, io, io->is_transferred ? io->error : l->gone_error);
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
  sim_log ("slot %u: issue %s %llu+%llu", disk->slot,
           check_op_name (child->op), (unsigned long long)child->offset,
           (unsigned long long)child->length);
  io = new_io (l, child);
  sim_point ();
  io->is_inline = false;

  if (rank == LEG_INLINE && disk->queues_effects
      && (child->op == CHILD_FLUSH || child->op == CHILD_ZERO))
    rank = LEG_QUEUED;
  if (l->is_gone && random_one_in (&disk->chance, 2))
    rank = LEG_INLINE;
  switch (rank) {
  case LEG_INLINE:
    do_inline (l, io);
    break;
  case LEG_QUEUED:
    io->is_queued = true;
    unkicked[io->issuer]++;
    break;
  default:
    start_io (l, io);
    break;
  }
}

static void
sim_kickoff (struct leg *leg)
{
  struct sim_leg *l = sim_leg (leg);

  check_no_locks (l->disk, "kickoff");
  sim_point ();
  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++) {
    struct io *io = &l->ios[i];

    if (io->child == NULL || !io->is_queued)
      continue;
    if (io->issuer != sim_self ())
      SOMETIMES (KICKED_BY_OTHER);
    unqueue (io);
    start_io (l, io);
  }
}

static int
sim_read_now (struct leg *leg, void *buffer, uint64_t length,
              uint64_t offset)
{
  struct disk *disk = sim_leg (leg)->disk;

  if (offset + length > disk->caps.size || length == 0)
    sim_fail ("slot %u: read_now out of bounds", disk->slot);
  sim_point ();
  if (disk->probe_error != 0)
    return disk->probe_error;
  for (uint64_t i = 0; i < length; i++) {
    uint64_t sector = (offset + i) / STAMP_SECTOR;
    unsigned char whole[STAMP_SECTOR];

    stamp_write (whole, disk->lba[sector], disk->value[sector]);
    ((unsigned char *)buffer)[i] = whole[(offset + i) % STAMP_SECTOR];
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
              "off", sim_name (sim_self ()), unkicked[sim_self ()]);
}

void
sim_leg_begin_world (void)
{
  memset (legs, 0, sizeof legs);
  memset (unkicked, 0, sizeof unkicked);
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
  l->leg.ops = queues ? &queueing_ops : &plain_ops;
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
          && (const char *)buffer
               < (const char *)child->buffer + child->length)
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
