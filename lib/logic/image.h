/* SPDX-License-Identifier: BSD-3-Clause */
/* image: of what kind of disk image is a file?
 *
 * Pure.  A plain array serves bytes as they are.  A file in one of these
 * formats holds a disk, but clients would see the format's own tables.
 */
#ifndef MIRROR_IMAGE_H
#define MIRROR_IMAGE_H

#include <stdint.h>

#define IMAGE_HEAD 512

/* The file begins with @head and ends with @tail, IMAGE_HEAD bytes each.
 * "qcow2", ...; or NULL: no kind that is known here.
 */
const char *image_kind (const uint8_t *head, const uint8_t *tail);

#endif /* MIRROR_IMAGE_H */
