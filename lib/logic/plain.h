/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: may these disks be served as copies of one another?
 *
 * Pure.  A plain array has nothing on its disks that says so.  What is known
 * of other formats can say that it is none: disks that are or were members of
 * another array, or that hold different things.
 */
#ifndef MIRROR_PLAIN_H
#define MIRROR_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/layout.h"

/* What a disk looks like; of what it was not asked, empty. */
struct plain_look {
  /* Why it is no disk of a plain array, to follow its name; or empty. */
  char member[MESSAGE_MAX / 2];
  const char *advice; /* and what to do */
  bool unfinished;    /* and there is no doubt: the mirror said so itself */

  /* File systems, volumes, partition tables, with their uuids; and a sum over
   * the entries of the tables.  All copies have the same.
   */
  bool looked; /* they could be read */
  char holds[MESSAGE_MAX / 4];
  uint64_t partitions_sum;
};

struct plain_refusal {
  unsigned culprit;      /* a disk */
  char why[MESSAGE_MAX]; /* to follow its name */
  const char *advice;
  bool is_certain;       /* whatever the user says */
};

/* False, and *@ret. */
bool plain_check (const struct plain_look *looks, const char *const *names,
                  const struct layout *layout, struct plain_refusal *ret);

/* Do two disks hold the same, wholly? */
bool plain_same (const struct layout *layout, unsigned i, unsigned j);

#endif /* MIRROR_PLAIN_H */
