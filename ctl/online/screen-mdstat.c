/* SPDX-License-Identifier: BSD-3-Clause */
/* screen-mdstat: what "status" of a server says, as /proc/mdstat has it. */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/online/screen.h"
#include "ctl/render.h"

static void
print_mdstat_members (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  for (unsigned i = json_read_length (members); i-- > 0;) {
    JsonObject *member = json_read_element (members, i);
    const char *disk = json_read_string (member, "disk", NULL);
    const char *state = json_read_string (member, "state", "");
    int64_t number = json_read_int (member, "slot", i);
    g_autofree char *base = NULL, *shown = NULL;

    if (disk == NULL)
      continue;
    base = g_path_get_basename (disk);
    shown = render_text (base);
    printf (" %s[%d]%s%s", shown, (int)number,
            screen_has_flag (member, "write-mostly") ? "(W)" : "",
            strcmp (state, "failed") == 0      ? "(F)"
            : strcmp (state, "spare") == 0     ? "(S)"
            : strcmp (state, "replacing") == 0 ? "(R)"
                                               : "");
  }
}

static void
print_mdstat_activity (JsonObject *status)
{
  JsonObject *activity = json_read_member (status, "activity");
  bool is_resync
    = strcmp (json_read_string (activity, "kind", ""), "resync") == 0;
  int64_t rate = json_read_int (activity, "rate", 0);
  int64_t left = json_read_int (activity, "left_s", -1);
  unsigned full = (unsigned)(screen_percent (status) / 5);

  if (activity == NULL)
    return;
  printf ("      [");
  for (unsigned i = 0; i < 20; i++)
    putchar (i < full ? '=' : i == full ? '>' : '.');
  printf ("]  %s = %4.1f%% (%lld/%lld) finish=%.1fmin speed=%lldK/sec\n",
          is_resync ? "resync" : "recovery", screen_percent (status),
          (long long)json_read_int (activity, "bytes_done", 0) / 1024,
          (long long)json_read_int (activity, "bytes_total", 0) / 1024,
          left < 0 ? 0 : (double)left / 60, (long long)rate / 1024);
}

void
screen_mdstat (JsonObject *status)
{
  JsonObject *array = json_read_member (status, "array");
  g_autofree char *name = render_text (json_read_string (array, "name", "?"));
  g_autofree char *slots = screen_slots (status);
  const char *version = json_read_string (array, "metadata", NULL);

  printf ("%s : active %s%s", name,
          json_read_bool (array, "readonly") ? "(read-only) " : "",
          json_read_string (array, "level", "?"));
  print_mdstat_members (status);
  printf ("\n      %lld blocks %s%s%s[%d/%d] %s\n",
          (long long)json_read_int (array, "size", 0) / 1024,
          version == NULL ? "" : "super ", version == NULL ? "" : version,
          version == NULL ? "" : " ",
          (int)json_read_int (array, "slots", 0),
          (int)json_read_int (array, "in_sync", 0), slots);
  print_mdstat_activity (status);
  printf ("\n");
}
