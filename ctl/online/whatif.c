/* SPDX-License-Identifier: BSD-3-Clause */
/* whatif: what would happen if a member failed, or was removed.
 *
 * Whether it is allowed says the server, in a dry run of the order; how many
 * copies there would be follows from its status.
 */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/groups.h"
#include "ctl/online/order.h"
#include "ctl/online/server.h"
#include "ctl/online/screen.h"
#include "ctl/online/which.h"
#include "ctl/render.h"
#include "ground/util.h"

struct prospect {
  const char *verb;
  bool allowed;
  const char *code, *text; /* the server's; @code NULL: allowed */
  struct groups now, then;
};

/* ------------------------------------------------------------------- text */

/* "slots 0, 2"; for g_free. */
static char *
shown_slots (uint32_t slots)
{
  GString *text
    = g_string_new (__builtin_popcount (slots) == 1 ? "slot" : "slots");
  const char *link = " ";

  for (; slots != 0; slots &= slots - 1) {
    g_string_append_printf (text, "%s%d", link, __builtin_ctz (slots));
    link = ", ";
  }
  return g_string_free (text, FALSE);
}

static char *
shown_copies (unsigned copies)
{
  return copies == 0   ? g_strdup ("no copy")
         : copies == 1 ? g_strdup ("1 copy")
                       : g_strdup_printf ("%u copies", copies);
}

/* "1 copy of what slots 0, 1 hold", and likewise for each number of copies
 * that there is; or "... of all data".  For g_free.
 */
static char *
shown_state (const struct groups *groups)
{
  GString *text = g_string_new (NULL);

  for (unsigned copies = 0; copies <= groups->slots; copies++) {
    g_autofree char *count = shown_copies (copies);
    g_autofree char *slots = NULL;
    unsigned found = 0;
    uint32_t holders = 0;

    for (unsigned i = 0; i < groups->count; i++)
      if ((unsigned)__builtin_popcount (groups->group[i] & groups->in_sync)
          == copies) {
        found++;
        holders |= groups->group[i];
      }
    if (found == 0)
      continue;
    slots = shown_slots (holders);
    g_string_append_printf (text, "%s%s of ", text->len > 0 ? "; " : "",
                            count);
    if (found == groups->count)
      g_string_append (text, "all data");
    else
      g_string_append_printf (text, "%u/%u of the data, on %s", found,
                              groups->count, slots);
  }
  return g_string_free (text, FALSE);
}

static void
print_state (const char *label, const struct groups *groups)
{
  g_autofree char *state = shown_state (groups);
  unsigned survives = groups_survive (groups);
  g_autofree char *whole
    = survives == 0
        ? g_strdup_printf ("%s; survives no failure", state)
        : g_strdup_printf ("%s; survives %u failure%s, whichever disk%s", state,
                           survives, survives == 1 ? "" : "s",
                           survives == 1 ? "" : "s");

  screen_labelled (label, whole);
}

static void
print_text (const struct prospect *prospect)
{
  uint32_t vital = groups_vital (&prospect->then);
  g_autofree char *slots = shown_slots (vital);
  g_autofree char *needed = g_strdup_printf (
    "%s: %s the only copy of some data", slots,
    __builtin_popcount (vital) == 1 ? "it has" : "each has");

  g_autofree char *refused = g_strdup_printf ("refused: %s", prospect->code);

  screen_labelled ("answer:", prospect->allowed ? "allowed" : refused);
  if (prospect->allowed)
    screen_labelled ("what:", prospect->text);
  print_state ("now:", &prospect->now);
  print_state ("then:", &prospect->then);
  if (vital != 0 && prospect->allowed)
    screen_labelled ("needed:", needed);
}

/* ------------------------------------------------------------------- JSON */

static void
add_slots (JsonBuilder *builder, const char *name, uint32_t slots)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (; slots != 0; slots &= slots - 1)
    json_builder_add_int_value (builder, __builtin_ctz (slots));
  json_builder_end_array (builder);
}

