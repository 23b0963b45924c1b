/* SPDX-License-Identifier: BSD-3-Clause */
/* member-disk-swap: who answers at the address of a disk that comes back is not
 * always that disk.
 */
#include <string.h>

#include "engine/array.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "member-disk-internal.h"

bool disks_are_swapped, disks_are_older, disks_are_plain;
unsigned disks_taken[SWAPS];
void (*disks_make_foreign) (struct disk *disk);

static const char *const names[SWAPS] = {
  [SWAP_NONE] = "itself",
  [SWAP_EMPTY] = "empty",
  [SWAP_OLDER] = "an older image",
  [SWAP_FOREIGN] = "of another array",
  [SWAP_TWIN] = "a copy of another disk",
  [SWAP_SMALL] = "smaller",
  [SWAP_NO_FLUSH] = "without flush",
  [SWAP_READ_ONLY] = "read-only",
};

const char *
disk_swap_name (enum disk_swap swap)
{
  return names[swap];
}

void
disk_take_image (struct disk *disk)
{
  if (disk->swap != SWAP_NONE)
    return;
  memcpy (disk->older, disk->data, DISK_SIZE);
  disk->has_older = true;
}

/* --------------------------------------------------------------- it is swapped */

/* NULL: there is none that could be copied. */
static const struct disk *
choose_other (const struct disk *disk)
{
  unsigned first = random_below (&disks_chance, DISKS);

  for (unsigned i = 0; i < DISKS; i++) {
    const struct disk *other = &disks[(first + i) % DISKS];

    if (other != disk && other->was_opened && other->swap == SWAP_NONE
        && other->bad_length == 0)
      return other;
  }
  return NULL;
}

static enum disk_swap
choose (const struct disk *disk, const struct disk *other)
{
  enum disk_swap swap
    = random_between (&disks_chance, SWAP_EMPTY, SWAPS - 1);

  /* Older images are the hardest to tell. */
  if (random_one_in (&disks_chance, 3))
    swap = SWAP_OLDER;
  if (swap == SWAP_OLDER && (!disk->has_older || !disks_are_older))
    swap = SWAP_EMPTY;
  if (swap == SWAP_TWIN && other == NULL)
    swap = SWAP_EMPTY;
  /* Where a disk is on record as bad nothing can be told. */
  if (disk->bad_length > 0
      && (swap == SWAP_EMPTY || swap == SWAP_FOREIGN || swap == SWAP_TWIN))
    swap = SWAP_SMALL;
  /* What was put right for an order stays so. */
  if (disk->ordered && (swap == SWAP_TWIN || swap == SWAP_NO_FLUSH))
    swap = SWAP_NONE;
  return swap;
}

void
disk_swap (struct disk *disk)
{
  const struct disk *other = choose_other (disk);

  disk->swap = choose (disk, other);
  memcpy (disk->own, disk->data, DISK_SIZE);
  switch (disk->swap) {
  case SWAP_EMPTY:
    memset (disk->data, 0, DISK_SIZE);
    break;
  case SWAP_OLDER:
    memcpy (disk->data, disk->older, DISK_SIZE);
    break;
  case SWAP_FOREIGN:
    disks_make_foreign (disk);
    break;
  case SWAP_TWIN:
    memcpy (disk->data, other->data, DISK_SIZE);
    break;
  default:
    break;
  }
  memcpy (disk->stable, disk->data, DISK_SIZE);
  sim_log ("disk:%u is %s now", (unsigned)(disk - disks), names[disk->swap]);
  disk_cut_legs (disk);
}

void
disk_put_right (struct disk *disk)
{
  if (disk->swap == SWAP_NONE)
    return;
  sim_log ("disk:%u is itself again", (unsigned)(disk - disks));
  disk->swap = SWAP_NONE;
  memcpy (disk->data, disk->own, DISK_SIZE);
  memcpy (disk->stable, disk->data, DISK_SIZE);
  disk_cut_legs (disk);
}

void
disk_shape (const struct disk *disk, struct leg_caps *caps)
{
  if (disk->swap == SWAP_SMALL)
    caps->size = caps->exact_size = DISK_SIZE / 6;
  if (disk->swap == SWAP_NO_FLUSH)
    caps->flush = caps->fua = false;
  caps->readonly = disk->swap == SWAP_READ_ONLY;
}

/* ------------------------------------------------------------ it is written to */

/* An older image of it, and in a plain array a copy of another disk, may hold
 * what is needed: that is seen by what becomes of it.
 */
static bool
may_be_written (const struct disk *disk)
{
  switch (disk->swap) {
  case SWAP_NONE:
  case SWAP_OLDER:
    return true;
  case SWAP_TWIN:
    return disks_are_plain;
  case SWAP_EMPTY:
    return disk->ordered && (disks_are_plain || disk->discarded);
  case SWAP_FOREIGN:
    return disk->ordered && disk->discarded && disks_are_plain;
  default:
    return false;
  }
}

void
disk_check_swap (struct disk *disk)
{
  if (disk->swap == SWAP_NONE)
    return;
  if (!may_be_written (disk))
    sim_fail ("disk:%u is written to although it is %s",
              (unsigned)(disk - disks), names[disk->swap]);
  sim_log ("disk:%u is taken as it is: %s", (unsigned)(disk - disks),
           names[disk->swap]);
  disks_taken[disk->swap]++;
  /* So it is the disk from now on. */
  disk->swap = SWAP_NONE;
  disk->late_count = 0;
}
