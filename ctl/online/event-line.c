/* SPDX-License-Identifier: BSD-3-Clause */
/* event-line: one event as people see it. */
#include <stdio.h>
#include <unistd.h>

#include "control/json.h"
#include "ctl/online/event-line.h"
#include "ctl/online/screen.h"
#include "ctl/render.h"

#define INDENT 6

void
event_line_print (JsonNode *node)
{
  JsonObject *event = json_node_get_object (node);
  const char *told = json_read_string (event, "text", "?");
  g_autofree char *text = render_text (told);
  int used = printf ("%s  %-8s  %-15s", json_read_string (event, "time", "?"),
                     json_read_string (event, "severity", "?"),
                     json_read_string (event, "kind", "?"));

  /* Programs get a line for each. */
  if (!isatty (STDOUT_FILENO)
      || used + 2 + g_utf8_strlen (text, -1) <= (glong)screen_width ()) {
    printf ("  %s\n", text);
    return;
  }
  printf ("\n%*s", INDENT, "");
  screen_words (INDENT, told);
}
