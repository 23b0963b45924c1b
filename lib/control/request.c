/* SPDX-License-Identifier: BSD-3-Clause */
/* request: one line of a client, and the answer to it.
 *
 *   {"id": ID, "cmd": NAME, "args": {...}}
 *   {"id": ID, "ok": true, "result": {...}}
 *   {"id": ID, "ok": false, "error": {"code": CODE, "text": TEXT}}
 *
 * A new command is a function and a line of the table.
 */
#include <stdio.h>
#include <string.h>

#include "control/internal.h"
#include "ground/limits.h"
#include "ground/util.h"

struct call {
  struct control *control;
  struct client *client;
  JsonObject *args;     /* NULL: none */
  JsonBuilder *result;  /* an object that is begun */
  const char *code;     /* not NULL: it is refused */
  char text[MESSAGE_MAX];
};

static void
refuse (struct call *call, const char *code, const char *text)
{
  call->code = code;
  snprintf (call->text, sizeof call->text, "%s", text);
}

/* ---------------------------------------------------------------- commands */

static void
run_status (struct call *call)
{
  status_build (call->control, call->result);
}

#define PEERS_SHOWN_MAX 64

static void
add_peer (JsonBuilder *builder, const struct control_peer *peer)
{
  json_builder_begin_object (builder);
  render_json_string (builder, "address", peer->name);
  /* What is not known is null. */
  render_json_int (builder, "pid", (uint64_t)peer->pid);
  render_json_int (builder, "uid", (uint64_t)peer->uid);
  json_builder_end_object (builder);
}

static void
run_clients (struct call *call)
{
  struct control_peer peers[PEERS_SHOWN_MAX];
  unsigned count = call->control->config.peers (peers, PEERS_SHOWN_MAX);

  render_json_int (call->result, "count", count);
  json_builder_set_member_name (call->result, "clients");
  json_builder_begin_array (call->result);
  for (unsigned i = 0; i < MIN (count, (unsigned)PEERS_SHOWN_MAX); i++)
    add_peer (call->result, &peers[i]);
  json_builder_end_array (call->result);
}

static void
run_stop (struct call *call)
{
  unsigned count = call->control->config.peers (NULL, 0);
  char text[100];

  if (count > 0 && !json_read_bool (call->args, "force")) {
    snprintf (text, sizeof text, "%u client%s connected to the array", count,
              count == 1 ? " is" : "s are");
    refuse (call, "clients-connected", text);
    return;
  }
  call->control->config.stop ();
}

static void
run_history (struct call *call)
{
  events_build (call->control, call->result);
}

/* The answer, how all is now, and from then on what changes. */
static void
run_subscribe (struct call *call)
{
  render_json_int (call->result, "seq", events_newest (call->control));
  json_builder_set_member_name (call->result, "status");
  json_builder_begin_object (call->result);
  status_build (call->control, call->result);
  json_builder_end_object (call->result);
  client_subscribe (call->client);
}

static void
run_metrics (struct call *call)
{
  g_autofree char *text = metrics_text (call->control);

  render_json_string (call->result, "text", text);
}

static void
run_latency (struct call *call)
{
  latency_build (call->control, call->result);
}

static void
run_sync_pause (struct call *call)
{
  array_sync_pause (call->control->config.array);
}

static void
run_sync_resume (struct call *call)
{
  array_sync_resume (call->control->config.array);
}

static void
run_sync_rates (struct call *call)
{
  int64_t minimum = json_read_int (call->args, "min", 0);
  int64_t maximum = json_read_int (call->args, "max", 0);

  if (minimum <= 0 || maximum <= 0
      || array_sync_set_rates (call->control->config.array, minimum, maximum)
           < 0)
    refuse (call, "bad-argument",
            "\"min\" and \"max\" are bytes a second, more than 0, and the "
            "first is not the larger one");
}

static void
run_get (struct call *call)
{
  settings_build (call->control, call->result);
}

/* The answer is what all of them are now. */
static void
run_set (struct call *call)
{
  char why[MESSAGE_MAX];

  if (settings_change (call->control, call->args, why))
    settings_build (call->control, call->result);
  else
    refuse (call, "bad-argument", why);
}

static const struct {
  const char *name;
  bool changes; /* not on the socket that answers questions */
  void (*run) (struct call *call);
  const char *const args[5]; /* those it knows, NULL-terminated */
} commands[] = {
  { "status", false, run_status, { NULL } },
  { "clients", false, run_clients, { NULL } },
  { "history", false, run_history, { NULL } },
  { "subscribe", false, run_subscribe, { NULL } },
  { "metrics", false, run_metrics, { NULL } },
  { "latency", false, run_latency, { NULL } },
  { "get", false, run_get, { NULL } },
  { "set", true, run_set,
    { "rebuild-rate-min", "rebuild-rate-max", "event-program", "spare-delay",
      NULL } },
  { "sync-pause", true, run_sync_pause, { NULL } },
  { "sync-resume", true, run_sync_resume, { NULL } },
  { "sync-rates", true, run_sync_rates, { "min", "max", NULL } },
  { "stop", true, run_stop, { "force", NULL } },
};

