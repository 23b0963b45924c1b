/* SPDX-License-Identifier: BSD-3-Clause */
/* remains: what is left of array metadata on a disk whose size was changed,
 * or whose start was overwritten.
 *
 * Pure.  An md superblock of version 1.x says where it lies; one that lies
 * there, on a disk that has it in no place of today's, is of the disk as it
 * was.  Formats that lie at the end of a disk stay where that end used to be.
 */
#ifndef MIRROR_REMAINS_H
#define MIRROR_REMAINS_H

#include <stdbool.h>
#include <stdint.h>

enum remains_kind {
  REMAINS_MD,     /* a superblock of version 1.x */
  REMAINS_MD_OLD, /* 0.90 */
  REMAINS_BITMAP, /* the write-intent bitmap of a member */
  REMAINS_IMSM,
  REMAINS_DDF,
};

struct remains {
  enum remains_kind kind;
  uint64_t offset;
};

/* In these bytes, which were read at @offset (whole sectors): an md superblock
 * rather than anything else, for it says most; the first of each.
 */
bool remains_find (const uint8_t *bytes, uint64_t length, uint64_t offset,
                   struct remains *ret);

/* "an md superblock of version 1.x", ... */
const char *remains_name (enum remains_kind kind);

/* How far in front of the end of a disk all of them lie. */
#define REMAINS_FROM_END (64u * 1024u)

/* Stretches where a former end of the disk may have been, the likeliest
 * first: behind the end of what the disk holds, as its head (@length bytes
 * from its start) tells, and at round sizes below @end.
 */
#define REMAINS_PLACES_MAX 192
struct remains_place {
  uint64_t offset, length; /* whole sectors, below @end */
};
unsigned remains_places (const uint8_t *head, uint64_t length, uint64_t end,
                         struct remains_place ret[REMAINS_PLACES_MAX]);

#endif /* MIRROR_REMAINS_H */
