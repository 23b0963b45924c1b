/* SPDX-License-Identifier: BSD-3-Clause */
/* read: what a disk says about itself: its superblock, bitmap and bad block
 * log.
 *
 * The one reader, for the server and for nbdmirror.  It reads, and never
 * writes.  What is read comes from a disk, so nothing of it is asserted.
 */
#ifndef MIRROR_MEMBERS_READ_H
#define MIRROR_MEMBERS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"
#include "logic/badblocks.h"
#include "logic/bitmap-disk.h"
#include "logic/evidence.h"
#include "logic/sb1.h"
#include "logic/seats.h"

/* A disk that the caller has open, and how to read it. */
struct member_disk {
  const char *name; /* for people */
  void *opaque;
  /* 0 or -errno; inside @size, any alignment, at most REQUEST_MAX bytes.
   * NULL: the disk could not be opened.
   */
  int (*read) (void *opaque, void *buffer, uint64_t length, uint64_t offset);
  uint64_t size;       /* bytes that can be read: whole blocks */
  uint64_t exact_size; /* with a last part of a block that cannot */
  uint32_t block;      /* bytes, a power of two: the smallest it can do */
  bool readonly;
  bool beside; /* what the array keeps at its end is not on the disk itself, so
                  what looks like metadata elsewhere is data */
};

/* What was read from one disk.  It stays where it is: @unreadable points into
 * it.
 */
struct member_record {
  struct member_disk disk;

  /* What of it cannot be read, in words that can follow "disk NAME: "; NULL:
   * nothing.  Without all of its metadata a disk is no member.
   */
  const char *unreadable;
  int error; /* -errno of the first of that, or 0 */

  /* Its superblock; SB1_NONE, too, if that cannot be read. */
  enum sb1_verdict verdict;
  enum sb1_version version; /* SB1_VERSIONS: none */
  struct sb1 sb;            /* but for none, and for 0.90 */
  uint8_t block[SB1_BLOCK_SIZE]; /* sb in its own bytes */
  char why[MESSAGE_MAX];         /* of the verdict */

  /* Its bitmap; BITMAP_NONE without a good superblock. */
  enum bitmap_verdict bitmap_verdict;
  struct bitmap_super bitmap;
  uint8_t head[BITMAP_HEAD_SIZE];
  uint64_t regions;     /* BITMAP_GOOD, BITMAP_OUTDATED */
  uint64_t regions_set; /* likewise: as found */
  uint8_t *bits;        /* ours; NULL unless good */
  char bitmap_why[MESSAGE_MAX];

  /* Its bad block log, if it keeps one: all NULL and 0 if not. */
  struct badblocks *bad; /* ours, until an array has it; NULL: damaged, too */
  uint8_t log[BADBLOCKS_LOG_MAX]; /* as found */
  unsigned log_bytes;
  bool log_damaged;
  char log_why[MESSAGE_MAX]; /* of that */

  /* What a state file remembers of the disk; ours.  NULL: nothing. */
  struct evidence *evidence;

  struct seat seat; /* given by members_assemble */
};

/* Read all of @disk; if it could not be opened, nothing.  0 (member_forget
 * follows) or -ENOMEM.
 */
int member_read (const struct member_disk *disk, struct member_record *ret);

/* As if it had no metadata: nothing is read. */
void member_ignore (const struct member_disk *disk,
                    struct member_record *ret);

/* Free what it has.  Any number of times. */
void member_forget (struct member_record *record);

/* Is the disk there, whatever could be read of it? */
static inline bool
member_is_there (const struct member_record *record)
{
  return record->disk.read != NULL;
}

/* What all of it together is worth, and why it is not SB1_GOOD. */
enum sb1_verdict member_verdict (const struct member_record *record);
const char *member_why (const struct member_record *record);

/* Is it of an md array, or may it be? */
static inline bool
member_may_be_md (const struct member_record *record)
{
  return record->verdict != SB1_NONE || record->unreadable != NULL;
}

#endif /* MIRROR_MEMBERS_READ_H */
