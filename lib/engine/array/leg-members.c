/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-members: legs, as members/ reads them.
 *
 * Runs before the server forks.  Blocks on reads.
 */
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
                                   .readonly = legs[i]->caps.readonly };
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
