/* SPDX-License-Identifier: BSD-3-Clause */
/* state-start: samples of the disks, before an array with a state file serves.
 *
 *   state_sample     a new file: what it will know the disks by
 *   state_compare    a known one: are the disks that it calls in sync alike?
 *
 * Runs before the server forks.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "look/compare.h"
#include "plugin/state.h"

/* --------------------------------------------------------------- a new file */

#define PLACES 64
#define PLACE_SIZE 65536u

/* One copy of the array's sector at @offset. */
static int
read_copy (struct leg **disks, const struct copy *copy, void *ret)
{
  struct leg *disk = disks[copy->slot];

  return disk->ops->read_now (disk, ret, EVIDENCE_SAMPLE, copy->offset);
}

/* Its sum, if all copies have the same; 0: they have not, or it is zeroes, or it
 * cannot be read.
 */
static uint64_t
sum_of (struct leg **disks, const struct layout *layout, uint64_t offset)
{
  unsigned copies = layout_copies (layout);
  struct copy copy[LEGS_MAX];
  uint8_t first[EVIDENCE_SAMPLE], other[EVIDENCE_SAMPLE];

  layout_map (layout, offset, copy);
  if (read_copy (disks, &copy[0], first) < 0)
    return 0;
  for (unsigned i = 1; i < copies; i++)
    if (read_copy (disks, &copy[i], other) < 0
        || memcmp (first, other, sizeof first) != 0)
      return 0;
  return evidence_sum (first);
}

/* The first sector from @offset on that is no zeroes, within one piece. */
static bool
find_data (struct leg **disks, const struct layout *layout, uint64_t *offset,
           uint64_t end)
{
  static uint8_t bytes[PLACE_SIZE];
  struct copy copy[LEGS_MAX];
  uint64_t length
    = layout_piece (layout, *offset,
                    MIN (end - *offset, (uint64_t)PLACE_SIZE));
  struct leg *disk;

  layout_map (layout, *offset, copy);
  disk = disks[copy[0].slot];
  if (disk->ops->read_now (disk, bytes, length, copy[0].offset) < 0)
    return false;
  for (uint64_t at = 0; at + EVIDENCE_SAMPLE <= length; at += EVIDENCE_SAMPLE)
    if (evidence_sum (bytes + at) != 0) {
      *offset += at;
      return true;
    }
  return false;
}

void
state_sample (struct leg **disks, const struct layout *layout,
              uint64_t image_size, struct evidence *ret)
{
  uint64_t end = layout->level == LEVEL_RAID1
                   ? MIN (layout->array_size, image_size)
                   : layout->array_size;
  uint64_t step = MAX (round_down (end / PLACES, EVIDENCE_SAMPLE),
                       (uint64_t)EVIDENCE_SAMPLE);

  memset (ret, 0, sizeof *ret);
  for (uint64_t at = 0; at + EVIDENCE_SAMPLE <= end && ret->count < PLACES;
       at += step) {
    struct evidence_sample sample = { .offset = at };

    if (!find_data (disks, layout, &sample.offset, MIN (at + step, end)))
      continue;
    sample.sum = sum_of (disks, layout, sample.offset);
    if (sample.sum != 0)
      ret->sample[ret->count++] = sample;
  }
}

/* -------------------------------------------------------------- a known file */

struct synced {
  struct array *array;
  struct leg *leg; /* NULL: none in sync has the slot */
  struct layout layout;
  unsigned slot;
};

/* Not where copies may differ, and say so. */
static int
read_unmarked (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  const struct synced *disk = opaque;
  uint64_t at, part;

  if (disk->leg == NULL
      || !layout_unmap (&disk->layout, disk->slot, offset, &at))
    return -ENODEV;
  for (uint64_t done = 0; done < length; done += part) {
    part = length - done;
    if (array_is_marked (disk->array, at + done, &part))
      return -EAGAIN;
  }
  return disk->leg->ops->read_now (disk->leg, buffer, length, offset);
}

static int
refuse (const struct synced *disks, const struct compare_difference *found)
{
  log_error ("disk %.200s and disk %.200s differ (the first difference is at "
             "byte %" PRIu64 " of the array), although the state file has both "
             "in sync: one of them was exchanged, or written by other means.  "
             "Nothing was written.  Put the right one back; or start without "
             "the wrong one and add it, which copies all data to it (nbdmirror "
             "add --discard)", disks[found->a].leg->name,
             disks[found->b].leg->name, found->offset);
  return -1;
}

int
state_compare (struct array *array)
{
  struct synced synced[LEGS_MAX];
  struct look_disk disks[LEGS_MAX];
  struct layout layout = array_get_layout (array);
  struct compare_difference found;
  unsigned count = 0;

  for (unsigned slot = 0; slot < layout.slots; slot++) {
    synced[slot] = (struct synced){ .array = array,
                                    .leg = array_leg_in_sync (array, slot),
                                    .layout = layout,
                                    .slot = slot };
    count += synced[slot].leg != NULL;
    disks[slot] = (struct look_disk){
      .opaque = &synced[slot],
      .read = read_unmarked,
      .deadline_ns = ground_now () + LOOK_DEADLINE_S * GROUND_S,
    };
  }
  return count > 1 && compare_copies (disks, &layout, &found)
           ? refuse (synced, &found)
           : 0;
}
