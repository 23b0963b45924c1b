/* SPDX-License-Identifier: BSD-3-Clause */
/* explain: why a member is in the state that it is in.
 *
 * From the status and the events that the server keeps: what the state means,
 * what brought it about, what follows for the data, what to do, and all that
 * was said of the disk.
 */
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/event-line.h"
#include "ctl/online/groups.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/online/which.h"
#include "ctl/render.h"

struct subject {
  const struct server *server;
  JsonObject *status, *member;
  const char *disk, *state; /* @disk NULL: a slot without one */
  int64_t slot;
  GPtrArray *events; /* those about it, of JsonNode, the oldest first */
};

struct explanation {
  char *meaning, *impact, *action;
};

/* Events that bring a state about: of this disk; or of another one in its
 * slot, which took it.
 */
static const struct cause {
  const char *state, *kind;
  bool of_other;
} causes[] = {
  { "in-sync", "RebuildFinished", false },
  { "recovering", "RebuildStarted", false },
  { "recovering", "RebuildStopped", false },
  { "replacing", "RebuildStarted", false },
  { "replacing", "RebuildStopped", false },
  { "failed", "Fail", false },
  { "failed", "RebuildFinished", true },
  { "missing", "Removed", true },
  { "missing", "Fail", true },
};

/* ------------------------------------------------------------------ events */

static bool
is_about (const struct subject *subject, JsonObject *event)
{
  const char *disk = json_read_string (event, "disk", NULL);
  const char *text = json_read_string (event, "text", "");
  int64_t slot = json_read_int (event, "slot", -1);

  return (slot >= 0 && slot == subject->slot)
         || (subject->disk != NULL
             && (g_strcmp0 (disk, subject->disk) == 0
                 || strstr (text, subject->disk) != NULL));
}

static void
find_events (struct subject *subject, JsonObject *history)
{
  JsonArray *events = json_read_array (history, "events");

  for (unsigned i = 0; i < json_read_length (events); i++) {
    JsonObject *event = json_read_element (events, i);

    if (event != NULL && is_about (subject, event))
      g_ptr_array_add (subject->events, json_array_get_element (events, i));
  }
}

static bool
is_cause (const struct subject *subject, JsonObject *event)
{
  bool of_other = g_strcmp0 (json_read_string (event, "disk", NULL),
                             subject->disk) != 0;
  const char *kind = json_read_string (event, "kind", "");

  if (json_read_int (event, "slot", -1) != subject->slot)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (causes); i++)
    if (strcmp (causes[i].state, subject->state) == 0
        && strcmp (causes[i].kind, kind) == 0
        && causes[i].of_other == of_other)
      return true;
  return false;
}

/* The last one; NULL: it has been so since the server started. */
static JsonNode *
find_cause (const struct subject *subject)
{
  for (unsigned i = subject->events->len; i-- > 0;) {
    JsonNode *node = g_ptr_array_index (subject->events, i);

    if (is_cause (subject, json_node_get_object (node)))
      return node;
  }
  return NULL;
}

/* For g_free. */
static char *
shown_cause (const struct subject *subject)
{
  JsonNode *node = find_cause (subject);
  JsonObject *event = node == NULL ? NULL : json_node_get_object (node);
  const char *time = json_read_string (event, "time", "");

  if (event == NULL)
    return g_strdup ("no event tells: it was so when the server started, or "
                     "that is so long ago that the event is not kept");
  return g_strdup_printf ("%.10s %.8sZ: %s", time,
                          time + MIN (strlen (time), 11u),
                          json_read_string (event, "text", "?"));
}

/* ----------------------------------------------------------------- meaning */

static char *
shown_filling (const struct subject *subject, const char *until)
{
  JsonObject *array = json_read_member (subject->status, "array");
  g_autofree char *done
    = render_bytes (json_read_int (subject->member, "recovered", 0));
  g_autofree char *size
    = render_bytes (json_read_int (array, "member_size", 0));

  return g_strdup_printf ("it is written and not read %s; of %s all that it "
                          "lacked up to %s is copied to it", until, size,
                          done);
}

/* What its state is; for g_free. */
static char *
shown_meaning (const struct subject *subject)
{
  const char *state = subject->state;

  if (strcmp (state, "in-sync") == 0)
    return g_strdup_printf (
      "it holds all data of its slot; it is written, and read %s",
      screen_has_flag (subject->member, "write-mostly")
        ? "only where no other copy can be" : "like the others");
  if (strcmp (state, "recovering") == 0)
    return shown_filling (subject, "until it is in sync");
  if (strcmp (state, "replacing") == 0)
    return shown_filling (subject, "until it takes the slot over from the disk "
                          "that serves it now");
  if (strcmp (state, "failed") == 0)
    return g_strdup ("it is neither read nor written, and lacks what was "
                     "written since");
  if (strcmp (state, "missing") == 0)
    return g_strdup ("no disk has this slot");
  return g_strdup ("it holds no data, and steps in when a slot has no disk");
}

/* ----------------------------------------------- what follows, what to do */

/* What the server says of its state itself. */
static JsonObject *
find_reason (const struct subject *subject)
{
  JsonArray *reasons = json_read_array (subject->status, "reasons");

  for (unsigned i = 0; i < json_read_length (reasons); i++) {
    JsonObject *reason = json_read_element (reasons, i);
    const char *what = json_read_string (reason, "what", "");

    if (json_read_int (reason, "slot", -1) == subject->slot
        && (subject->disk == NULL || strstr (what, subject->disk) != NULL))
      return reason;
  }
  return NULL;
}

