/* SPDX-License-Identifier: BSD-3-Clause */
/* slots: which disk is in each slot of an array, and why it is not in sync.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec, assemble-text.
 */
#include "ground/util.h"
#include "logic/slots.h"

/* Numbers begin as slots; a disk that was added later has a higher one, and
 * which slot it had is on record only while it has it.
 */
static bool
may_have_failed (const struct sb1 *authority, unsigned slot)
{
  if (sb1_role (authority, slot) == SB1_ROLE_FAULTY)
    return true;
  for (uint32_t i = authority->raid_disks; i < authority->max_dev; i++)
    if (sb1_role (authority, i) == SB1_ROLE_FAULTY)
      return true;
  return false;
}

void
slots_find (const struct assembly *assembly,
            const struct assemble_member *members, unsigned count,
            struct slot *ret)
{
  const struct sb1 *authority = members[assembly->authority].sb;

  assert (slots_are_known (assembly));
  for (unsigned i = 0; i < assembly->layout.slots; i++)
    ret[i].has = sb1_slot_is_taken (authority, i) ? SLOT_HAS_MISSING
                 : may_have_failed (authority, i) ? SLOT_HAS_FAILED
                                                  : SLOT_HAS_NONE;
  for (unsigned i = 0; i < count; i++) {
    const struct assemble_part *part = &assembly->part[i];
    struct slot *slot;

    if (part->slot >= assembly->layout.slots)
      continue;
    slot = &ret[part->slot];
    /* The best of several: parts are in that order. */
    if (slot->has == SLOT_HAS_DISK && slot->part <= part->part)
      continue;
    *slot
      = (struct slot){ .has = SLOT_HAS_DISK, .member = i, .part = part->part };
  }
}

static const char *
disk_text (enum part part)
{
  switch (part) {
  case PART_RECOVERING:
    return "which is being rebuilt";
  case PART_REPLACEMENT:
    return "which is being filled as a replacement";
  case PART_FAULTY:
    return "which failed";
  case PART_SPLIT:
    return "which ran on its own";
  default:
    return "which missed writes";
  }
}

const char *
slot_text (const struct slot *slot)
{
  switch (slot->has) {
  case SLOT_HAS_MISSING:
    return "its disk is missing";
  case SLOT_HAS_FAILED:
    return "its disk is missing, and on record as failed";
  case SLOT_HAS_NONE:
    return "no disk, and none is on record";
  case SLOT_HAS_DISK:
    break;
  }
  return disk_text (slot->part);
}

const char *
slot_word (const struct slot *slot)
{
  switch (slot->has) {
  case SLOT_HAS_MISSING:
    return "missing";
  case SLOT_HAS_FAILED:
    return "failed";
  case SLOT_HAS_NONE:
    return "none";
  case SLOT_HAS_DISK:
    break;
  }
  return assemble_part_word (slot->part);
}
