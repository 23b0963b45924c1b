/* SPDX-License-Identifier: BSD-3-Clause */
/* status: the commands that look at servers: status, detail. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/render.h"
#include "ctl/streams.h"
#include "ground/util.h"

#define WATCH_MS 1000

static gboolean unhealthy_only, check, mdstat, watch;

static const GOptionEntry status_entries[] = {
  { "unhealthy", 'x', 0, G_OPTION_ARG_NONE, &unhealthy_only,
    "Only arrays that are not optimal", NULL },
  { "check", 0, 0, G_OPTION_ARG_NONE, &check, "Print nothing", NULL },
  { "mdstat", 0, 0, G_OPTION_ARG_NONE, &mdstat, "As /proc/mdstat has it",
    NULL },
  { "watch", 0, 0, G_OPTION_ARG_NONE, &watch, "Go on until interrupted",
    NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* Each of them counts: unavailable, damaged, degraded, recovering. */
static int
worse (int one, int other)
{
  static const int order[]
    = { EXIT_UNREACHABLE, EXIT_NOT_AVAILABLE, EXIT_SPLIT, EXIT_DAMAGED,
        EXIT_DEGRADED, EXIT_RECOVERING };

  for (size_t i = 0; i < G_N_ELEMENTS (order); i++)
    if (one == order[i] || other == order[i])
      return order[i];
  return one > other ? one : other;
}

/* ------------------------------------------------------------------- watch */

/* On a terminal the screen is written anew. */
static void
draw (JsonObject *status)
{
  printf ("\033[H\033[J");
  screen_status (status, false);
  fflush (stdout);
}

/* Until the server ends, or nobody reads what we print. */
static int
keep_watching (struct server *server)
{
  bool on_terminal = isatty (STDOUT_FILENO);
  g_autofree char *last = NULL;

  for (;;) {
    g_autoptr (JsonNode) answer = server_ask (server, "status", NULL);
    JsonObject *result;
    int status;

    if (answer == NULL)
      return ctl_fail (EXIT_UNREACHABLE, server->name, "gone",
                       "its server has ended");
    result = server_result (server, answer, &status);
    if (result == NULL)
      return status;
    if (ctl_options.json) {
      g_autofree char *line
        = json_to_string (json_object_get_member (
                            json_node_get_object (answer), "result"),
                          FALSE);

      printf ("%s\n", line);
    } else if (on_terminal)
      draw (result);
    else
      screen_step (result, &last);
    if (!streams_flush ("the server goes on"))
      return EXIT_REFUSED;
    g_usleep (WATCH_MS * 1000);
  }
}

/* ------------------------------------------------------------------ status */

static void
show (JsonObject *status, bool first)
{
  if (check || (unhealthy_only && screen_exit_status (status) == EXIT_OK))
    return;
  if (!first && !mdstat)
    printf ("\n");
  if (mdstat)
    screen_mdstat (status);
  else
    screen_status (status, unhealthy_only);
}

/* {"format": 1, "arrays": [...]} of what servers answered. */
static void
print_json (GPtrArray *answers)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  json_builder_set_member_name (builder, "arrays");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < answers->len; i++) {
    JsonObject *answer = json_node_get_object (g_ptr_array_index (answers, i));

    json_builder_add_value (
      builder, json_node_copy (json_object_get_member (answer, "result")));
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}

static int
show_all (GPtrArray *servers)
{
  g_autoptr (GPtrArray) answers
    = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  int worst = EXIT_OK, status;

  for (unsigned i = 0; i < servers->len; i++) {
    struct server *server = g_ptr_array_index (servers, i);
    JsonNode *answer = server_ask (server, "status", NULL);
    JsonObject *result = server_result (server, answer, &status);

    if (result == NULL) {
      worst = worse (worst, status);
      if (answer != NULL)
        json_node_unref (answer);
      continue;
    }
    if (!ctl_options.json)
      show (result, answers->len == 0);
    g_ptr_array_add (answers, answer);
    worst = worse (worst, screen_exit_status (result));
  }
  if (ctl_options.json && !check)
    print_json (answers);
  else if (unhealthy_only && !check && worst == EXIT_OK)
    printf ("all arrays are optimal\n");
  return worst;
}

