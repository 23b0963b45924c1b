/* SPDX-License-Identifier: BSD-3-Clause */
/* seats: which slot a server gives to each disk of an array that starts, and
 * what it copies to it.
 *
 * The rules are the server's (lib/engine/members.c), which this program does
 * not contain; tests/ctl/test-verdict-server.sh asks both and compares.
 */
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/seats.h"
#include "ground/util.h"
#include "legs/leg.h"

static bool
can_be_written (const struct member *member)
{
  if (member->disk.leg != NULL)
    return !member->disk.leg->caps.readonly;
  return access (member->name, W_OK) == 0;
}

/* The same regions, in an area that is sound: it can be written over. */
static bool
has_same_bitmap (const struct member *a, const struct member *b)
{
  if (a->bitmap_verdict == BITMAP_NONE || b->bitmap_verdict == BITMAP_NONE)
    return a->bitmap_verdict == b->bitmap_verdict;
  return b->bitmap.chunk == a->bitmap.chunk
         && (b->bitmap_verdict == BITMAP_GOOD
             || b->bitmap_verdict == BITMAP_OUTDATED);
}

static bool
has_missed_writes (enum part part)
{
  return part == PART_STALE_BITMAP || part == PART_STALE
         || part == PART_FAULTY || part == PART_SPLIT;
}

/* A member that missed something comes back to its slot, if that is free and
 * the member fits.
 */
static bool
can_rejoin (const struct assembly *assembly, struct member **members,
            unsigned count, unsigned i, const struct seats *seats)
{
  const struct member *authority = members[assembly->authority];
  const struct member *member = members[i];
  const struct sb1 *sb = &member->sb;
  unsigned slot = sb1_own_role (sb);

  if (!has_missed_writes (assembly->part[i].part)
      || slot >= assembly->layout.slots || (assembly->present >> slot & 1)
      || !can_be_written (member) || sb->data_size < authority->sb.size
      || !assemble_same_sizes (sb, &authority->sb)
      || (sb->features & SB1_FEATURE_REPLACEMENT)
      || !has_same_bitmap (authority, member))
    return false;
  for (unsigned j = 0; j < count; j++)
    if (j != i && seats->seat[j].slot != ASSEMBLE_NO_SLOT
        && (seats->seat[j].slot == slot
            || members[j]->sb.dev_number == sb->dev_number))
      return false;
  return true;
}

/* The first reason, in the server's order; "" if there is none. */
static void
explain_readonly (const struct assembly *assembly, struct member **members,
                  unsigned count, struct seats *seats)
{
  const char *why = assembly->result == ASSEMBLE_REFUSED ? assembly->why : "";

  seats->culprit = why[0] != '\0' ? assembly->culprit : count;
  for (unsigned i = 0; i < count && why[0] == '\0'; i++) {
    seats->culprit = i;
    if (assembly->part[i].part == PART_REPLACEMENT)
      why = "is a replacement that is still being filled; let Linux finish "
            "that";
    else if (seats->seat[i].slot != ASSEMBLE_NO_SLOT
             && !has_same_bitmap (members[assembly->authority], members[i]))
      why = "its bitmap is not the one of the other disks; assemble the array "
            "once with Linux";
  }
  seats->refuses_writers = why[0] != '\0';
  for (unsigned i = 0; i < count && why[0] == '\0'; i++) {
    seats->culprit = i;
    if (seats->seat[i].slot != ASSEMBLE_NO_SLOT
        && !can_be_written (members[i]))
      why = "may only be read";
  }
  snprintf (seats->why_readonly, sizeof seats->why_readonly, "%s", why);
}

void
seats_give (const struct assembly *assembly, struct member **members,
            unsigned count, struct seats *ret)
{
  *ret = (struct seats){ .rebuilding = false };
  for (unsigned i = 0; i < count; i++) {
    const struct assemble_part *part = &assembly->part[i];

    ret->seat[i].slot = ASSEMBLE_NO_SLOT;
    if (assemble_part_is_fresh (part->part)
        && part->part != PART_REPLACEMENT)
      ret->seat[i] = (struct seat){ part->slot,
                                    part->part == PART_RECOVERING,
                                    part->by_bitmap };
  }
  for (unsigned i = 0; i < count; i++)
    if (ret->seat[i].slot == ASSEMBLE_NO_SLOT
        && can_rejoin (assembly, members, count, i, ret))
      ret->seat[i] = (struct seat){
        .slot = sb1_own_role (&members[i]->sb),
        .rebuilt = true,
        .by_bitmap = assembly->part[i].part == PART_STALE_BITMAP
                     && members[i]->bitmap_verdict == BITMAP_GOOD,
      };
  explain_readonly (assembly, members, count, ret);
  for (unsigned i = 0; i < count; i++) {
    ret->seat[i].rebuilt &= ret->why_readonly[0] == '\0';
    ret->rebuilding |= ret->seat[i].rebuilt;
  }
}