static void
add_state (JsonBuilder *builder, const char *name, const struct groups *groups)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  render_json_int (builder, "survives", groups_survive (groups));
  add_slots (builder, "needed", groups_vital (groups));
  json_builder_set_member_name (builder, "groups");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < groups->count; i++) {
    json_builder_begin_object (builder);
    add_slots (builder, "slots", groups->group[i]);
    render_json_int (builder, "copies",
                     __builtin_popcount (groups->group[i] & groups->in_sync));
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_json (const struct server *server, const struct prospect *prospect)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_string (builder, "array", server->name);
  render_json_string (builder, "verb", prospect->verb);
  render_json_bool (builder, "allowed", prospect->allowed);
  render_json_string (builder, "code", prospect->code);
  render_json_string (builder, "text", prospect->text);
  add_state (builder, "now", &prospect->now);
  add_state (builder, "then", &prospect->then);
  json_builder_end_object (builder);
  render_json_print (builder);
}

/* ---------------------------------------------------------------- the answer */

/* Without the member, wherever it is. */
static void
look_ahead (struct prospect *prospect, JsonObject *member)
{
  int64_t slot = json_read_int (member, "slot", -1);

  prospect->then = prospect->now;
  if (slot >= 0 && slot < LEGS_MAX
      && strcmp (json_read_string (member, "state", ""), "in-sync") == 0)
    prospect->then.in_sync &= ~(1u << slot);
}

static int
show (struct server *server, struct prospect *prospect, JsonNode *answer)
{
  JsonObject *object = json_node_get_object (answer);
  JsonObject *error = json_read_member (object, "error");

  prospect->allowed = json_read_bool (object, "ok");
  prospect->code
    = prospect->allowed ? NULL : json_read_string (error, "code", "refused");
  prospect->text = json_read_string (prospect->allowed
                                       ? json_read_member (object, "result")
                                       : error,
                                     "text", "the server gives no reason");
  if (ctl_options.json)
    print_json (server, prospect);
  else
    print_text (prospect);
  if (prospect->allowed)
    return EXIT_OK;
  ctl_tell (server->name, prospect->code, "%s", prospect->text);
  return EXIT_REFUSED;
}

static int
look (struct server *server, const char *verb, const char *word)
{
  g_autoptr (JsonNode) seen = server_ask (server, "status", NULL);
  g_autoptr (JsonNode) answer = NULL;
  struct prospect prospect = { .verb = verb };
  struct order order = { .verb = verb, .dry_run = true };
  JsonObject *member;
  int result;
  JsonObject *status = server_result (server, seen, &result);

  if (status == NULL)
    return result;
  member = which_entry (status, word,
                        strcmp (verb, "fail") == 0 ? "in-sync" : "failed");
  order.member = json_read_int (member, "id", 0);
  if (order.member == 0)
    return which_none (server, word);
  if (!groups_read (&prospect.now, status))
    return ctl_fail (EXIT_REFUSED, server->name, "unknown-layout",
                     "its server is of another version than this program");
  look_ahead (&prospect, member);
  order_is_slow (server);
  answer = order_ask (server, &order);
  if (answer == NULL) {
    server_result (server, answer, &result);
    return result;
  }
  return show (server, &prospect, answer);
}

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

int
whatif_command (int argc, char **argv)
{
  struct server *server;
  int status;

  if (!ctl_parse (&argc, &argv, no_entries, "fail|remove [ARRAY] MEMBER"))
    return EXIT_USAGE;
  if ((argc != 3 && argc != 4)
      || (strcmp (argv[1], "fail") != 0 && strcmp (argv[1], "remove") != 0))
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "whatif fail|remove [ARRAY] MEMBER");
  status = server_open (argc == 4 ? argv[2] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  status = look (server, argv[1], argv[argc - 1]);
  server_free (server);
  return status;
}
