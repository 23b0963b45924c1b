/* SPDX-License-Identifier: BSD-3-Clause */
/* member-disk-server: what servers of remote disks do: they die with what they
 * had not stored, are late, and come back.
 */
#include <errno.h>
#include <string.h>

#include "engine/array.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "member-disk-internal.h"

uint64_t disks_late_ns;
unsigned disks_late_done, disks_late_newer;

/* ------------------------------------------------------------------- late */

/* Most of them just after something newer was written there, which is the worst
 * that they can do.
 */
static void
provoke (struct disk *disk, uint64_t offset, uint64_t length)
{
  for (unsigned i = 0; i < disk->late_count; i++) {
    struct disk_late *late = &disk->late[i];

    if (late->until_ns == GROUND_NEVER || late->offset >= offset + length
        || offset >= late->offset + late->length
        || memcmp (disk->data + late->offset, late->data, late->length) == 0
        || random_one_in (&disks_chance, 4))
      continue;
    late->due_ns = MIN (late->until_ns,
                        sim_time () + random_below (&disks_chance,
                                                    GROUND_MS / 4));
    disks_late_newer++;
  }
}

void
disk_keep_older (struct disk *disk, uint64_t offset, uint64_t length)
{
  if (disk->flushing > 0)
    memcpy (disk->stable + offset, disk->data + offset, length);
}

static void
count_write (struct disk *disk, uint64_t offset, uint64_t length)
{
  disk->writes++;
  for (uint64_t i = offset / SECTOR_SIZE;
       i < div_round_up (offset + length, SECTOR_SIZE); i++)
    disk->written[i] = disk->writes;
}

void
disk_note_written (struct disk *disk, uint64_t offset, uint64_t length,
                   bool stable)
{
  count_write (disk, offset, length);
  if (offset == 0)
    disk->spoilt = false;
  if (stable)
    memcpy (disk->stable + offset, disk->data + offset, length);
  provoke (disk, offset, length);
}

static void
do_one (struct disk *disk, struct disk_late *late)
{
  disks_late_done++;
  disk_keep_older (disk, late->offset, late->length);
  memcpy (disk->data + late->offset, late->data, late->length);
  count_write (disk, late->offset, late->length);
  disk->spoilt |= late->offset < MARK_SIZE;
  sim_log ("disk:%u does late what it was sent: %llu bytes at %llu",
           (unsigned)(disk - disks), (unsigned long long)late->length,
           (unsigned long long)late->offset);
  *late = disk->late[--disk->late_count];
}

void
disk_do_late (struct disk *disk)
{
  if (disk->swap != SWAP_NONE)
    return;
  for (unsigned i = 0; i < disk->late_count; i++)
    if (disk->late[i].due_ns <= sim_time ())
      do_one (disk, &disk->late[i--]);
}

void
disk_end_late (struct disk *disk)
{
  while (disk->late_count > 0)
    do_one (disk, &disk->late[0]);
}

/* Its server was there again at @came_ns. */
static void
limit (struct disk_late *late, uint64_t came_ns)
{
  uint64_t now = sim_time ();

  if (late->until_ns != GROUND_NEVER)
    return;
  late->until_ns = came_ns + disks_late_ns;
  late->due_ns
    = random_one_in (&disks_chance, 2)
        ? late->until_ns
        : now + random_below (&disks_chance, late->until_ns - now);
}

void
disk_keep_late (struct disk_leg *leg, const struct child *child)
{
  struct disk *disk = leg->disk;
  struct disk_late *late = &disk->late[disk->late_count];

  if ((child->op != CHILD_WRITE && child->op != CHILD_ZERO)
      || disk->late_count == DISK_LATE || child->length > sizeof late->data
      || (leg->came_ns != 0 && leg->came_ns + disks_late_ns <= sim_time ()))
    return;
  disk->late_count++;
  *late = (struct disk_late){ .offset = child->offset,
                              .length = child->length,
                              .due_ns = GROUND_NEVER,
                              .until_ns = GROUND_NEVER };
  if (child->op == CHILD_WRITE)
    memcpy (late->data, child->buffer, child->length);
  /* Its server may have been started again meanwhile. */
  if (leg->came_ns != 0)
    limit (late, leg->came_ns);
}

