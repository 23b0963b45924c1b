/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-leg: children of a leg in memory, from issue to done.
 *
 *   LEG_REMOTE   issue starts the child; a fiber of the leg completes it, in
 *                any order, or gives the leg up at the deadline
 *   LEG_QUEUED   issue queues; without kickoff it would wait for ever
 *   LEG_INLINE   issue does it all in the caller's fiber
 *
 * Fibers are switched only inside calls of the ground, so what is between
 * them needs no lock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-leg-internal.h"
#include "crash-marks.h"
#include "crash-plant.h"
#include "crash-power.h"
#include "crash-store.h"
#include "crash-world.h"
#include "ground-sim.h"
#include "ground/util.h"

static bool failed[CRASH_LEGS_MAX];
static unsigned allowed_locks;
static int allowed_fiber;

void
crash_leg_begin_world (void)
{
  memset (failed, 0, sizeof failed);
  crash_leg_allow_locks (0);
}

void
crash_leg_allow_locks (unsigned count)
{
  allowed_locks = count;
  allowed_fiber = sim_self ();
}

bool
crash_leg_has_failed (unsigned number)
{
  return failed[number];
}

static struct crash_leg_run *
run_of (struct leg *leg)
{
  return container_of (leg, struct crash_leg_run, leg);
}

static bool
changes (const struct child *child)
{
  return child->op == CHILD_WRITE || child->op == CHILD_ZERO
         || child->op == CHILD_FLUSH;
}

/* --- completing --- */

void
crash_io_finish (struct crash_leg_run *l, struct crash_io *io, int error,
                 bool lost)
{
  struct child *child = io->child;

  if (io->record != RECORD_NEVER) {
    crash_plant_finish (l, child);
    if (child->op == CHILD_WRITE && !crash_plant_twists ()
        && !record_same (l->record, io->record, child))
      crash_world_fail ("L10: leg %u: the buffer of a write changed under way",
                        l->number);
    if (!crash_plant_is_early (l, child))
      record_done (l->record, io->record, error, io->effective, lost);
  }
  l->has_failed |= error != 0 && !leg_error_is_harmless (error);
  failed[l->number] |= error != 0 && error != -EOPNOTSUPP && !l->is_cut;
  sim_trace ((uint64_t)l->number << 56 | (uint64_t)child->op << 48
             | (uint64_t)(-error & 0xffff) << 32 | child->offset);
  sim_log ("leg %u: done %d %llu+%llu: %d", l->number, child->op,
           (unsigned long long)child->offset / SECTOR_SIZE,
           (unsigned long long)child->length / SECTOR_SIZE, error);
  io->child = NULL;
  l->in_flight--;
  child->done (child, error);
}

static struct crash_io *
new_io (struct crash_leg_run *l, struct child *child)
{
  struct crash_io *io = l->ios;

  while (io < l->ios + CRASH_IOS_MAX && io->child != NULL)
    io++;
  if (io == l->ios + CRASH_IOS_MAX)
    sim_fail ("leg %u: more than %u children in flight", l->number,
              CRASH_IOS_MAX);
  *io = (struct crash_io){ .child = child,
                           .record = RECORD_NEVER,
                           .is_inline = true,
                           .due_ns = GROUND_NEVER,
                           .deadline_ns = GROUND_NEVER };
  power_do_late (l);
  if (changes (child))
    io->record = crash_plant_record (l, child);
  l->in_flight++;
  if (io->record == RECORD_NEVER)
    return io;
  l->record->ios[io->record].connection = l->connection;
  l->record->ios[io->record].dead = l->is_cut;
  if (child->op != CHILD_FLUSH)
    power_written (l);
  return io;
}

/* A leg that comes back by itself is an order, too: one at a time. */
static unsigned
may_hold (void)
{
  if (sim_self () == allowed_fiber)
    return allowed_locks;
  return strcmp (sim_name (sim_self ()), "mirror-rejoin") == 0;
}

static void
check (const struct crash_leg_run *l, const struct child *child)
{
  uint64_t block = l->leg.caps.block_minimum;

  if (sim_held () > may_hold ())
    sim_fail ("leg %u: issue with %u mutexes held", l->number, sim_held ());
  if (child->op != CHILD_FLUSH
      && (child->length == 0 || child->offset >= l->leg.caps.size
          || child->length > l->leg.caps.size - child->offset
          || !is_aligned (child->offset | child->length, block)))
    crash_world_fail ("L9: leg %u: child %d at %llu+%llu", l->number, child->op,
                      (unsigned long long)child->offset,
                      (unsigned long long)child->length);
  if ((child->op == CHILD_READ || child->op == CHILD_WRITE)
      && (child->length > l->leg.caps.request_max
          || !is_aligned ((uintptr_t)child->buffer,
                          l->leg.caps.memory_alignment)))
    crash_world_fail ("leg %u: child %d of %llu bytes at memory %p", l->number,
                      child->op, (unsigned long long)child->length,
                      child->buffer);
}

/* Holes are the same on all legs, and stay so. */
static void
check_holes (const struct crash_leg_run *l, const struct child *child)
{
  static const uint8_t zeroes[SECTOR_SIZE];
  uint64_t real = child->offset / SECTOR_SIZE;
  uint64_t end = real + child->length / SECTOR_SIZE;
  const struct crash_leg *leg = &l->shape->leg[l->number];

  if (child->op != CHILD_WRITE || !l->shape->has_holes)
    return;
  for (uint32_t next = shape_sector (l->shape, l->number, real); real < end;
       real++) {
    const char *bytes
      = (const char *)child->buffer + (real * SECTOR_SIZE - child->offset);

    if (next < leg->sectors && leg->real[next] == real)
      next++;
    else if (memcmp (bytes, zeroes, SECTOR_SIZE) != 0)
      crash_world_fail ("L7: leg %u: sector %llu of the disk is in a hole, and "
                        "gets something else", l->number,
                        (unsigned long long)real);
  }
}

