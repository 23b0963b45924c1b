/* SPDX-License-Identifier: BSD-3-Clause */
/* rebuild: pause, resume and pace what an array copies in the background. */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/server.h"
#include "ctl/render.h"

static char *minimum, *maximum;

static const GOptionEntry entries[] = {
  { "min", 0, 0, G_OPTION_ARG_STRING, &minimum,
    "rate: bytes a second while clients are busy", "SIZE" },
  { "max", 0, 0, G_OPTION_ARG_STRING, &maximum,
    "rate: bytes a second at most", "SIZE" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static int
usage (void)
{
  return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                   "rebuild pause, rebuild resume, or rebuild rate --min SIZE "
                   "--max SIZE; sizes are bytes a second, more than 0");
}

static int
ask (const char *cmd, JsonNode *args, const char *plan, const char *word)
{
  g_autoptr (JsonNode) answer = NULL;
  struct server *server;
  int status = server_open (word, &server);

  if (status != EXIT_OK) {
    if (args != NULL)
      json_node_unref (args);
    return status;
  }
  if (ctl_options.dry_run) {
    g_autofree char *name = render_text (server->name);

    printf ("plan: %s of %s\n", plan, name);
    if (args != NULL)
      json_node_unref (args);
  } else {
    answer = server_ask (server, cmd, args);
    server_result (server, answer, &status);
  }
  server_free (server);
  return status;
}

static int
set_rates (const char *word)
{
  JsonObject *object;
  JsonNode *args;
  uint64_t low, high;

  if (minimum == NULL || maximum == NULL || !render_parse_size (minimum, &low)
      || !render_parse_size (maximum, &high) || low == 0 || high == 0)
    return usage ();
  object = json_object_new ();
  json_object_set_int_member (object, "min", (int64_t)low);
  json_object_set_int_member (object, "max", (int64_t)high);
  args = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (args, object);
  return ask ("sync-rates", args, "other rates for the copying", word);
}

int
rebuild_command (int argc, char **argv)
{
  const char *word;

  if (!ctl_parse (&argc, &argv, entries, "pause|resume|rate [ARRAY]"))
    return EXIT_USAGE;
  if (argc < 2 || argc > 3)
    return usage ();
  word = argc == 3 ? argv[2] : NULL;
  if (strcmp (argv[1], "rate") == 0)
    return set_rates (word);
  if (minimum != NULL || maximum != NULL)
    return usage ();
  if (strcmp (argv[1], "pause") == 0)
    return ask ("sync-pause", NULL, "a pause in the copying", word);
  if (strcmp (argv[1], "resume") == 0)
    return ask ("sync-resume", NULL, "an end of the pause in the copying", word);
  return usage ();
}
