/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-members: legs, as members/ reads them.
 *
 * Before the legs are started.  Blocks on reads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array/leg-members.h"
#include "ground/util.h"

static int
read_leg (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  struct leg *leg = opaque;

  return leg->ops->read_now (leg, buffer, length, offset);
}

void
leg_members_disks (struct leg **legs, unsigned count, struct member_disk *ret)
{
  for (unsigned i = 0; i < count; i++) {
    ret[i] = (struct member_disk){ .name = "" };
    if (legs[i] == NULL)
      continue;
    ret[i] = (struct member_disk){ .name = legs[i]->name,
                                   .opaque = legs[i],
                                   .read = read_leg,
                                   .size = legs[i]->caps.size,
                                   .exact_size = legs[i]->caps.exact_size,
                                   .block = legs[i]->caps.block_minimum,
                                   .readonly = legs[i]->caps.readonly,
                                   .beside = legs[i]->image != NULL };
  }
}

bool
array_is_md (struct leg **legs, unsigned count)
{
  struct member_disk disks[LEGS_MAX];
  char why[MESSAGE_MAX];
  struct members *members;
  bool is_md = false;

  leg_members_disks (legs, count, disks);
  if (members_read (disks, count, &members, why) < 0)
    return false;
  for (unsigned i = 0; i < count; i++)
    is_md |= member_may_be_md (&members->record[i]);
  members_free (members);
  return is_md;
}

int
leg_members_take (struct member *member, struct member_record *record)
{
  struct member_super *super = &member->super;

  super->block = aligned_alloc (BOUNCE_ALIGNMENT, SB1_BLOCK_SIZE);
  if (super->block == NULL)
    return -ENOMEM;
  memcpy (super->block, record->block, SB1_BLOCK_SIZE);
  super->stored = UINT64_MAX;
  super->sb = record->sb;
  super->sb.recovery_offset = 0;
  member->data_offset = record->sb.data_offset * SECTOR_SIZE;
  member->bad = record->bad;
  record->bad = NULL;
  return 0;
}
