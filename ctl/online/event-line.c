/* SPDX-License-Identifier: BSD-3-Clause */
/* event-line: one event as people see it. */
#include <stdio.h>

#include "control/json.h"
#include "ctl/online/event-line.h"
#include "ctl/render.h"

void
event_line_print (JsonNode *node)
{
  JsonObject *event = json_node_get_object (node);
  g_autofree char *text = render_text (json_read_string (event, "text", "?"));

  printf ("%s  %-8s  %-15s  %s\n", json_read_string (event, "time", "?"),
          json_read_string (event, "severity", "?"),
          json_read_string (event, "kind", "?"), text);
}
