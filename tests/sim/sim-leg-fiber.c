/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-leg-fiber: how children of a simulated leg come to their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/util.h"
#include "sim-check.h"
#include "sim-leg-internal.h"
#include "sim-marks.h"
#include "sim-stamp.h"

/* --- completing --- */

void
io_finish (struct sim_leg *l, struct io *io, int error)
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
  else if (error != 0)
    disk->hard_errors++;
  if (error != 0)
    disk_failed (disk, child, error);
  sim_trace ((uint64_t)disk->slot << 56 | (uint64_t)child->op << 48
             | (uint64_t)(-error & 0xffff) << 32 | child->offset);
  sim_log ("slot %u: done %s %llu+%llu: %d", disk->slot,
           check_op_name (child->op), (unsigned long long)child->offset,
           (unsigned long long)child->length, error);
  free (snapshot);
  io_was_read (io);
  io->child = NULL;
  l->in_flight--;
  child->done (child, error);
}

void
io_scribble (const struct io *io)
{
  if (io->child->op == CHILD_READ)
    memset (io->child->buffer, 0xee, io->child->length);
}

void
io_transfer (struct sim_leg *l, struct io *io)
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
    io_scribble (io);
    /* What a failed flush dropped is gone before anybody hears of it.  A full
     * disk has refused the write, and flushed nothing (as the engine takes it,
     * too: flush.c).
     */
    if (child->op == CHILD_FLUSH
        || ((child->flags & CHILD_FUA) && !leg_error_may_pass (error)
            && !leg_error_is_full (error)))
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
    if (child->flags & CHILD_FUA)
      disk_cached (disk, child);
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
    zombie->due_ns = sim_time () + random_exponential (&disk->chance, GROUND_S);
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
pick_io (struct sim_leg *l)
{
  unsigned start = random_below (&l->disk->chance, IOS_MAX);

  if (l->in_flight == 0)
    return NULL;
  for (unsigned i = 0; i < IOS_MAX; i++) {
    struct io *io = &l->ios[(start + i) % IOS_MAX];

    if (io->child != NULL && !io->is_inline)
      return io;
  }
  return NULL;
}

/* As nbd's legs do: whether anything was in flight or not, and not if the leg
 * was aborted.
 */
static void
tell_gone (struct sim_leg *l, bool was_idle)
{
  struct disk *disk = l->disk;

  if (disk->rank != LEG_REMOTE || l->is_aborted)
    return;
  disk->may_be_out = true;
  if (was_idle)
    SOMETIMES (DIED_IDLE);
  l->leg.gone (&l->leg, l->gone_error);
  disk->told_gone = true;
}

/* Everything in flight is answered with an error; so will be all that
 * follows.
 */
static void
lose (struct sim_leg *l, int error)
{
  struct disk *disk = l->disk;
  bool is_news = !l->is_gone, is_idle = l->in_flight == 0;
  struct io *io;

  sim_log ("slot %u: lost: %d", disk->slot, error);
  l->is_gone = true;
  l->gone_error = error == -ETIMEDOUT ? -ENOTCONN : error;
  if (disk->generation_first)
    atomic_fetch_add (&l->leg.generation, 1);
  while ((io = pick_io (l)) != NULL) {
    int told = io->deadline_ns <= sim_time () ? -ETIMEDOUT : l->gone_error;

    if (told == -ETIMEDOUT)
      SOMETIMES (TIMED_OUT);
    else
      SOMETIMES (DIED_AT_ONCE);
    bury (l, io);
    io_scribble (io);
    io_finish (l, io, told);
  }
  if (!disk->generation_first)
    atomic_fetch_add (&l->leg.generation, 1);
  if (is_news)
    tell_gone (l, is_idle);
}

/* --- the leg's fiber --- */

uint64_t
io_latency (struct disk *disk)
{
  uint64_t ns = disk->latency_min_ns;
  bool is_slow = disk->slowness > 1;

  if (disk->latency_mean_ns > 0)
    ns += random_exponential (&disk->chance, disk->latency_mean_ns);
  if (disk->stall_period_ns > 0)
    is_slow = (sim_time () / disk->stall_period_ns) % 2;
  return is_slow ? ns * disk->slowness : ns;
}

void
io_start (struct sim_leg *l, struct io *io)
{
  struct disk *disk = l->disk;
  struct disk_faults *faults = &disk->faults;
  uint64_t now = sim_time ();

  io->due_ns = now + io_latency (disk);
  if (disk->rank == LEG_REMOTE) {
    io->deadline_ns = now + disk->timeout_ns;
    if (io->due_ns >= faults->hang_ns
        || (faults->lose > 0 && now >= faults->from_ns && now < faults->until_ns
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

    if (io->child != NULL && !io->is_inline) {
      next = MIN (next, io->due_ns);
      next = MIN (next, io->deadline_ns);
    }
  }
  return next;
}

bool
io_work (struct sim_leg *l)
{
  unsigned start = random_below (&l->disk->chance, IOS_MAX);
  uint64_t now = sim_time ();

  for (unsigned i = 0; i < IOS_MAX && l->in_flight > 0; i++) {
    struct io *io = &l->ios[(start + i) % IOS_MAX];

    if (io->child == NULL || io->is_inline || io->due_ns > now)
      continue;
    if (!io->is_transferred) {
      io_transfer (l, io);
      /* Done on the disk is not yet answered. */
      if (random_one_in (&l->disk->chance, 2)) {
        io->due_ns = MIN (now + io_latency (l->disk) / 4, io->deadline_ns);
        return true;
      }
    }
    io_finish (l, io, io->error);
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

/* False: there is nothing to do now. */
static bool
step (struct sim_leg *l)
{
  struct disk *disk = l->disk;
  uint64_t now = sim_time ();

  if (l->is_gone && pick_io (l) != NULL)
    lose (l, l->gone_error);
  else if (!l->is_gone && now >= disk->faults.die_ns)
    lose (l, disk->faults.die_error);
  else if (!l->is_gone && is_overdue (l))
    lose (l, -ETIMEDOUT);
  else if (l->zombie != NULL && now >= l->zombie->due_ns)
    raise_zombie (l);
  else
    return io_work (l);
  return true;
}

void
sim_leg_fiber (void *argument)
{
  struct sim_leg *l = argument;
  bool is_done;

  while (!l->is_stopping) {
    if (l->is_read) {
      sim_park (GROUND_NEVER); /* until who attends has done one child */
      continue;
    }
    l->is_read = true;
    is_done = !step (l);
    l->is_read = false;
    if (is_done)
      sim_park (next_event (l));
  }
}
