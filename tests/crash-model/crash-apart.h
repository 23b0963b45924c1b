/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-apart: parts of an array that run without each other.  When they come
 * together again, two histories must never be taken for one.
 */
#ifndef MIRROR_CRASH_APART_H
#define MIRROR_CRASH_APART_H

#include <stdbool.h>

#include "crash-life.h"
#include "sim-random.h"

/* After @before was cut short and left @images: some legs alone, then the
 * others alone, and @images is what they leave.  *@ret_split: they have two
 * histories; else all of them have lived on together, too.  False, and @why
 * (CRASH_WHY_MAX bytes).
 */
bool apart_live (struct random_stream *chance, const struct crash_life *before,
                 struct crash_images *images, bool *ret_split, char *why);

#endif /* MIRROR_CRASH_APART_H */
