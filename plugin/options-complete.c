/* SPDX-License-Identifier: BSD-3-Clause */
/* options-complete: what was given fits together, and has defaults for the rest.
 */
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/options.h"

static int
refuse_few (const char *how_many)
{
  log_error ("a mirror needs at least two disks, and %s given: nbdkit "
             "mirror DISK1 DISK2 ...", how_many);
  return -1;
}

static int
refuse_raid10_only (const struct options *options)
{
  log_error ("%s is for raid10 only: add level=raid10, or leave it out",
             options->layout_name ? "layout=" : "chunk=");
  return -1;
}

static bool
is_for_raid10 (const struct options *options)
{
  return options->layout_name != NULL || options->chunk != 0;
}

/* What is given, with defaults for the rest.  An md array knows its level;
 * without metadata it has to be said (options_check_plain).
 */
static int
complete_layout (struct options *options)
{
  struct layout *layout = &options->layout;

  if (options->level == LEVEL_RAID1 && options->level_given
      && is_for_raid10 (options))
    return refuse_raid10_only (options);
  *layout = (struct layout){ .level = options->level,
                             .slots = options->disks,
                             .near = 1,
                             .far = 1 };
  if (is_for_raid10 (options))
    layout->level = LEVEL_RAID10;
  if (layout->level == LEVEL_RAID10) {
    layout_parse (layout, options->layout_name ? options->layout_name : "n2");
    layout->chunk = options->chunk ? options->chunk : CHUNK_DEFAULT;
  }
  return 0;
}

/* Whoever gives one speed means that one: it moves the other's default. */
static int
complete_speeds (struct options *options)
{
  uint64_t given_min = options->sync_min, given_max = options->sync_max;

  if (given_min != 0 && given_max != 0 && given_min > given_max) {
    log_error ("sync_min=%llu is more than sync_max=%llu: it must be less, or "
               "the same", (unsigned long long)given_min,
               (unsigned long long)given_max);
    return -1;
  }
  if (given_min == 0 && given_max != 0)
    options->sync_min = MIN (given_max, (uint64_t)SYNC_MIN_DEFAULT);
  if (given_max == 0 && given_min != 0)
    options->sync_max = MAX (given_min, (uint64_t)SYNC_MAX_DEFAULT);
  return 0;
}

static int
complete_timeouts (struct options *options)
{
  if (options->flush_timeout_s == 0)
    options->flush_timeout_s = LEG_FLUSH_TIMEOUT_FACTOR * options->timeout_s;
  if (options->flush_timeout_s >= options->timeout_s)
    return 0;
  log_error ("flush-timeout=%u is less than timeout=%u: a flush takes at least "
             "as long as what is flushed; give more, or leave it out",
             options->flush_timeout_s, options->timeout_s);
  return -1;
}

int
options_complete (struct options *options)
{
  if (options->disks == 0)
    return refuse_few ("none was");
  if (options->keep > options->disks) {
    log_error ("on-split-brain=leg:%u: there is no such disk: the first is "
               "leg:0, the last leg:%u", options->keep - 1,
               options->disks - 1);
    return -1;
  }
  if (options->state != NULL && options->metadata == ARRAY_METADATA_MD) {
    log_error ("state=%.300s: is for disks without metadata, and metadata=md "
               "for those of an md array, which has its state on the disks; "
               "leave one of them out", options->state);
    return -1;
  }
  if (options->no_leg_timeout_s > 0 && options->reconnect_s == 0) {
    log_error ("no-leg-timeout=%u: waits for a disk that comes back, and with "
               "reconnect=no none does; leave one of them out",
               options->no_leg_timeout_s);
    return -1;
  }
  if (complete_layout (options) == -1 || complete_timeouts (options) == -1)
    return -1;
  return complete_speeds (options);
}

int
options_check_plain (const struct options *options)
{
  const char *wrong;

  if (options->disks < 2)
    return refuse_few ("only one was");
  if (options->level == LEVEL_RAID1 && is_for_raid10 (options))
    return refuse_raid10_only (options);
  if (options->no_leg_timeout_s > 0 && options->state == NULL) {
    log_error ("no-leg-timeout=%u: is for md arrays, and for state=: in a plain "
               "array nothing shows that a disk that comes back is the last "
               "copy, so it is not used again; leave it out",
               options->no_leg_timeout_s);
    return -1;
  }
  wrong = layout_check (&options->layout);
  if (wrong != NULL) {
    log_error ("level=%s layout=%s with %u disks: the array %s; choose "
               "another layout= or another number of disks",
               options->level == LEVEL_RAID1 ? "raid1" : "raid10",
               options->layout_name ? options->layout_name : "n2",
               options->disks, wrong);
    return -1;
  }
  return 0;
}
