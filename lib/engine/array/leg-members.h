/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-members: legs, as members/ reads them. */
#ifndef MIRROR_LEG_MEMBERS_H
#define MIRROR_LEG_MEMBERS_H

#include "engine/array.h"
#include "engine/array/view.h"
#include "members/members.h"

/* The disks of @legs, before their start (NULL: could not be opened). */
void leg_members_disks (struct leg **legs, unsigned count,
                        struct member_disk *ret);

/* The leg behind a record of such a disk. */
static inline struct leg *
leg_of_record (const struct member_record *record)
{
  return record->disk.opaque;
}

/* @member gets what its disk says: superblock, bad blocks, where its data are;
 * those of the record are gone.  Of a disk without a superblock, room for one
 * that the caller fills in.  It counts as one that comes: it is stored with the
 * next update, and holds nothing yet.  0 or -ENOMEM.
 */
int leg_members_take (struct member *member, struct member_record *record);

#endif /* MIRROR_LEG_MEMBERS_H */
