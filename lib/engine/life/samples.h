/* SPDX-License-Identifier: BSD-3-Clause */
/* samples: is a disk that comes alike to those in sync, where it should be?
 *
 * Both ends are compared, places all over it, and in a plain array those that
 * were written to last and were on all disks; not what has a bit since the disk
 * left (array->missed, or the bitmap).
 *
 * Locks held on entry: array->change_lock.  May block on: a buffer, a child of
 * the resync's own pool, the disks, that which comes included.
 */
#ifndef MIRROR_SAMPLES_H
#define MIRROR_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

struct leg;
struct request;

struct samples {
  bool differs;
  uint64_t differs_at; /* bytes of the disk */
  unsigned alike;      /* places that are alike and are no zeroes; they may have
                          a bit if there are no others */
};

/* Of the disk of @leg, which had @slot, all but its first @skip bytes.
 * @request has no round and no range.  0, or -errno: the disk cannot be read.
 */
int samples_compare (struct request *request, struct leg *leg, unsigned slot,
                     uint64_t skip, struct samples *ret);

#endif /* MIRROR_SAMPLES_H */
