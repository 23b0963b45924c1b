/* SPDX-License-Identifier: BSD-3-Clause */
/* events: the commands that tell what happens to an array: events, history. */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/event-line.h"
#include "ctl/online/server.h"
#include "ctl/streams.h"

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void
print_event (JsonNode *node)
{
  g_autofree char *line = NULL;

  if (!ctl_options.json) {
    event_line_print (node);
    return;
  }
  line = json_to_string (node, FALSE);
  printf ("%s\n", line);
}

/* ----------------------------------------------------------------- history */

static void
print_history (JsonObject *result)
{
  JsonArray *events = json_read_array (result, "events");
  unsigned count = events == NULL ? 0 : json_array_get_length (events);

  for (unsigned i = 0; i < count; i++)
    print_event (json_array_get_element (events, i));
}

int
history_command (int argc, char **argv)
{
  g_autoptr (JsonNode) answer = NULL;
  JsonObject *result;
  struct server *server;
  int status;

  status = server_of_command (argc, argv, no_entries, &server);
  if (status != EXIT_OK)
    return status;
  answer = server_ask (server, "history", NULL);
  result = server_result (server, answer, &status);
  if (result != NULL)
    print_history (result);
  server_free (server);
  return status;
}

/* ------------------------------------------------------------------ events */

/* Until the server ends, or nobody reads what we print. */
static int
follow (struct server *server)
{
  JsonNode *message;

  while ((message = server_receive (server, G_MAXINT)) != NULL) {
    JsonNode *event
      = json_object_get_member (json_node_get_object (message), "event");

    if (event != NULL && JSON_NODE_HOLDS_OBJECT (event))
      print_event (event);
    json_node_unref (message);
    if (!streams_flush ("the server goes on"))
      return EXIT_REFUSED;
  }
  return EXIT_OK;
}

int
events_command (int argc, char **argv)
{
  g_autoptr (JsonNode) answer = NULL;
  struct server *server;
  int status;

  status = server_of_command (argc, argv, no_entries, &server);
  if (status != EXIT_OK)
    return status;
  answer = server_ask (server, "subscribe", NULL);
  if (server_result (server, answer, &status) != NULL)
    status = follow (server);
  server_free (server);
  return status;
}