/* ------------------------------------------------------------- it is cut off */

bool
disk_is_connected (const struct disk *disk)
{
  for (unsigned i = 0; i < disk_legs_opened; i++)
    if (disk_legs[i].disk == disk && disk_legs[i].started
        && !disk_legs[i].closed && !disk_legs[i].cut)
      return true;
  return false;
}

static void
wake_legs (const struct disk *disk)
{
  for (unsigned i = 0; i < disk_legs_opened; i++)
    if (disk_legs[i].disk == disk && !disk_legs[i].closed) {
      ground_mutex_lock (&disk_legs[i].lock);
      ground_cond_broadcast (&disk_legs[i].changed);
      ground_mutex_unlock (&disk_legs[i].lock);
    }
}

void
disk_cut_legs (struct disk *disk)
{
  disk->cut_soon = false;
  disk->cuts += disk_is_connected (disk);
  /* All at once. */
  for (unsigned i = 0; i < disk_legs_opened; i++)
    disk_legs[i].cut |= disk_legs[i].disk == disk;
  wake_legs (disk);
}

void
disk_break (struct disk *disk, enum disk_fault fault)
{
  disk->fault = fault;
  if (fault == DISK_CUT) {
    disk->cut_soon = random_one_in (&disks_chance, 2);
    if (!disk->cut_soon)
      disk_cut_legs (disk);
    return;
  }
  wake_legs (disk);
}

/* ----------------------------------------------------------- it comes back */

void
disk_came (struct disk *disk)
{
  if (!disk->was_opened)
    memcpy (disk->stable, disk->data, DISK_SIZE);
  disk->was_opened = true;
  disk->met_swapped |= disk->swap != SWAP_NONE;
  if (disk->swap != SWAP_NONE)
    return;
  for (unsigned i = 0; i < disk_legs_opened; i++)
    if (disk_legs[i].disk == disk && disk_legs[i].cut
        && disk_legs[i].came_ns == 0)
      disk_legs[i].came_ns = sim_time ();
  for (unsigned i = 0; i < disk->late_count; i++)
    limit (&disk->late[i], sim_time ());
}

/* What it had not stored for sure may be lost. */
void
disk_mend (struct disk *disk)
{
  bool was_cut = disk->fault == DISK_CUT;

  if (was_cut) {
    for (unsigned i = 0; i < DISK_SECTORS; i++)
      if (random_one_in (&disks_chance, 2))
        memcpy (disk->data + i * SECTOR_SIZE, disk->stable + i * SECTOR_SIZE,
                SECTOR_SIZE);
  }
  memcpy (disk->stable, disk->data, DISK_SIZE);
  disk->fault = DISK_GOOD;
  if (was_cut)
    disk_cut_legs (disk);
}

/* Its server may have been started again, perhaps with another disk. */
static void
start_server (struct disk *disk)
{
  if (random_one_in (&disks_chance, 2))
    return;
  disk_mend (disk);
  if (disks_are_swapped && disk->swap == SWAP_NONE
      && random_one_in (&disks_chance, 2))
    disk_swap (disk);
}

int
disk_opener (const struct array_opener *opener, const char *text,
             struct leg **ret, bool *ret_missing, char *why)
{
  unsigned number = disk_number (text);
  struct disk *disk = &disks[number];

  (void)opener;
  *ret_missing = true;
  if (disk->fault == DISK_CUT)
    start_server (disk);
  else if (random_one_in (&disks_chance, 3))
    disk_put_right (disk);
  if (disk->fault != DISK_GOOD)
    return leg_refuse (why, -ENODEV, "it is broken");
  *ret = disk_open (number);
  return 0;
}
