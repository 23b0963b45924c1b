/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-arrays: of members that are of one array, which slots lack a disk.
 *
 * Each superblock alone tells what its member knew.  Who counts is the verdict
 * of logic/assemble, asked for every array of which several members are there.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ctl/examine.h"
#include "ctl/render.h"
#include "ctl/slots-show.h"
#include "members/judge.h"

struct few {
  const struct member *member[ASSEMBLE_MEMBERS_MAX];
  unsigned count;
  struct members_verdict verdict;
};

static bool
is_of_array (const struct member *member, const struct member *first)
{
  return member_has_sb (member) && member->md.verdict == SB1_GOOD
         && memcmp (member->md.sb.set_uuid, first->md.sb.set_uuid,
                    sizeof first->md.sb.set_uuid)
              == 0;
}

/* False: @first is not the first of several, or nobody knows their slots. */
static bool
find_array (struct member **members, unsigned count, unsigned first,
            struct few *few)
{
  const struct member_record *record[ASSEMBLE_MEMBERS_MAX];

  few->count = 0;
  for (unsigned i = 0; i < count && few->count < ASSEMBLE_MEMBERS_MAX; i++) {
    if (!is_of_array (members[first], members[first])
        || !is_of_array (members[i], members[first]))
      continue;
    if (i < first)
      return false;
    record[few->count] = &members[i]->md;
    few->member[few->count++] = members[i];
  }
  if (few->count < 2)
    return false;
  members_judge (record, few->count, -1, &few->verdict);
  return slots_are_known (&few->verdict.assembly);
}

void
examine_arrays_text (struct member **members, unsigned count)
{
  struct few *few = g_new (struct few, 1);

  for (unsigned i = 0; i < count; i++)
    if (find_array (members, count, i, few) && few->verdict.assembly.degraded) {
      char *name = render_name (&members[i]->md.sb);

      printf ("array %s\n", name);
      slots_print (&few->verdict.assembly, few->verdict.slot, few->member);
      g_free (name);
    }
  g_free (few);
}

void
examine_arrays_json (JsonBuilder *builder, struct member **members,
                     unsigned count)
{
  struct few *few = g_new (struct few, 1);

  json_builder_set_member_name (builder, "arrays");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < count; i++)
    if (find_array (members, count, i, few)) {
      char *uuid = render_uuid (members[i]->md.sb.set_uuid);

      json_builder_begin_object (builder);
      render_json_string (builder, "uuid", uuid);
      render_json_bool (builder, "degraded", few->verdict.assembly.degraded);
      slots_json (builder, &few->verdict.assembly, few->verdict.slot,
                  few->member);
      json_builder_end_object (builder);
      g_free (uuid);
    }
  json_builder_end_array (builder);
  g_free (few);
}
