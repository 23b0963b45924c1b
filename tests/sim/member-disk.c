/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "member-disk-internal.h"

struct disk disks[DISKS];
bool disks_are_remote;
uint64_t disks_tell_at;

struct disk_leg disk_legs[DISK_LEGS];
unsigned disk_legs_opened;
struct random_stream disks_chance;

/* A child of a leg that was cut off before. */
#define NEVER_SENT UINT64_MAX

static const char *const names[DISKS]
  = { "disk:0", "disk:1", "disk:2", "disk:3", "disk:4", "disk:5" };

void
disks_reset (uint64_t seed)
{
  memset (disks, 0, sizeof disks);
  memset (disk_legs, 0, sizeof disk_legs);
  disk_legs_opened = 0;
  random_init (&disks_chance, seed, 2);
}

const char *
disk_name (unsigned number)
{
  return names[number];
}

unsigned
disk_number (const char *name)
{
  unsigned number;

  if (sscanf (name, "disk:%u", &number) != 1 || number >= DISKS)
    sim_fail ("a disk is called '%s'", name);
  return number;
}

/* ------------------------------------------------------------------ one I/O */

static bool
fails (const struct disk_leg *leg, const struct child *child)
{
  switch (leg->disk->fault) {
  case DISK_GOOD:
  case DISK_CUT: /* not yet */
    return false;
  case DISK_WRITES_FAIL:
    return child->op == CHILD_WRITE || child->op == CHILD_ZERO
           || child->op == CHILD_FLUSH;
  default:
    return true;
  }
}

/* Sector by sector; some answers end early. */
static void
tell_zeroes (const struct disk *disk, struct child *child)
{
  static const uint8_t zeroes[SECTOR_SIZE];
  unsigned most = random_one_in (&disks_chance, 4) ? 1 : child->extents_max;
  struct extent *entry = child->extents;
  unsigned count = 0;

  for (uint64_t at = 0; at < child->length; at += SECTOR_SIZE) {
    bool is_zero
      = memcmp (disk->data + child->offset + at, zeroes, SECTOR_SIZE) == 0;
    uint32_t flags = is_zero ? EXTENT_HOLE | EXTENT_ZERO : 0;

    if (count > 0 && entry[count - 1].flags == flags)
      entry[count - 1].length += SECTOR_SIZE;
    else if (count == most)
      break;
    else
      entry[count++] = (struct extent){ .length = SECTOR_SIZE, .flags = flags };
  }
  child->extents_count = count;
}

/* Only what was written when the flush came, up to @writes. */
static void
store (struct disk *disk, uint64_t writes)
{
  for (unsigned i = 0; i < DISK_SECTORS; i++)
    if (disk->written[i] <= writes)
      memcpy (disk->stable + i * SECTOR_SIZE, disk->data + i * SECTOR_SIZE,
              SECTOR_SIZE);
}

/* As its driver tells it, before anybody hears that. */
static void
end (struct disk_leg *leg)
{
  if (leg->ended)
    return;
  leg->ended = true;
  leg->leg.end
    = (struct leg_end){ .by_peer = random_one_in (&disks_chance, 4),
                        .writes_in_flight = true };
  atomic_fetch_add (&leg->leg.generation, 1);
}

/* Nobody knows whether its server still does it. */
static int
cut_off (struct disk_leg *leg, const struct child *child)
{
  end (leg);
  if (!leg->leg.end.by_peer && child->driver.transferred != NEVER_SENT)
    disk_keep_late (leg, child);
  return -ENOTCONN;
}

/* Some are cut off in the middle of something. */
static bool
is_cut (struct disk_leg *leg, const struct child *child)
{
  if (!leg->cut && leg->disk->cut_soon && child->op == CHILD_WRITE)
    disk_cut_legs (leg->disk);
  return leg->cut;
}

/* Nothing is written to a disk of which nobody has read what it is. */
static void
check_write (const struct disk_leg *leg, const struct child *child)
{
  if (child->op != CHILD_WRITE && child->op != CHILD_ZERO)
    return;
  if (!leg->looked)
    sim_fail ("%s is written to, and was not looked at", leg->leg.name);
  disk_check_swap (leg->disk);
}

