/* SPDX-License-Identifier: BSD-3-Clause */
/* create-plan: where everything goes on the members of a new array.
 *
 * Pure.  Chooses what mdadm --create chooses for the same wishes and the
 * same members, so that arrays made here and there are alike, and every
 * kernel since metadata 1.x assembles them.  Numbers are sectors.
 */
#ifndef MIRROR_CREATE_PLAN_H
#define MIRROR_CREATE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"
#include "logic/bitmap-disk.h"
#include "logic/layout.h"
#include "logic/sb1.h"

struct create_wish {
  struct layout layout; /* the given part; layout_check finds it good */
  enum sb1_version version;
  uint64_t size;         /* of each member to be used, sectors; 0: all */
  bool exact_size;       /* not a sector less, whatever mdadm rounds to */
  bool bitmap;
  uint32_t bitmap_chunk; /* bytes; 0: chosen */
  bool assume_clean;
  unsigned spares;  /* disks behind those of the slots, which wait */
  uint32_t rebuilt; /* bit per slot: its member has nothing of the data yet */
  char name[SB1_NAME_SIZE + 1];
  uint64_t member_bytes[LEGS_MAX]; /* by slot, then the spares; 0: missing */
  const char *member_name[LEGS_MAX]; /* for messages; NULL: its slot */
};

struct create_member {
  uint64_t super_offset;
  uint64_t data_offset;
  uint64_t data_size;
  int32_t bblog_offset; /* 0: no room for a bad block log */
  uint16_t bblog_size;
};

struct create_plan {
  struct layout layout; /* sizes computed */
  uint64_t size;        /* what the superblocks say */
  int32_t bitmap_offset;
  uint32_t bitmap_chunk;     /* bytes; 0: no bitmap */
  uint64_t bitmap_sync_size;
  uint64_t bitmap_bytes;     /* of the area to be filled, whole pages */
  struct create_member member[LEGS_MAX];
};

/* True, or false with @why (MESSAGE_MAX bytes): why these wishes cannot be
 * met.
 */
bool create_plan (const struct create_wish *wish, struct create_plan *ret,
                  char *why);

/* How many sectors a member of version 1.0 has that holds so many of data, with
 * room for what else lies on it.
 */
uint64_t create_member_sectors (uint64_t data_sectors);

/* And how many of data one of so many can hold in any case; 0: none. */
uint64_t create_data_sectors (uint64_t member_sectors);

/* How many disks there are, missing ones and spares too; LEGS_MAX at most. */
static inline unsigned
create_disks (const struct create_wish *wish)
{
  return wish->layout.slots + wish->spares;
}

/* The superblock of the member in @slot, or of a spare; the uuids and the time (as
 * SB1_TIME makes it) are the caller's.
 */
void create_superblock (const struct create_wish *wish,
                        const struct create_plan *plan, unsigned slot,
                        const uint8_t set_uuid[16],
                        const uint8_t device_uuid[16], uint64_t time,
                        struct sb1 *ret);

/* The bitmap superblock, the same for all members; only with a bitmap. */
void create_bitmap (const struct create_plan *plan,
                    const uint8_t set_uuid[16], struct bitmap_super *ret);

#endif /* MIRROR_CREATE_PLAN_H */
