/* SPDX-License-Identifier: BSD-3-Clause */
/* unfinished: what a disk of a plain array begins with while the array is being
 * copied to it: that it is no copy.
 *
 * Pure.  A plain array has no metadata, so nothing else could say so when the
 * server stops in between.  Its own first bytes take the place of the mark last
 * of all.  People can read it, too.
 */
#ifndef MIRROR_UNFINISHED_H
#define MIRROR_UNFINISHED_H

#include <stdbool.h>
#include <stdint.h>

#define UNFINISHED_SIZE 512

void unfinished_encode (uint8_t ret[UNFINISHED_SIZE]);

/* Are these the first bytes of such a disk? */
bool unfinished_is (const uint8_t head[UNFINISHED_SIZE]);

/* What it is, to follow its name, and what to do. */
extern const char unfinished_text[], unfinished_advice[];

#endif /* MIRROR_UNFINISHED_H */
