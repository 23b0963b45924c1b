/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-beside: a disk with an end that it does not have.
 *
 *   | image_size bytes of the disk | up to 4 KiB of nothing | area |
 *     its own driver does these                               beside it
 *
 * The array sees one disk and keeps its metadata at the end of it, as it always
 * does; the disk itself has the data, and not a byte more.
 */
#ifndef MIRROR_LEG_BESIDE_H
#define MIRROR_LEG_BESIDE_H

#include "legs/leg.h"

#define LEG_BESIDE_ALIGNMENT 4096u

/* Where the end is kept. */
struct beside {
  /* All of it, at any offset inside the area: 0 or -errno.  What was written is
   * on stable storage.  Block, on a disk of this machine.
   */
  int (*read) (struct beside *beside, void *buffer, uint64_t length,
               uint64_t offset);
  int (*write) (struct beside *beside, const void *buffer, uint64_t length,
                uint64_t offset);
  /* Nothing is under way; it is not used any more. */
  void (*close) (struct beside *beside);
};

/* @disk, which has @image_size bytes at least, with an area of @area_size bytes,
 * whole 4 KiB, beside it.  Takes over both on success.  0 and *@ret, or -ENOMEM.
 */
int leg_beside_new (struct leg *disk, uint64_t image_size,
                    uint64_t area_size, struct beside *beside,
                    struct leg **ret);

#endif /* MIRROR_LEG_BESIDE_H */
