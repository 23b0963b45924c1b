/* SPDX-License-Identifier: BSD-3-Clause */
/* content-end: how large was the disk on which this was made?
 *
 * Pure.  File systems, volumes and partition tables say how large they are.
 * Of a disk that is larger than that, something else may follow.
 */
#ifndef MIRROR_CONTENT_END_H
#define MIRROR_CONTENT_END_H

#include <stdint.h>

#define CONTENT_ENDS_MAX 8

/* From the first @length bytes of a disk: byte offsets at which what it holds
 * ends, as far as that is known here.  Their number; they may be anything.
 */
unsigned content_ends (const uint8_t *head, uint64_t length,
                       uint64_t ret[CONTENT_ENDS_MAX]);

#endif /* MIRROR_CONTENT_END_H */