int
status_command (int argc, char **argv)
{
  g_autoptr (GPtrArray) servers = NULL;
  GPtrArray *found;
  int status;

  if (!ctl_parse (&argc, &argv, status_entries, "[ARRAY ...]"))
    return EXIT_USAGE;
  if (check + mdstat + watch > 1 || (watch && unhealthy_only)
      || (mdstat && ctl_options.json))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--check, --mdstat and --watch exclude one another, "
                     "--watch and --unhealthy, and --mdstat and --json, too");
  status = servers_of_words (argc, argv, &found);
  if (status != EXIT_OK)
    return status;
  servers = found;
  if (!watch)
    return show_all (servers);
  if (servers->len > 1)
    return ctl_fail (EXIT_USAGE, "usage", "which-array",
                     "--watch: name one array");
  return keep_watching (g_ptr_array_index (servers, 0));
}

/* ------------------------------------------------------------------ detail */

static bool
is_nothing (JsonNode *node)
{
  return JSON_NODE_HOLDS_NULL (node)
         || (JSON_NODE_HOLDS_ARRAY (node)
             && json_array_get_length (json_node_get_array (node)) == 0);
}

static void
print_value (const char *name, JsonNode *node)
{
  g_autofree char *text = JSON_NODE_HOLDS_VALUE (node)
                              && json_node_get_value_type (node)
                                   == G_TYPE_STRING
                            ? render_text (json_node_get_string (node))
                            : json_to_string (node, FALSE);
  g_autofree char *words = g_strdelimit (g_strdup (name), "_", ' ');

  printf ("  %-14s%s\n", words, is_nothing (node) ? "-" : text);
}

static void
print_object (JsonObject *object)
{
  GList *names = json_object_get_members (object);

  for (GList *at = names; at != NULL; at = at->next)
    print_value (at->data, json_object_get_member (object, at->data));
  g_list_free (names);
}

static void
print_list (const char *title, JsonArray *list)
{
  unsigned count = list == NULL ? 0 : json_array_get_length (list);

  for (unsigned i = 0; i < count; i++) {
    printf ("%s %u\n", title, i);
    print_object (json_array_get_object_element (list, i));
  }
}

static void
print_detail (JsonObject *status, JsonObject *clients)
{
  printf ("array\n");
  print_object (json_read_member (status, "array"));
  if (json_read_member (status, "activity") != NULL) {
    printf ("activity\n");
    print_object (json_read_member (status, "activity"));
  }
  print_list ("reason", json_read_array (status, "reasons"));
  print_list ("member", json_read_array (status, "members"));
  print_list ("client", json_read_array (clients, "clients"));
}

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void
print_detail_json (JsonObject *status, JsonObject *clients)
{
  JsonBuilder *builder = json_builder_new ();
  JsonObject *const parts[] = { status, clients };

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++) {
    GList *names = json_object_get_members (parts[i]);

    for (GList *at = names; at != NULL; at = at->next) {
      if (strcmp (at->data, "count") == 0)
        continue;
      json_builder_set_member_name (builder, at->data);
      json_builder_add_value (
        builder,
        json_node_copy (json_object_get_member (parts[i], at->data)));
    }
    g_list_free (names);
  }
  json_builder_end_object (builder);
  render_json_print (builder);
}

int
detail_command (int argc, char **argv)
{
  g_autoptr (JsonNode) answer = NULL, listed = NULL;
  JsonObject *result, *clients;
  struct server *server;
  int status;

  status = server_of_command (argc, argv, no_entries, &server);
  if (status != EXIT_OK)
    return status;
  answer = server_ask (server, "status", NULL);
  result = server_result (server, answer, &status);
  if (result != NULL) {
    listed = server_ask (server, "clients", NULL);
    clients = server_result (server, listed, &status);
    if (clients != NULL && ctl_options.json)
      print_detail_json (result, clients);
    else if (clients != NULL)
      print_detail (result, clients);
  }
  server_free (server);
  return status;
}
