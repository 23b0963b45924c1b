/* SPDX-License-Identifier: BSD-3-Clause */
/* pick: which member to read.
 *
 * Pure.  Fewest outstanding requests first, so that a slow member gets less
 * and two slow ones share; among equals the member whose last read ended here,
 * so that a lone sequential reader streams from one disk; else the one whose
 * last read ended nearest; the first of those.
 */
#ifndef MIRROR_PICK_H
#define MIRROR_PICK_H

#include <stdbool.h>
#include <stdint.h>

/* One copy that might be read. */
struct candidate {
  bool usable;          /* in sync, and not yet tried by this request */
  unsigned outstanding; /* reads and writes under way on its leg */
  uint64_t offset;      /* bytes on the member */
  uint64_t head;        /* where the leg's last read ended */
};

/* The index of the candidate to read; -1: none is usable. */
int pick_read (const struct candidate *candidates, unsigned count);

/* The index that everybody agrees on: the first usable one, copies being in
 * the layout's order; -1: none is usable.
 */
int pick_fixed (const struct candidate *candidates, unsigned count);

#endif /* MIRROR_PICK_H */
