/* SPDX-License-Identifier: BSD-3-Clause */
/* look: what a disk without md metadata of its own seems to be.
 *
 * Reads, and never writes.  What is read comes from a disk, so nothing of it
 * is believed or asserted.  From any thread, one for each disk.
 */
#ifndef MIRROR_LOOK_H
#define MIRROR_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/plain.h"

/* A disk that a door has open, and how to read it. */
struct look_disk {
  void *opaque;
  /* 0 or -errno; inside @size. */
  int (*read) (void *opaque, void *buffer, uint64_t length, uint64_t offset);
  /* Behind it all reads as zeroes, up to the end; NULL: not known. */
  uint64_t (*data_end) (void *opaque, uint64_t deadline_ns);
  uint64_t size;        /* bytes that can be read */
  uint64_t exact_size;  /* with a last part of a block that cannot */
  uint64_t deadline_ns; /* of ground_now: what can be left out is, from then */
};

struct look_result {
  struct plain_look plain;
  const char *image; /* image_kind */
  int error;         /* of reading its ends, or of looking at them; or 0 */
};

/* The most that is read from a disk with one call. */
#define LOOK_READ_MAX (1024u * 1024u)

/* Look at @disk, of which a plain array uses @common bytes at most. */
void look_at (const struct look_disk *disk, uint64_t common,
              struct look_result *ret);

/* -------------------------------------------------------------- look-view.c */

/* A file in memory, as large as the disk, with its two ends, where libblkid
 * finds all it knows; holes between.
 */
struct look_view {
  int fd;
  uint64_t size;
};

/* 0, or -errno: nothing to close. */
int look_view_open (const struct look_disk *disk, uint64_t size,
                    struct look_view *ret);
void look_view_close (struct look_view *view);

/* What was copied; zeroes in the holes.  0 or -errno. */
int look_view_read (const struct look_view *view, void *buffer, uint64_t length,
                    uint64_t offset);

/* Copy more.  0 or -errno. */
int look_view_copy (const struct look_disk *disk, const struct look_view *view,
                    uint64_t offset, uint64_t length);

/* How much of each end is there. */
#define LOOK_END (2u * 1024u * 1024u)

/* ------------------------------------------------------------- look-blkid.c */

/* One thing that libblkid knows; the texts are libblkid's, until the call
 * ends.
 */
struct look_signature {
  const char *type;               /* "ext4", "gpt" */
  const char *uuid, *device_uuid; /* NULL: it has none */
  bool is_table;                  /* a partition table */
};

typedef void look_signature_fn (void *opaque,
                                const struct look_signature *signature);

/* 0 or -errno. */
int look_signatures (const struct look_view *view, look_signature_fn *found,
                     void *opaque);

struct look_partition {
  unsigned number;
  uint64_t offset, size; /* bytes; perhaps outside the disk */
  uint64_t sum;          /* over all that its entry says */
};
#define LOOK_PARTITIONS_MAX 128

/* Of the table, whatever its sectors are.  Their number, 0 also if something
 * fails.
 */
unsigned look_partitions (const struct look_disk *disk,
                          const struct look_view *view,
                          struct look_partition ret[LOOK_PARTITIONS_MAX]);

#endif /* MIRROR_LOOK_H */
