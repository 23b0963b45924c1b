/* SPDX-License-Identifier: BSD-3-Clause */
/* places: do the places of a member's metadata and data suit the blocks in
 * which it is written?
 *
 * Pure.  A member lies where its superblock says.  All members are written in
 * the blocks of the one with the largest, and a superblock is as long as the
 * table of all members.
 */
#ifndef MIRROR_MEMBERS_PLACES_H
#define MIRROR_MEMBERS_PLACES_H

#include "logic/layout.h"
#include "members/read.h"

struct places_need {
  const struct layout *layout; /* of the array, its sizes computed */
  uint32_t block;   /* bytes: the largest of any disk, a sector at least */
  uint32_t entries; /* of the table of all members */
  uint32_t bitmap_chunk; /* bytes: a bitmap of these regions will be written,
                            whatever is there; 0: the one that is there */
};

/* Entries that a table needs for the member of @sb. */
uint32_t places_entries (const struct sb1 *sb);

/* True, or false with @why (MESSAGE_MAX bytes), to follow "disk NAME: ".
 * @record has a good superblock.
 */
bool places_suit (const struct member_record *record,
                  const struct places_need *need, char *why);

/* The same for what clients are given: blocks of @block bytes, the largest that
 * a disk wants or the superblocks have on record.  @why follows the array's
 * name.
 */
bool places_suit_clients (const struct layout *layout, uint32_t block,
                          char *why);

#endif /* MIRROR_MEMBERS_PLACES_H */