/* ------------------------------------------------------------------ answer */

static void
add_id (JsonBuilder *builder, JsonNode *id)
{
  json_builder_set_member_name (builder, "id");
  if (id == NULL)
    json_builder_add_null_value (builder);
  else
    json_builder_add_value (builder, json_node_copy (id));
}

JsonBuilder *
request_refusal (JsonNode *id, const char *code, const char *text)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_id (builder, id);
  render_json_bool (builder, "ok", false);
  json_builder_set_member_name (builder, "error");
  json_builder_begin_object (builder);
  render_json_string (builder, "code", code);
  render_json_string (builder, "text", text);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return builder;
}

JsonBuilder *
request_refusal_read_only (JsonNode *id)
{
  return request_refusal (id, "read-only",
                          "this socket only answers questions");
}

JsonBuilder *
request_begin_result (JsonNode *id)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_id (builder, id);
  render_json_bool (builder, "ok", true);
  json_builder_set_member_name (builder, "result");
  json_builder_begin_object (builder);
  return builder;
}

static void
perform (struct call *call, JsonNode *id, void (*run) (struct call *call))
{
  call->result = request_begin_result (id);
  run (call);
  if (call->code != NULL) {
    g_object_unref (call->result);
    client_send (call->client, request_refusal (id, call->code, call->text));
    return;
  }
  json_builder_end_object (call->result);
  json_builder_end_object (call->result);
  client_send (call->client, call->result);
}

/* Is @name one of @known? */
static bool
is_among (const char *name, const char *const *known)
{
  while (*known != NULL && strcmp (*known, name) != 0)
    known++;
  return *known != NULL;
}

const char *
request_unknown_member (JsonObject *object, const char *const *known)
{
  GList *names = object == NULL ? NULL : json_object_get_members (object);
  const char *unknown = NULL;

  for (GList *at = names; at != NULL && unknown == NULL; at = at->next)
    if (!is_among (at->data, known))
      unknown = at->data;
  g_list_free (names);
  return unknown;
}

static const char *
check_args (struct call *call, const char *const *known)
{
  static const char *const force[] = { "force", NULL };
  const char *unknown = request_unknown_member (call->args, known);

  if (unknown != NULL) {
    snprintf (call->text, sizeof call->text,
              "the command has no argument \"%.100s\"", unknown);
    return call->text;
  }
  if (!json_read_is_type (call->args, force, G_TYPE_BOOLEAN))
    return "\"force\" is true or false";
  return NULL;
}

static void
find_and_run (struct call *call, JsonNode *id, const char *name)
{
  char text[200];

  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
    const char *wrong;

    if (strcmp (commands[i].name, name) != 0)
      continue;
    if (commands[i].changes && !client_may_change (call->client)) {
      client_send (call->client, request_refusal_read_only (id));
      return;
    }
    wrong = check_args (call, commands[i].args);
    if (wrong != NULL)
      client_send (call->client, request_refusal (id, "bad-argument", wrong));
    else
      perform (call, id, commands[i].run);
    return;
  }
  snprintf (text, sizeof text, "there is no command \"%.100s\"", name);
  client_send (call->client, request_refusal (id, "unknown-command", text));
}

/* NULL: it is a request. */
static const char *
what_is_wrong (JsonObject *request)
{
  static const char *const members[] = { "id", "cmd", "args", NULL };
  JsonNode *id = json_object_get_member (request, "id");
  GType type = id != NULL && JSON_NODE_HOLDS_VALUE (id)
                 ? json_node_get_value_type (id) : G_TYPE_INVALID;

  if (request_unknown_member (request, members) != NULL)
    return "a request has the members \"id\", \"cmd\" and \"args\"";
  if (id != NULL && type != G_TYPE_INT64 && type != G_TYPE_STRING)
    return "\"id\" is a whole number or a string";
  if (json_read_string (request, "cmd", NULL) == NULL)
    return "\"cmd\" is missing, or no string";
  if (json_object_has_member (request, "args")
      && json_read_member (request, "args") == NULL)
    return "\"args\" is no object";
  return NULL;
}

void
request_handle (struct control *control, struct client *client,
                const char *line, size_t length)
{
  const char *why;
  g_autoptr (JsonNode) root = json_read_object (line, length, &why);
  struct call call = { .control = control, .client = client };
  JsonObject *request;

  if (root == NULL) {
    client_send (client, request_refusal (NULL, "bad-request", why));
    return;
  }
  request = json_node_get_object (root);
  why = what_is_wrong (request);
  if (why != NULL) {
    client_send (client, request_refusal (NULL, "bad-request", why));
    return;
  }
  call.args = json_read_member (request, "args");
  if (orders_take (control, client, json_object_get_member (request, "id"),
                   json_read_string (request, "cmd", NULL), call.args))
    return;
  find_and_run (&call, json_object_get_member (request, "id"),
                json_read_string (request, "cmd", NULL));
}
