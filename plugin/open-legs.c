/* SPDX-License-Identifier: BSD-3-Clause */
/* open-legs: the disks that the options name, as legs. */
#include <string.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "legs/leg-file.h"
#include "legs/leg-nbd.h"
#include "legs/ring.h"
#include "logic/leg-spec.h"
#include "plugin/glue.h"
#include "plugin/open-legs.h"

static struct ring *the_ring;

static bool
is_file (const char *disk)
{
  struct leg_spec spec;

  return leg_spec_parse (disk, &spec) == NULL && spec.kind == LEG_KIND_FILE;
}

int
open_legs (const struct options *options, struct leg **ret_legs)
{
  char why[MESSAGE_MAX] = "";

  for (unsigned i = 0; i < options->disks; i++) {
    const char *disk = options->disk[i];
    int r = is_file (disk)
              ? leg_file_open (disk, options->direct, &ret_legs[i], why)
              : leg_nbd_open (disk, options->timeout_s * GROUND_S,
                              &ret_legs[i], why);

    if (r < 0) {
      log_error ("disk %.200s: %s", disk, why);
      while (i-- > 0)
        ret_legs[i]->ops->close (ret_legs[i]);
      return -1;
    }
  }
  return 0;
}

void
open_legs_ring (const struct options *options, struct leg **legs)
{
  unsigned files = 0;
  int r;

  for (unsigned i = 0; i < options->disks; i++)
    files += is_file (options->disk[i]);
  /* Alone, a leg gains nothing from a ring. */
  if (files < 2)
    return;
  r = ring_create (&the_ring);
  if (r < 0) {
    log_debug ("no io_uring: %s", log_strerror (r));
    return;
  }
  for (unsigned i = 0; i < options->disks; i++)
    if (is_file (options->disk[i]))
      leg_file_use_ring (legs[i], the_ring, options->direct);
}

void
close_legs_ring (void)
{
  if (the_ring != NULL)
    ring_destroy (the_ring);
  the_ring = NULL;
}
