/* SPDX-License-Identifier: BSD-3-Clause */
/* slots-show: the slots of an array, as text and as JSON.
 *
 * What a superblock tells of a slot without a disk is logic/slots' matter, as
 * in the server.
 */
#include <stdio.h>

#include "ctl/render.h"
#include "ctl/slots-show.h"

void
slots_print (const struct assembly *assembly, const struct slot *slot,
             const struct member *const *member)
{
  if (!assembly->degraded)
    return;
  printf ("  %s: %d of %u slots in sync\n",
          assembly->result == ASSEMBLE_FAILED ? "too few" : "degraded",
          __builtin_popcount (assembly->in_sync), assembly->layout.slots);
  for (unsigned i = 0; i < assembly->layout.slots; i++) {
    bool has_disk = slot[i].has == SLOT_HAS_DISK;

    if (!slot_is_in_sync (&slot[i]))
      printf ("    slot %u: %s%s%s\n", i,
              has_disk ? member[slot[i].member]->name : "",
              has_disk ? ", " : "", slot_text (&slot[i]));
  }
}

void
slots_json (JsonBuilder *builder, const struct assembly *assembly,
            const struct slot *slot, const struct member *const *member)
{
  json_builder_set_member_name (builder, "slots");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < assembly->layout.slots; i++) {
    json_builder_begin_object (builder);
    render_json_int (builder, "slot", i);
    render_json_string (builder, "state", slot_word (&slot[i]));
    render_json_string (
      builder, "disk",
      slot[i].has == SLOT_HAS_DISK ? member[slot[i].member]->path : NULL);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}
