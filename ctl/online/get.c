/* SPDX-License-Identifier: BSD-3-Clause */
/* get: what can be set while an array is served, and how it is set. */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/online/settings.h"
#include "ctl/online/which.h"
#include "ctl/render.h"

static const char *
shown_mostly (JsonObject *member)
{
  return screen_has_flag (member, "write-mostly") ? "yes" : "no";
}

static void
print_settings (JsonObject *settings)
{
  for (size_t i = 0; i < settings_count; i++) {
    g_autofree char *value = NULL;

    if (settings_keys[i].kind == SETTING_WRITE_MOSTLY)
      continue;
    value = settings_shown (settings, &settings_keys[i]);
    printf ("%-18s%s\n", settings_keys[i].name, value);
  }
}

static void
print_members (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  for (unsigned i = 0; i < json_read_length (members); i++) {
    JsonObject *member = json_read_element (members, i);
    const char *disk = json_read_string (member, "disk", NULL);
    g_autofree char *shown = render_text (disk == NULL ? "" : disk);

    if (disk != NULL)
      printf ("%-18s%-4s%s\n", "write-mostly", shown_mostly (member), shown);
  }
}

static void
add_members (JsonBuilder *builder, JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < json_read_length (members); i++) {
    JsonObject *member = json_read_element (members, i);

    if (json_read_string (member, "disk", NULL) == NULL)
      continue;
    json_builder_begin_object (builder);
    render_json_int (builder, "id", json_read_int (member, "id", 0));
    render_json_string (builder, "disk",
                        json_read_string (member, "disk", NULL));
    render_json_bool (builder, "write-mostly",
                      screen_has_flag (member, "write-mostly"));
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
print_json (const struct server *server, JsonObject *settings,
            JsonObject *status)
{
  JsonBuilder *builder = json_builder_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (node, settings);
  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_string (builder, "array", server->name);
  json_builder_set_member_name (builder, "settings");
  json_builder_add_value (builder, node);
  add_members (builder, status);
  json_builder_end_object (builder);
  render_json_print (builder);
}

/* One value alone, as it is given to set. */
static int
print_one (struct server *server, const struct key *key, const char *word,
           JsonObject *settings, JsonObject *status)
{
  int64_t number = json_read_int (settings, key->name, -1);
  g_autofree char *text = NULL;
  JsonObject *member;

  if (key->kind == SETTING_WRITE_MOSTLY) {
    member = which_entry (status, word, "in-sync");
    if (json_read_string (member, "disk", NULL) == NULL)
      return which_none (server, word);
    printf ("%s\n", shown_mostly (member));
  } else if (number >= 0)
    printf ("%lld\n", (long long)number);
  else {
    text = settings_shown (settings, key);
    printf ("%s\n", text);
  }
  return EXIT_OK;
}

static int
get (struct server *server, const struct key *key, const char *word)
{
  g_autoptr (JsonNode) told = server_ask (server, "get", NULL);
  g_autoptr (JsonNode) seen = NULL;
  JsonObject *settings, *status;
  int result;

  settings = server_result (server, told, &result);
  if (settings == NULL)
    return result;
  seen = server_ask (server, "status", NULL);
  status = server_result (server, seen, &result);
  if (status == NULL)
    return result;
  if (ctl_options.json)
    print_json (server, settings, status);
  else if (key != NULL)
    return print_one (server, key, word, settings, status);
  else {
    print_settings (settings);
    print_members (status);
  }
  return EXIT_OK;
}

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

#define GET_USAGE "[ARRAY] [KEY | MEMBER write-mostly]"

int
get_command (int argc, char **argv)
{
  const struct key *key = NULL;
  struct server *server;
  bool of_member;
  int words, status;

  if (!ctl_parse (&argc, &argv, no_entries, GET_USAGE))
    return EXIT_USAGE;
  words = argc - 1;
  if (words > 0)
    key = settings_find (argv[words], strlen (argv[words]));
  if (words > 1 && key == NULL)
    return settings_unknown (argv[words], strlen (argv[words]));
  words -= key != NULL;
  of_member = key != NULL && key->kind == SETTING_WRITE_MOSTLY;
  if (words > 1 + of_member || words < of_member)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option", "get " GET_USAGE);
  status = server_open (words > of_member ? argv[1] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  status = get (server, key, of_member ? argv[words] : NULL);
  server_free (server);
  return status;
}
