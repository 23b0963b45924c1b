/* SPDX-License-Identifier: BSD-3-Clause */
/* open-legs: the disks that the options name, as legs.
 *
 * An md array may start without a disk that is missing, and its superblocks
 * tell later what that disk missed.  Everything else is an error, at once.
 * Which is which: legs/leg-open.h.
 *
 * With state= a disk is opened with what the state file has of it (plugin/state.h),
 * and all else is as in an md array.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "legs/leg-file.h"
#include "legs/leg-open.h"
#include "legs/ring.h"
#include "logic/leg-spec.h"
#include "plugin/glue.h"
#include "plugin/open-legs.h"
#include "plugin/plain-start.h"
#include "plugin/state.h"

static struct ring *the_ring;
static struct state *the_state; /* NULL: without state= */

/* Why a disk is not open. */
static struct failure {
  bool missing;
  char text[MESSAGE_MAX + 256];
} failures[LEGS_MAX];

static bool
is_file (const char *disk)
{
  struct leg_spec spec;

  return leg_spec_parse (disk, &spec) == NULL && spec.kind == LEG_KIND_FILE;
}

/* With the state of it, if that is known. */
static int
open_with_state (const char *text, const struct leg_open_ways *ways,
                 struct leg **ret, bool *ret_missing, char *why)
{
  struct leg *disk;
  int r = leg_open (text, ways, &disk, why);

  *ret_missing = r < 0 && leg_open_is_missing (text, r);
  if (r < 0)
    return r;
  /* One that joins later is as fast as the others. */
  if (the_ring != NULL && is_file (text))
    leg_file_use_ring (disk, the_ring);
  if (the_state == NULL || !state_has_disks (the_state)) {
    *ret = disk;
    return 0;
  }
  r = state_join (the_state, text, disk, ret, why);
  if (r < 0)
    disk->ops->close (disk);
  return r;
}

static int
open_disk (const struct array_opener *opener, const char *text,
           struct leg **ret, bool *ret_missing, char *why)
{
  const struct options *options = opener->opaque;
  struct leg_open_ways ways
    = { .direct = options->direct,
        .patience = { .timeout_ns = options->timeout_s * GROUND_S,
                      .flush_timeout_ns = options->flush_timeout_s * GROUND_S,
                      .canceled = opener->canceled },
        .connections = options->connections };

  return open_with_state (text, &ways, ret, ret_missing, why);
}

struct array_opener
open_legs_opener (const struct options *options)
{
  return (struct array_opener){ .open = open_disk, .opaque = options };
}

/* legs[i], or NULL and failures[i]. */
static void
open_one (const struct options *options, struct leg **legs, unsigned i)
{
  struct array_opener opener = open_legs_opener (options);
  struct failure *failure = &failures[i];
  const char *disk = options->disk[i];
  char why[MESSAGE_MAX] = "";

  legs[i] = NULL;
  if (opener.open (&opener, disk, &legs[i], &failure->missing, why) < 0)
    snprintf (failure->text, sizeof failure->text, "disk %.200s: %s", disk,
              why);
}

static bool
is_any_open (const struct options *options, struct leg **legs)
{
  for (unsigned i = 0; i < options->disks; i++)
    if (legs[i] != NULL)
      return true;
  return false;
}

static int
refuse_any_failure (const struct options *options, struct leg **legs)
{
  for (unsigned i = 0; i < options->disks; i++)
    if (legs[i] == NULL) {
      log_error ("%s", failures[i].text);
      return -1;
    }
  return 0;
}

/* Of an md array. */
static int
refuse_other_than_missing (const struct options *options, struct leg **legs)
{
  for (unsigned i = 0; i < options->disks; i++)
    if (legs[i] == NULL && !failures[i].missing) {
      log_error ("%s", failures[i].text);
      return -1;
    }
  return 0;
}

static unsigned
count_missing (const struct options *options, struct leg **legs)
{
  unsigned count = 0;

  for (unsigned i = 0; i < options->disks; i++)
    count += legs[i] == NULL;
  return count;
}

static void
say_what_we_wait_for (const struct options *options, struct leg **legs)
{
  char disks[MESSAGE_MAX / 2] = "";
  size_t length = 0;

  for (unsigned i = 0; i < options->disks && length < sizeof disks; i++)
    if (legs[i] == NULL)
      length += snprintf (disks + length, sizeof disks - length, "%s%s",
                          length == 0 ? "" : "; ", failures[i].text);
  log_notice ("waiting up to %u s (degraded=) for %s", options->degraded_wait_s,
              disks);
}

/* A server comes when its machine or the network does, a local disk when its
 * device does, or when a typing error is found.  One attempt may take timeout=
 * longer than the wait.  0, or -1 and said.
 */
static int
wait_for_missing (const struct options *options, struct leg **legs)
{
  uint64_t deadline_ns = ground_now () + options->degraded_wait_s * GROUND_S;

  if (options->degraded_wait_s == 0 || count_missing (options, legs) == 0)
    return 0;
  say_what_we_wait_for (options, legs);
  do {
    poll (NULL, 0, DEGRADED_RETRY_MS);
    for (unsigned i = 0; i < options->disks; i++)
      if (legs[i] == NULL && ground_now () < deadline_ns)
        open_one (options, legs, i);
    if (refuse_other_than_missing (options, legs) == -1)
      return -1;
  } while (count_missing (options, legs) > 0
           && ground_now () < deadline_ns);
  return 0;
}

