/* SPDX-License-Identifier: BSD-3-Clause */
/* rejoin: disks that were lost, or not there at the start, come back. */
#ifndef MIRROR_REJOIN_H
#define MIRROR_REJOIN_H

#include <stdint.h>

struct array;

/* Begin to seek what is lost and will be.  Not in an array that may only be
 * read.  0 or -errno.
 */
int rejoin_start (struct array *array);

/* Its thread ends, after what it is doing now: opening a disk, at most. */
void rejoin_stop (struct array *array);

#endif /* MIRROR_REJOIN_H */