/* --- the operations of leg.h --- */

static int
crash_start (struct leg *leg)
{
  struct crash_leg_run *l = run_of (leg);
  int r = ground_thread_start (&l->thread, l->name, crash_leg_run_fiber, l);

  if (r == 0)
    l->fiber = sim_thread_fiber (&l->thread);
  return r;
}

static void
do_inline (struct crash_leg_run *l, struct crash_io *io)
{
  uint64_t until = sim_time () + crash_leg_latency (l);

  while (sim_time () < until)
    sim_park (until);
  if (!l->is_gone)
    crash_fault_transfer (l, io);
  sim_point ();
  if (io->is_done && leg_error_is_gone (io->error)) {
    l->is_gone = true;
    atomic_fetch_add (&l->leg.generation, 1);
  }
  crash_io_finish (l, io, io->is_done ? io->error : crash_leg_gone_error (l),
                   !io->is_done || leg_error_is_gone (io->error));
}

static void
crash_issue (struct leg *leg, struct child *child)
{
  struct crash_leg_run *l = run_of (leg);
  struct crash_io *io;

  check (l, child);
  check_holes (l, child);
  io = new_io (l, child);
  sim_log ("leg %u: issue %d %llu+%llu", l->number, child->op,
           (unsigned long long)child->offset / SECTOR_SIZE,
           (unsigned long long)child->length / SECTOR_SIZE);
  sim_point ();
  if (l->drive.rank == LEG_INLINE)
    do_inline (l, io);
  else if (l->drive.rank == LEG_REMOTE)
    crash_io_start (l, io);
  else {
    io->is_inline = false;
    io->is_queued = true;
  }
}

static void
crash_kickoff (struct leg *leg)
{
  struct crash_leg_run *l = run_of (leg);

  sim_point ();
  for (unsigned i = 0; i < CRASH_IOS_MAX && l->in_flight > 0; i++)
    if (l->ios[i].child != NULL && l->ios[i].is_queued)
      crash_io_start (l, &l->ios[i]);
}

static int
crash_read_now (struct leg *leg, void *buffer, uint64_t length,
                uint64_t offset)
{
  struct crash_leg_run *l = run_of (leg);

  if (length == 0 || offset + length > leg->caps.size)
    sim_fail ("leg %u: read_now %llu+%llu", l->number,
              (unsigned long long)offset, (unsigned long long)length);
  sim_point ();
  power_do_late (l);
  if (shape_place_real (l->shape, l->number, offset / SECTOR_SIZE)
      == PLACE_SUPER)
    record_looked (l->record, l->connection);
  for (uint64_t i = 0; i < length; i++) {
    uint32_t sector
      = shape_sector (l->shape, l->number, (offset + i) / SECTOR_SIZE);

    ((uint8_t *)buffer)[i]
      = store_bytes (l->image[sector])[(offset + i) % SECTOR_SIZE];
  }
  return 0;
}

static bool
crash_can_zero (struct leg *leg, uint32_t flags)
{
  (void)flags;
  sim_point ();
  return run_of (leg)->drive.zeroes;
}

static void
crash_abort (struct leg *leg)
{
  struct crash_leg_run *l = run_of (leg);

  sim_point ();
  l->is_aborted = l->is_gone = true;
  if (l->fiber >= 0)
    sim_unpark (l->fiber);
}

static void
crash_close (struct leg *leg)
{
  struct crash_leg_run *l = run_of (leg);

  if (l->in_flight > 0)
    sim_fail ("leg %u: closed with %u children in flight", l->number,
              l->in_flight);
  l->is_stopping = true;
  if (l->fiber >= 0) {
    sim_unpark (l->fiber);
    ground_thread_join (&l->thread);
  }
  free (l);
}

static const struct leg_ops plain_ops = {
  .start = crash_start,
  .issue = crash_issue,
  .read_now = crash_read_now,
  .can_zero = crash_can_zero,
  .abort = crash_abort,
  .close = crash_close,
};

static const struct leg_ops queueing_ops = {
  .start = crash_start,
  .issue = crash_issue,
  .kickoff = crash_kickoff,
  .read_now = crash_read_now,
  .can_zero = crash_can_zero,
  .abort = crash_abort,
  .close = crash_close,
};

struct leg *
crash_leg_open (const struct crash_shape *shape, unsigned number,
                const struct crash_drive *drive, uint32_t *image,
                struct record *record)
{
  struct crash_leg_run *l = calloc (1, sizeof *l);
  uint64_t size = (uint64_t)shape->leg[number].real_sectors * SECTOR_SIZE;

  assert (l != NULL);
  l->shape = shape;
  l->number = number;
  l->drive = *drive;
  l->image = image;
  l->record = record;
  l->fiber = -1;
  l->cut_ns = GROUND_NEVER;
  l->connection = record_open (record, number);
  snprintf (l->name, sizeof l->name, "leg%u", number);
  l->leg.ops = drive->rank == LEG_QUEUED ? &queueing_ops : &plain_ops;
  l->leg.rank = drive->rank;
  l->leg.caps = (struct leg_caps){
    .size = round_down (size, shape->block * SECTOR_SIZE),
    .exact_size = size,
    .block_minimum = shape->block * SECTOR_SIZE,
    .block_preferred = 4096,
    .request_max = drive->request_max,
    .zero_max = drive->zero_max,
    .memory_alignment = drive->memory_alignment,
    .flush = true,
    .fua = drive->fua,
  };
  l->leg.name = l->name;
  snprintf (l->leg.identity, sizeof l->leg.identity, "crash:%u", number);
  return &l->leg;
}