static int
carry_out (struct disk_leg *leg, struct child *child)
{
  uint8_t *at = leg->disk->data + child->offset;
  bool stable = child->flags & CHILD_FUA;

  if (child->op != CHILD_FLUSH && child->offset + child->length > leg->leg.caps.size)
    sim_fail ("%s is asked for what lies behind its end", leg->leg.name);
  if (leg->aborted)
    return -ESHUTDOWN;
  if (is_cut (leg, child))
    return cut_off (leg, child);
  check_write (leg, child);
  disk_do_late (leg->disk);
  if (fails (leg, child))
    return leg->disk->fault == DISK_GONE ? -ENODEV : -EIO;
  switch (child->op) {
  case CHILD_READ:
    if (child->offset < leg->disk->bad + leg->disk->bad_length
        && leg->disk->bad < child->offset + child->length)
      sim_fail ("%s is read where it is on record as bad", leg->leg.name);
    memcpy (child->buffer, at, child->length);
    break;
  case CHILD_WRITE:
    disk_keep_older (leg->disk, child->offset, child->length);
    memcpy (at, child->buffer, child->length);
    disk_note_written (leg->disk, child->offset, child->length, stable);
    break;
  case CHILD_ZERO:
    disk_keep_older (leg->disk, child->offset, child->length);
    memset (at, 0, child->length);
    disk_note_written (leg->disk, child->offset, child->length, stable);
    break;
  case CHILD_FLUSH:
    store (leg->disk, child->driver.transferred);
    break;
  case CHILD_EXTENTS:
    tell_zeroes (leg->disk, child);
    break;
  default:
    break;
  }
  return 0;
}

/* ------------------------------------------------------------- its own side */

/* Lock held, and let go meanwhile. */
static void
answer_one (struct disk_leg *leg)
{
  unsigned which = random_below (&disks_chance, leg->submitted_count);
  struct child *child = leg->submitted[which];
  uint64_t until;
  bool is_flush;

  leg->submitted[which] = leg->submitted[--leg->submitted_count];
  leg->answering++;
  ground_mutex_unlock (&leg->lock);
  until = ground_now () + random_exponential (&disks_chance, GROUND_MS / 5);
  if (random_one_in (&disks_chance, 50))
    until += 20 * GROUND_MS;
  while (sim_park (until))
    ;
  is_flush = child->op == CHILD_FLUSH;
  child->done (child, carry_out (leg, child));
  leg->disk->flushing -= is_flush;
  ground_mutex_lock (&leg->lock);
  leg->answering--;
}

/* Lock held, and let go meanwhile. */
static void
tell_gone (struct disk_leg *leg)
{
  leg->told = true;
  ground_mutex_unlock (&leg->lock);
  if (leg->cut)
    end (leg);
  else
    atomic_fetch_add (&leg->leg.generation, 1);
  if (leg->leg.gone != NULL)
    leg->leg.gone (&leg->leg, leg->cut ? -ENOTCONN : -ENODEV);
  ground_mutex_lock (&leg->lock);
}

static void
serve (void *argument)
{
  struct disk_leg *leg = argument;

  ground_mutex_lock (&leg->lock);
  for (;;)
    if (leg->submitted_count > 0)
      answer_one (leg);
    else if (leg->stopping)
      break;
    else if ((leg->disk->fault == DISK_GONE || leg->cut) && !leg->told
             && !leg->aborted)
      tell_gone (leg);
    else
      ground_cond_wait (&leg->changed, &leg->lock, GROUND_NEVER);
  ground_mutex_unlock (&leg->lock);
}

/* --------------------------------------------------------------- the driver */

static int
disk_start (struct leg *base)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  leg->started = true;
  return ground_thread_start (&leg->thread, base->name, serve, leg);
}

