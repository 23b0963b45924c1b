/* SPDX-License-Identifier: BSD-3-Clause */
/* set: change what can be changed while an array is served. */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/order.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/online/settings.h"
#include "ctl/online/which.h"
#include "ctl/render.h"
#include "ground/limits.h"

static gboolean error_if_unchanged;

static const GOptionEntry set_entries[] = {
  { "error-if-unchanged", 0, 0, G_OPTION_ARG_NONE, &error_if_unchanged,
    "Exit with 10 if all is so already", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* What the words ask for. */
struct wish {
  char **words; /* before the first KEY=VALUE */
  int count;
  JsonObject *settings; /* of the array */
  const char *mostly;   /* NULL: not asked for */
};

static int
bad_value (const struct key *key, const char *value)
{
  return ctl_fail (EXIT_USAGE, "usage", "bad-value", "%s=%s: must be %s",
                   key->name, value, key->values);
}

static int
read_value (struct wish *wish, const struct key *key, const char *value)
{
  g_autofree char *path = NULL;
  uint64_t number;
  char *end;

  switch (key->kind) {
  case SETTING_RATE:
    if (!render_parse_size (value, &number) || number == 0
        || number > INT64_MAX)
      return bad_value (key, value);
    json_object_set_int_member (wish->settings, key->name, (int64_t)number);
    break;
  case SETTING_PROGRAM:
    if (value[0] == '\0')
      return bad_value (key, value);
    path = g_canonicalize_filename (value, NULL);
    if (strcmp (value, "none") == 0)
      json_object_set_null_member (wish->settings, key->name);
    else
      json_object_set_string_member (wish->settings, key->name, path);
    break;
  case SETTING_SECONDS:
    number = g_ascii_strtoull (value, &end, 10);
    if (!g_ascii_isdigit (value[0]) || *end != '\0'
        || number > SPARE_DELAY_MAX_S)
      return bad_value (key, value);
    json_object_set_int_member (wish->settings, key->name, (int64_t)number);
    break;
  case SETTING_WRITE_MOSTLY:
    if (strcmp (value, "yes") != 0 && strcmp (value, "no") != 0)
      return bad_value (key, value);
    wish->mostly = value;
    break;
  }
  return EXIT_OK;
}

/* Of KEY=VALUE.  A path may have one, too. */
static const char *
find_equals (const char *word)
{
  const char *end = strpbrk (word, "=/");

  return end != NULL && *end == '=' ? end : NULL;
}

#define SET_USAGE "[ARRAY] KEY=VALUE ... | MEMBER write-mostly=yes|no"

static int
read_wish (struct wish *wish, int argc, char **argv)
{
  int first = 1, status;

  while (first < argc && find_equals (argv[first]) == NULL)
    first++;
  wish->words = argv + 1;
  wish->count = first - 1;
  if (first == argc)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option", "set " SET_USAGE);
  for (int i = first; i < argc; i++) {
    const char *equals = find_equals (argv[i]);
    size_t length = equals == NULL ? strlen (argv[i])
                                   : (size_t)(equals - argv[i]);
    const struct key *key = settings_find (argv[i], length);

    if (key == NULL || equals == NULL)
      return settings_unknown (argv[i], length);
    status = read_value (wish, key, equals + 1);
    if (status != EXIT_OK)
      return status;
  }
  if ((wish->mostly != NULL && json_object_get_size (wish->settings) > 0)
      || wish->count > 1 + (wish->mostly != NULL)
      || wish->count < (wish->mostly != NULL))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option", "set " SET_USAGE);
  return EXIT_OK;
}

static int
unchanged (const struct server *server)
{
  return error_if_unchanged ? ctl_fail (EXIT_UNCHANGED, server->name,
                                        "unchanged", "it is so already")
                            : EXIT_OK;
}

static int
set_member (struct server *server, const struct wish *wish)
{
  const char *word = wish->words[wish->count - 1];
  bool mostly = strcmp (wish->mostly, "yes") == 0;
  g_autoptr (JsonNode) seen = server_ask (server, "status", NULL);
  struct order order = { .verb = mostly ? "write-mostly" : "read-as-others",
                         .dry_run = ctl_options.dry_run };
  int status;
  JsonObject *result = server_result (server, seen, &status), *member;

  if (result == NULL)
    return status;
  member = which_entry (result, word, "in-sync");
  order.member = json_read_int (member, "id", 0);
  if (order.member == 0)
    return which_none (server, word);
  if (screen_has_flag (member, "write-mostly") == mostly)
    return unchanged (server);
  order_is_slow (server);
  return order_give (server, &order);
}

/* Is there anything in the wish that is not so? */
static bool
is_new (const struct wish *wish, JsonObject *now)
{
  GList *names = json_object_get_members (wish->settings);
  bool found = false;

  for (GList *at = names; at != NULL && !found; at = at->next) {
    JsonNode *node = json_object_get_member (now, at->data);

    found = node == NULL
            || !json_node_equal (
              node, json_object_get_member (wish->settings, at->data));
  }
  g_list_free (names);
  return found;
}

/* Those of the wish, as they are or are to be. */
static void
print_wish (const struct wish *wish)
{
  for (size_t i = 0; i < settings_count; i++) {
    g_autofree char *value = NULL;

    if (!json_object_has_member (wish->settings, settings_keys[i].name))
      continue;
    value = settings_shown (wish->settings, &settings_keys[i]);
    printf ("%s%s is set to %s\n", ctl_options.dry_run ? "plan: " : "",
            settings_keys[i].name, value);
  }
}

static int
set_array (struct server *server, const struct wish *wish)
{
  g_autoptr (JsonNode) told = server_ask (server, "get", NULL);
  g_autoptr (JsonNode) answer = NULL;
  JsonNode *args;
  int status;
  JsonObject *now = server_result (server, told, &status);

  if (now == NULL)
    return status;
  if (!is_new (wish, now))
    return unchanged (server);
  if (!ctl_options.dry_run) {
    args = json_node_new (JSON_NODE_OBJECT);
    json_node_set_object (args, wish->settings);
    answer = server_ask (server, "set", args);
    if (server_result (server, answer, &status) == NULL)
      return status;
  }
  if (!ctl_options.json)
    print_wish (wish);
  return EXIT_OK;
}

int
set_command (int argc, char **argv)
{
  g_autoptr (JsonObject) settings = json_object_new ();
  struct wish wish = { .settings = settings };
  struct server *server;
  bool of_member;
  int status;

  if (!ctl_parse (&argc, &argv, set_entries, SET_USAGE))
    return EXIT_USAGE;
  status = read_wish (&wish, argc, argv);
  if (status != EXIT_OK)
    return status;
  of_member = wish.mostly != NULL;
  status = server_open (wish.count > of_member ? wish.words[0] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  status = of_member ? set_member (server, &wish) : set_array (server, &wish);
  server_free (server);
  return status;
}
