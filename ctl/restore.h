/* SPDX-License-Identifier: BSD-3-Clause */
/* restore: files with what erase takes from a disk. */
#ifndef MIRROR_RESTORE_H
#define MIRROR_RESTORE_H

#include <stdint.h>

#include "logic/sb1.h"

struct restore_area {
  uint64_t offset; /* bytes on the disk */
  uint32_t length;
  uint8_t bytes[SB1_BLOCK_SIZE];
};

struct restore {
  uint64_t disk_size;
  unsigned count;
  struct restore_area area[SB1_VERSIONS];
};

/* Save to a new file; on stable storage when this returns.  0, or -errno and
 * there is no file.
 */
int restore_save (const struct restore *restore, const char *path);

#endif /* MIRROR_RESTORE_H */