/* With metadata=md no disk has to be open to know that. */
static bool
is_md (const struct options *options, struct leg **legs)
{
  if (the_state != NULL)
    return state_is_known (the_state);
  switch (options->metadata) {
  case ARRAY_METADATA_NONE:
    return false;
  case ARRAY_METADATA_MD:
    return !is_any_open (options, legs) || array_is_md (legs, options->disks);
  case ARRAY_METADATA_AUTO:
    break;
  }
  return array_is_md (legs, options->disks);
}

/* 0, or -1 and said. */
static int
check_plain (const struct options *options, struct leg **legs)
{
  /* With no disk open, nobody knows how many there should be. */
  if (is_any_open (options, legs) && options_check_plain (options) == -1)
    return -1;
  if (refuse_any_failure (options, legs) == -1)
    return -1;
  return plain_start_check (options, legs);
}

/* There is no state yet: a plain array, which will have one.  0, or -1 and said.
 */
static int
make_state (const struct options *options, struct leg **legs)
{
  char why[MESSAGE_MAX];

  if (options->metadata == ARRAY_METADATA_AUTO
      && array_is_md (legs, options->disks)) {
    log_error ("state=%.300s: is for disks without metadata, and some of these "
               "have md superblocks, or may have; leave state= out, or give "
               "metadata=none if they are disks of a plain array all the same; "
               "nothing was written", options->state);
    return -1;
  }
  if (check_plain (options, legs) == -1
      || state_make (the_state, options, legs) == -1)
    return -1;
  for (unsigned i = 0; i < options->disks; i++)
    if (state_join (the_state, options->disk[i], legs[i], &legs[i], why) < 0) {
      log_error ("disk %.200s: %s", options->disk[i], why);
      return -1;
    }
  return 0;
}

/* 0, or -1 and said. */
static int
check_legs (const struct options *options, struct leg **legs)
{
  if (is_md (options, legs))
    return refuse_other_than_missing (options, legs) == -1
             ? -1 : wait_for_missing (options, legs);
  if (the_state != NULL)
    return make_state (options, legs);
  /* array_create says what they are not. */
  if (options->metadata == ARRAY_METADATA_MD)
    return 0;
  return check_plain (options, legs);
}

/* 0, or -1 and said. */
static int
open_state (const struct options *options)
{
  if (options->state == NULL)
    return 0;
  if (state_open (options->state, &the_state) == -1)
    return -1;
  if (!state_is_known (the_state)
      || state_check_disks (the_state, options) == 0)
    return 0;
  close_legs_rest ();
  return -1;
}

int
open_legs_publish (struct array *array)
{
  if (the_state == NULL)
    return 0;
  return state_compare (array) == 0 ? state_publish (the_state) : -1;
}

bool
open_legs_is_unstored (struct control_unstored *ret)
{
  return the_state != NULL && state_is_unstored (the_state, ret);
}

bool
open_legs_check_at_stop (void)
{
  return the_state == NULL || state_check_at_stop (the_state);
}

int
open_legs (const struct options *options, struct leg **ret_legs,
           const char **ret_absent)
{
  if (open_state (options) == -1)
    return -1;
  for (unsigned i = 0; i < options->disks; i++)
    open_one (options, ret_legs, i);
  if (check_legs (options, ret_legs) == -1) {
    close_legs (options, ret_legs);
    close_legs_rest ();
    return -1;
  }
  for (unsigned i = 0; i < options->disks; i++)
    ret_absent[i] = ret_legs[i] == NULL ? failures[i].text : NULL;
  return 0;
}

void
close_legs (const struct options *options, struct leg **legs)
{
  for (unsigned i = 0; i < options->disks; i++)
    if (legs[i] != NULL)
      legs[i]->ops->close (legs[i]);
}

/* A leg that array_create had no use for is closed, and gone. */
static bool
may_use_ring (const struct options *options, struct leg **legs,
              const struct array *array, unsigned i)
{
  return is_file (options->disk[i]) && legs[i] != NULL
         && array_uses_leg (array, legs[i]);
}

void
open_legs_ring (const struct options *options, struct leg **legs,
                const struct array *array)
{
  unsigned files = 0;
  int r;

  for (unsigned i = 0; i < options->disks; i++)
    files += may_use_ring (options, legs, array, i);
  /* Alone, or through the page cache, a leg gains nothing from a ring. */
  if (files < 2 || !options->direct)
    return;
  r = ring_create (&the_ring);
  if (r < 0) {
    log_debug ("no io_uring: %s", log_strerror (r));
    return;
  }
  for (unsigned i = 0; i < options->disks; i++)
    if (may_use_ring (options, legs, array, i)) {
      struct leg *image = leg_image (legs[i]);

      leg_file_use_ring (image, the_ring);
      legs[i]->rank = image->rank;
    }
}

void
close_legs_rest (void)
{
  if (the_ring != NULL)
    ring_destroy (the_ring);
  the_ring = NULL;
  state_close (the_state);
  the_state = NULL;
}