/* One that is in sync: what if it failed? */
static void
explain_loss (const struct subject *subject, const struct groups *groups,
              struct explanation *ret)
{
  struct groups then = *groups;
  unsigned survives;

  if (groups_vital (groups) & 1u << subject->slot) {
    ret->impact = g_strdup ("it has the only copy of some data; if it fails, "
                            "that is lost");
    ret->action = g_strdup_printf ("nbdmirror status %s tells what the array "
                                   "lacks", subject->server->name);
    return;
  }
  then.in_sync &= ~(1u << subject->slot);
  survives = groups_survive (&then);
  ret->impact
    = survives == 0
        ? g_strdup ("if it fails no data is lost, but the array then survives "
                    "no other failure")
        : g_strdup_printf ("if it fails no data is lost, and the array then "
                           "survives %u more failure%s", survives,
                           survives == 1 ? "" : "s");
  ret->action = g_strdup ("none needed");
}

/* Of one of which the server says nothing. */
static void
explain_well (const struct subject *subject, struct explanation *ret)
{
  struct groups groups;

  if (strcmp (subject->state, "in-sync") == 0
      && groups_read (&groups, subject->status) && subject->slot >= 0
      && subject->slot < (int64_t)groups.slots) {
    explain_loss (subject, &groups, ret);
    return;
  }
  ret->impact = g_strdup ("none: it has no data that another disk lacks");
  ret->action = g_strdup ("none needed");
}

/* ------------------------------------------------------------------ output */

static void
explain (const struct subject *subject, struct explanation *ret)
{
  JsonObject *reason = find_reason (subject);

  ret->meaning = shown_meaning (subject);
  if (reason == NULL) {
    explain_well (subject, ret);
    return;
  }
  ret->impact = g_strdup (json_read_string (reason, "impact", "?"));
  ret->action = g_strdup (json_read_string (reason, "action", "?"));
}

static void
print_text (const struct subject *subject, const struct explanation *what)
{
  g_autofree char *cause = shown_cause (subject);
  g_autofree char *state
    = g_strdup_printf ("%s: %s", subject->state, what->meaning);
  g_autofree char *slot = subject->slot < 0
                            ? g_strdup ("no slot")
                            : g_strdup_printf ("slot %d", (int)subject->slot);
  g_autofree char *disk
    = g_strdup_printf ("%s (%s of %s)",
                       subject->disk == NULL ? "none" : subject->disk, slot,
                       subject->server->name);
  int64_t errors = json_read_int (subject->member, "errors", 0);
  g_autofree char *failed = g_strdup_printf (
    "%lld of its requests failed since the server started",
    (long long)errors);

  screen_labelled ("disk:", disk);
  screen_labelled ("state:", state);
  screen_labelled ("why:", cause);
  if (errors > 0)
    screen_labelled ("errors:", failed);
  screen_labelled ("impact:", what->impact);
  screen_labelled ("action:", what->action);
  if (subject->events->len > 0)
    printf ("\n");
  for (unsigned i = 0; i < subject->events->len; i++)
    event_line_print (g_ptr_array_index (subject->events, i));
}

static void
print_json (const struct subject *subject, const struct explanation *what)
{
  JsonBuilder *builder = json_builder_new ();
  JsonNode *cause = find_cause (subject);
  JsonNode *member = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (member, subject->member);
  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_string (builder, "array", subject->server->name);
  json_builder_set_member_name (builder, "member");
  json_builder_add_value (builder, member);
  render_json_string (builder, "meaning", what->meaning);
  json_builder_set_member_name (builder, "cause");
  if (cause == NULL)
    json_builder_add_null_value (builder);
  else
    json_builder_add_value (builder, json_node_copy (cause));
  render_json_string (builder, "impact", what->impact);
  render_json_string (builder, "action", what->action);
  json_builder_set_member_name (builder, "events");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < subject->events->len; i++)
    json_builder_add_value (
      builder, json_node_copy (g_ptr_array_index (subject->events, i)));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}

static void
print (const struct subject *subject)
{
  struct explanation what;

  explain (subject, &what);
  if (ctl_options.json)
    print_json (subject, &what);
  else
    print_text (subject, &what);
  g_free (what.meaning);
  g_free (what.impact);
  g_free (what.action);
}

/* ----------------------------------------------------------------- command */

static int
look (struct server *server, const char *word)
{
  g_autoptr (JsonNode) seen = server_ask (server, "status", NULL);
  g_autoptr (JsonNode) told = NULL;
  struct subject subject = { .server = server };
  JsonObject *history;
  int status;

  subject.status = server_result (server, seen, &status);
  if (subject.status == NULL)
    return status;
  subject.member = which_entry (subject.status, word, "in-sync");
  if (subject.member == NULL)
    return which_none (server, word);
  told = server_ask (server, "history", NULL);
  history = server_result (server, told, &status);
  if (history == NULL)
    return status;
  subject.disk = json_read_string (subject.member, "disk", NULL);
  subject.state = json_read_string (subject.member, "state", "?");
  subject.slot = json_read_int (subject.member, "slot", -1);
  subject.events = g_ptr_array_new ();
  find_events (&subject, history);
  print (&subject);
  g_ptr_array_unref (subject.events);
  return EXIT_OK;
}

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

int
explain_command (int argc, char **argv)
{
  struct server *server;
  int status;

  if (!ctl_parse (&argc, &argv, no_entries, "[ARRAY] MEMBER"))
    return EXIT_USAGE;
  if (argc != 2 && argc != 3)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "explain [ARRAY] MEMBER");
  status = server_open (argc == 3 ? argv[1] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  status = look (server, argv[argc - 1]);
  server_free (server);
  return status;
}
