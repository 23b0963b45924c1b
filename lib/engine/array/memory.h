/* SPDX-License-Identifier: BSD-3-Clause */
/* memory: how much an array has, from the numbers that it is given. */
#ifndef MIRROR_MEMORY_H
#define MIRROR_MEMORY_H

#include "engine/array.h"

/* The given numbers, or the defaults of limits.h. */
struct array_config memory_defaults (const struct array_config *given,
                                     unsigned slots);

/* Children of array->pool: each place that may be taken later, by a disk that
 * is added, has one of its own besides.
 */
uint64_t memory_pool_total (unsigned pool, unsigned slots);

#endif /* MIRROR_MEMORY_H */
