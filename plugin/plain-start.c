/* SPDX-License-Identifier: BSD-3-Clause */
/* plain-start: before disks are served as a plain array.
 *
 * A plain array is what is left when nothing else is recognised, so every disk
 * is looked at first, all at the same time.  Runs before the server forks:
 * its threads end before it returns.
 */
#include <inttypes.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "look/compare.h"
#include "plugin/plain-start.h"

struct looker {
  struct look_disk disk;
  uint64_t common;
  struct look_result result;
  struct ground_thread thread;
  bool started;
};

static int
read_leg (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  struct leg *leg = opaque;

  return leg->ops->read_now (leg, buffer, length, offset);
}

static uint64_t
find_data_end (void *opaque, uint64_t deadline_ns)
{
  struct leg *leg = opaque;

  return leg->ops->data_end_now (leg, deadline_ns);
}

static struct look_disk
disk_of (struct leg *leg)
{
  return (struct look_disk){
    .opaque = leg,
    .read = read_leg,
    .data_end = leg->ops->data_end_now != NULL ? find_data_end : NULL,
    .size = leg->caps.size,
    .exact_size = leg->caps.exact_size,
    .deadline_ns = ground_now () + LOOK_DEADLINE_S * GROUND_S,
  };
}

static void
run_looker (void *argument)
{
  struct looker *looker = argument;

  look_at (&looker->disk, looker->common, &looker->result);
}

static void
look_at_all (struct looker *lookers, struct leg **legs, unsigned count)
{
  uint64_t common = UINT64_MAX;

  for (unsigned i = 0; i < count; i++)
    common = MIN (common, legs[i]->caps.size);
  for (unsigned i = 0; i < count; i++) {
    struct looker *looker = &lookers[i];

    *looker = (struct looker){ .disk = disk_of (legs[i]), .common = common };
    looker->started
      = ground_thread_start (&looker->thread, "look", run_looker, looker) == 0;
  }
  for (unsigned i = 0; i < count; i++)
    if (lookers[i].started)
      ground_thread_join (&lookers[i].thread);
    else
      run_looker (&lookers[i]);
}

/* 0, or -1 and said. */
static int
judge (const struct options *options, const struct looker *lookers)
{
  struct plain_look looks[LEGS_MAX];
  const char *names[LEGS_MAX];
  struct plain_refusal refusal;

  for (unsigned i = 0; i < options->disks; i++) {
    looks[i] = lookers[i].result.plain;
    names[i] = options->disk[i];
  }
  if (plain_check (looks, names, &options->layout, &refusal))
    return 0;
  if (refusal.is_certain) {
    log_error ("disk %.200s: %.600s; %s; nothing was written",
               names[refusal.culprit], refusal.why, refusal.advice);
    return -1;
  }
  if (options->metadata == ARRAY_METADATA_NONE) {
    log_notice ("metadata=none: the disks are served as a plain array, "
                "although disk %.200s %.700s",
                names[refusal.culprit], refusal.why);
    return 0;
  }
  log_error ("disk %.200s: %.600s; %s, or give metadata=none if it is a disk "
             "of a plain array all the same; nothing was written",
             names[refusal.culprit], refusal.why, refusal.advice);
  return -1;
}

static void
tell (const struct options *options, const struct looker *lookers)
{
  for (unsigned i = 0; i < options->disks; i++) {
    const struct look_result *result = &lookers[i].result;
    const char *name = options->disk[i];

    if (result->error < 0)
      log_error ("disk %.200s: cannot be examined for other RAID "
                 "formats, file systems and partition tables: %s; make sure "
                 "that it is a copy of the other disks",
                 name, log_strerror (result->error));
    if (result->image != NULL)
      log_notice ("disk %.200s: is a %s image, and is served raw: clients see "
                  "the image, not the disk inside it; if that is not meant, "
                  "convert it first (qemu-img convert -O raw %.200s NEW)",
                  name, result->image, name);
  }
}

/* 0, or -1 and said. */
static int
compare (const struct options *options, struct leg **legs)
{
  struct layout layout = options->layout;
  struct compare_difference difference;
  struct look_disk disks[LEGS_MAX];
  uint64_t smallest = UINT64_MAX;

  for (unsigned i = 0; i < options->disks; i++) {
    disks[i] = disk_of (legs[i]);
    smallest = MIN (smallest, legs[i]->caps.size);
  }
  layout_set_size (&layout, smallest);
  if (layout.array_size == 0 || !compare_copies (disks, &layout, &difference))
    return 0;
  log_error ("disk %.200s and disk %.200s differ (the first difference is at "
             "byte %" PRIu64 " of the array), %s copy the good disk over the "
             "other", options->disk[difference.a], options->disk[difference.b],
             difference.offset,
             options->state != NULL
               ? "and the state file would have both in sync; nothing was "
                 "written;"
               : "so clients may read the one or the other; stop the mirror and");
  return options->state != NULL ? -1 : 0;
}

int
plain_start_check (const struct options *options, struct leg **legs)
{
  struct looker lookers[LEGS_MAX];

  look_at_all (lookers, legs, options->disks);
  if (judge (options, lookers) == -1)
    return -1;
  tell (options, lookers);
  return compare (options, legs);
}