static void
disk_issue (struct leg *base, struct child *child)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  if (leg->closed || !leg->started)
    sim_fail ("%s is asked although it is not open", base->name);
  ground_mutex_lock (&leg->lock);
  if (leg->queued_count == IN_FLIGHT)
    sim_fail ("%s has too much to do", base->name);
  child->driver.transferred = leg->cut ? NEVER_SENT : leg->disk->writes;
  leg->disk->flushing += child->op == CHILD_FLUSH;
  leg->queued[leg->queued_count++] = child;
  ground_mutex_unlock (&leg->lock);
}

static void
disk_kickoff (struct leg *base)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  if (leg->closed)
    sim_fail ("%s is kicked off although it is closed", base->name);
  ground_mutex_lock (&leg->lock);
  while (leg->queued_count > 0 && leg->submitted_count < IN_FLIGHT)
    leg->submitted[leg->submitted_count++] = leg->queued[--leg->queued_count];
  ground_cond_broadcast (&leg->changed);
  ground_mutex_unlock (&leg->lock);
}

static int
disk_read_now (struct leg *base, void *buffer, uint64_t length,
               uint64_t offset)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  if (offset > base->caps.size || length > base->caps.size - offset)
    return -EIO;
  if (leg->cut)
    return -ENOTCONN;
  disk_do_late (leg->disk);
  leg->looked |= offset <= disks_tell_at && disks_tell_at < offset + length;
  memcpy (buffer, leg->disk->data + offset, length);
  return 0;
}

static bool
disk_can_zero (struct leg *base, uint32_t flags)
{
  (void)base;
  return !(flags & CHILD_FAST);
}

static void
disk_abort (struct leg *base)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  ground_mutex_lock (&leg->lock);
  leg->aborted = true;
  ground_mutex_unlock (&leg->lock);
  disk_kickoff (base);
}

static void
disk_close (struct leg *base)
{
  struct disk_leg *leg = (struct disk_leg *)base;

  if (leg->closed)
    sim_fail ("%s is closed twice", base->name);
  if (leg->started) {
    ground_mutex_lock (&leg->lock);
    if (leg->queued_count + leg->submitted_count > 0)
      sim_fail ("%s is closed with something in flight", base->name);
    leg->stopping = true;
    ground_cond_broadcast (&leg->changed);
    ground_mutex_unlock (&leg->lock);
    ground_thread_join (&leg->thread);
  }
  leg->closed = true;
}

struct leg *
disk_open (unsigned number)
{
  static const struct leg_ops ops = {
    .start = disk_start,       .issue = disk_issue,
    .kickoff = disk_kickoff,   .read_now = disk_read_now,
    .can_zero = disk_can_zero, .abort = disk_abort,
    .close = disk_close,
  };
  struct disk_leg *leg = &disk_legs[disk_legs_opened++];

  if (disk_legs_opened > DISK_LEGS)
    sim_fail ("too many legs were opened");
  memset (leg, 0, sizeof *leg);
  leg->closed = true;
  leg->disk = &disks[number];
  disk_came (leg->disk);
  ground_mutex_init (&leg->lock);
  ground_cond_init (&leg->changed);
  leg->leg.ops = &ops;
  leg->leg.rank = disks_are_remote ? LEG_REMOTE : LEG_QUEUED;
  leg->leg.name = names[number];
  leg->leg.caps = (struct leg_caps){
    .size = DISK_SIZE, .exact_size = DISK_SIZE,
    .block_minimum = 512, .block_preferred = 4096,
    .request_max = 16384, .zero_max = 65536, .memory_alignment = 1,
    .flush = true, .fua = true, .extents = true,
  };
  disk_shape (leg->disk, &leg->leg.caps);
  snprintf (leg->leg.identity, sizeof leg->leg.identity, "%s", names[number]);
  leg->closed = false;
  return &leg->leg;
}

void
disks_check_closed (void)
{
  for (unsigned i = 0; i < disk_legs_opened; i++) {
    if (!disk_legs[i].closed)
      sim_fail ("a leg of %s stays open", disk_legs[i].leg.name);
    ground_cond_destroy (&disk_legs[i].changed);
    ground_mutex_destroy (&disk_legs[i].lock);
  }
  disk_legs_opened = 0;
}
