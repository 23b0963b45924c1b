/* SPDX-License-Identifier: BSD-3-Clause */
/* compare: are the copies of a plain array alike where it is looked?
 *
 * The two ends, and some blocks between.  It cannot prove that they are, but
 * it finds a disk that is the wrong one, or was left behind.
 */
#ifndef MIRROR_COMPARE_H
#define MIRROR_COMPARE_H

#include "look/look.h"

struct compare_difference {
  uint64_t offset; /* of the array: the first byte that was seen to differ */
  unsigned a, b;   /* the disks */
};

/* One thread for each disk reads until its deadline; what a disk cannot read is
 * not compared.  @layout: with its sizes, more than 0.  False: no difference
 * was seen.
 */
bool compare_copies (const struct look_disk *disks, const struct layout *layout,
                     struct compare_difference *ret);

#endif /* MIRROR_COMPARE_H */
