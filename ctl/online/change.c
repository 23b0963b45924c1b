/* SPDX-License-Identifier: BSD-3-Clause */
/* change: fail, remove, add, readd and replace disks of an array that is
 * served.
 *
 * The server is first asked what it would do; that is the plan, which is shown
 * and has to be agreed to.
 *
 * A new verb is a line of the table, here and in lib/control/orders.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/server.h"
#include "ctl/render.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"

static gboolean discard;
static char *other_disk;

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry discard_entries[] = {
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    "What the disk holds may be overwritten", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry readd_entries[] = {
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    "What the disk holds may be overwritten", NULL },
  { "disk", 0, 0, G_OPTION_ARG_FILENAME, &other_disk,
    "Where the disk is now", "DISK" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const struct verb {
  const char *name, *usage;
  const GOptionEntry *entries;
  bool member, disk; /* words that it needs, in this order */
  const char *prefers; /* of several members of a slot: in that state */
} verbs[] = {
  { "fail", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
  { "remove", "[ARRAY] MEMBER", no_entries, true, false, "failed" },
  { "add", "[ARRAY] DISK", discard_entries, false, true, NULL },
  { "readd", "[ARRAY] MEMBER", readd_entries, true, false, "failed" },
  { "replace", "[ARRAY] MEMBER DISK", discard_entries, true, true,
    "in-sync" },
  { "write-mostly", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
  { "read-as-others", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
};

/* ------------------------------------------------------------ which member */

static bool
is_called (JsonObject *member, const char *word, const char *path)
{
  const char *disk = json_read_string (member, "disk", NULL);
  g_autofree char *slot = g_strdup_printf (
    "%d", (int)json_read_int (member, "slot", -1));
  g_autofree char *id = g_strdup_printf (
    "id=%lld", (long long)json_read_int (member, "id", 0));

  return strcmp (word, slot) == 0 || strcmp (word, id) == 0
         || (disk != NULL
             && (strcmp (disk, word) == 0 || strcmp (disk, path) == 0));
}

/* 0: there is none. */
static int64_t
choose (JsonArray *members, const char *word, const char *prefers)
{
  g_autofree char *path = g_canonicalize_filename (word, NULL);
  unsigned count = members == NULL ? 0 : json_array_get_length (members);
  int64_t chosen = 0;

  for (unsigned i = 0; i < count; i++) {
    JsonObject *member = json_array_get_object_element (members, i);
    int64_t id = json_read_int (member, "id", 0);

    if (!is_called (member, word, path))
      continue;
    if (chosen == 0
        || strcmp (json_read_string (member, "state", ""), prefers) == 0)
      chosen = id != 0 ? id : chosen;
  }
  return chosen;
}

static int
find_member (struct server *server, const char *word, const char *prefers,
             int64_t *ret)
{
  g_autoptr (JsonNode) answer = server_ask (server, "status", NULL);
  int status;
  JsonObject *result = server_result (server, answer, &status);

  if (result == NULL)
    return status;
  *ret = choose (json_read_array (result, "members"), word, prefers);
  return *ret != 0 ? EXIT_OK
                   : ctl_fail (EXIT_REFUSED, server->name, "unknown-member",
                               "the array has no member %s; name a slot, a disk "
                               "as status shows it, or id=N", word);
}

/* -------------------------------------------------------------- which disk */

/* As the server takes it, whose directory is another one.  NULL: told. */
static char *
absolute (const char *word)
{
  g_autofree char *directory = g_get_current_dir ();
  struct leg_spec spec;
  const char *wrong = leg_spec_parse (word, &spec);
  size_t size;
  char *uri;

  if (wrong != NULL) {
    ctl_fail (EXIT_USAGE, word, "bad-disk", "%s", wrong);
    return NULL;
  }
  if (spec.kind == LEG_KIND_FILE)
    return g_canonicalize_filename (word, NULL);
  size = uri_absolute (word, directory, NULL, 0) + 1;
  uri = g_malloc (size);
  uri_absolute (word, directory, uri, size);
  return uri;
}

/* ------------------------------------------------------------- the order */

static JsonNode *
make_args (int64_t member, const char *disk, bool dry_run)
{
  JsonObject *object = json_object_new ();
  JsonNode *args = json_node_new (JSON_NODE_OBJECT);

  if (member != 0)
    json_object_set_int_member (object, "member", member);
  if (disk != NULL)
    json_object_set_string_member (object, "disk", disk);
  json_object_set_boolean_member (object, "discard", discard);
  json_object_set_boolean_member (object, "dry_run", dry_run);
  json_node_take_object (args, object);
  return args;
}

/* Orders wait for disks, each with a deadline of its own. */
#define ORDER_MS 300000

/* What it answers, shown. */
static int
order (struct server *server, const struct verb *verb, int64_t member,
       const char *disk, bool dry_run)
{
  g_autoptr (JsonNode) answer
    = server_ask (server, verb->name, make_args (member, disk, dry_run));
  g_autofree char *text = NULL;
  int status;
  JsonObject *result = server_result (server, answer, &status);

  if (result == NULL)
    return status;
  if (!ctl_options.json) {
    text = render_text (json_read_string (result, "text", "?"));
    printf ("%s%s\n", dry_run ? "plan: " : "", text);
  } else if (!dry_run || ctl_options.dry_run) {
    text = json_to_string (
      json_object_get_member (json_node_get_object (answer), "result"), FALSE);
    printf ("%s\n", text);
  }
  return EXIT_OK;
}

static int
plan_and_order (struct server *server, const struct verb *verb,
                int64_t member, const char *disk)
{
  int status = order (server, verb, member, disk, true);
  bool go;

  if (status != EXIT_OK)
    return status;
  status = ctl_confirm (server->name, &go);
  return status == EXIT_OK && go ? order (server, verb, member, disk, false)
                                 : status;
}

/* @words: those that the verb needs. */
static int
change (struct server *server, const struct verb *verb, char **words)
{
  g_autofree char *disk = NULL;
  const char *given = verb->disk ? words[verb->member] : other_disk;
  int64_t member = 0;
  int status = verb->member
                 ? find_member (server, words[0], verb->prefers, &member)
                 : EXIT_OK;

  if (status != EXIT_OK)
    return status;
  if (given != NULL) {
    disk = absolute (given);
    if (disk == NULL)
      return EXIT_USAGE;
  }
  return plan_and_order (server, verb, member, disk);
}

int
change_command (int argc, char **argv)
{
  const struct verb *verb = verbs;
  struct server *server;
  int needed, status;

  while (strcmp (verb->name, argv[0]) != 0)
    verb++;
  if (!ctl_parse (&argc, &argv, verb->entries, verb->usage))
    return EXIT_USAGE;
  needed = verb->member + verb->disk;
  if (argc != 1 + needed && argc != 2 + needed)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option", "%s %s", verb->name,
                     verb->usage);
  status = server_open (argc == 2 + needed ? argv[1] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  if (ctl_options.timeout_s == 0)
    server->answer_ms = ORDER_MS;
  status = change (server, verb, argv + argc - needed);
  server_free (server);
  return status;
}
