/* SPDX-License-Identifier: BSD-3-Clause */
/* groups: how many copies an array has of what, from what its status says.
 *
 * What a server says is checked, not believed: it may be any program.
 */
#include <string.h>

#include "control/json.h"
#include "ctl/online/groups.h"
#include "logic/layout.h"
#include "logic/roster.h"

/* The part of a layout's name that layout_parse does not know. */
#define FAR_SETS "-sets"

static bool
read_layout (JsonObject *array, struct layout *layout)
{
  const char *name = json_read_string (array, "layout", "");
  int64_t slots = json_read_int (array, "slots", 0);
  bool has_sets = g_str_has_suffix (name, FAR_SETS);
  g_autofree char *plain
    = g_strndup (name, strlen (name) - (has_sets ? strlen (FAR_SETS) : 0));

  *layout = (struct layout){
    .level = strcmp (json_read_string (array, "level", ""), "raid1") == 0
               ? LEVEL_RAID1 : LEVEL_RAID10,
    .near = 1,
    .far = 1,
  };
  if (slots < 1 || slots > LEGS_MAX)
    return false;
  layout->slots = (unsigned)slots;
  if (layout->level == LEVEL_RAID1)
    return true;
  layout->chunk = (uint64_t)json_read_int (array, "chunk", 0);
  if (!layout_parse (layout, plain))
    return false;
  layout->far_sets = has_sets;
  return layout_check (layout) == NULL;
}

static uint32_t
read_in_sync (JsonObject *status, unsigned slots)
{
  JsonArray *members = json_read_array (status, "members");
  uint32_t in_sync = 0;

  for (unsigned i = 0; i < json_read_length (members); i++) {
    JsonObject *member = json_read_element (members, i);
    int64_t slot = json_read_int (member, "slot", -1);

    if (slot >= 0 && slot < slots
        && strcmp (json_read_string (member, "state", ""), "in-sync") == 0)
      in_sync |= 1u << slot;
  }
  return in_sync;
}

bool
groups_read (struct groups *groups, JsonObject *status)
{
  JsonObject *array = json_read_member (status, "array");
  int64_t member_size = json_read_int (array, "member_size", 0);
  struct layout layout;

  if (!read_layout (array, &layout))
    return false;
  *groups = (struct groups){ .slots = layout.slots };
  groups->in_sync = read_in_sync (status, layout.slots);
  if (layout.level == LEVEL_RAID1) {
    groups->count = 1;
    groups->group[0] = layout_all_slots (&layout);
    return true;
  }
  layout_set_size (&layout, member_size < 0 ? 0 : (uint64_t)member_size);
  if (layout.array_size == 0)
    return false;
  groups->count = layout_groups (&layout, groups->group);
  return true;
}

unsigned
groups_survive (const struct groups *groups)
{
  return roster_survives (groups->group, groups->count, groups->in_sync);
}

uint32_t
groups_vital (const struct groups *groups)
{
  uint32_t vital = 0;

  for (unsigned i = 0; i < groups->count; i++) {
    uint32_t copies = groups->group[i] & groups->in_sync;

    if (__builtin_popcount (copies) == 1)
      vital |= copies;
  }
  return vital;
}
