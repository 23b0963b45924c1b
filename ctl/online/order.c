/* SPDX-License-Identifier: BSD-3-Clause */
/* order: an order about the members of an array, given to its server. */
#include <stdio.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/order.h"
#include "ctl/render.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"

/* Orders wait for disks, each with a deadline of its own. */
#define ORDER_MS 300000

void
order_is_slow (struct server *server)
{
  if (ctl_options.timeout_s == 0)
    server->answer_ms = ORDER_MS;
}

JsonNode *
order_ask (struct server *server, const struct order *order)
{
  JsonObject *object = json_object_new ();
  JsonNode *args = json_node_new (JSON_NODE_OBJECT);

  if (order->member != 0)
    json_object_set_int_member (object, "member", order->member);
  if (order->disk != NULL)
    json_object_set_string_member (object, "disk", order->disk);
  if (order->number_name != NULL)
    json_object_set_int_member (object, order->number_name, order->number);
  if (order->name != NULL)
    json_object_set_string_member (object, "name", order->name);
  json_object_set_boolean_member (object, "discard", order->discard);
  json_object_set_boolean_member (object, "dry_run", order->dry_run);
  json_node_take_object (args, object);
  return server_ask (server, order->verb, args);
}

int
order_give (struct server *server, const struct order *order)
{
  g_autoptr (JsonNode) answer = order_ask (server, order);
  g_autofree char *text = NULL;
  int status;
  JsonObject *result = server_result (server, answer, &status);

  if (result == NULL)
    return status;
  if (!ctl_options.json) {
    text = render_text (json_read_string (result, "text", "?"));
    printf ("%s%s\n", order->dry_run ? "plan: " : "", text);
  } else if (!order->dry_run || ctl_options.dry_run) {
    text = json_to_string (
      json_object_get_member (json_node_get_object (answer), "result"), FALSE);
    printf ("%s\n", text);
  }
  return EXIT_OK;
}

int
order_plan (struct server *server, const struct order *order)
{
  struct order turn = *order;
  bool go;
  int status;

  turn.dry_run = true;
  status = order_give (server, &turn);
  if (status != EXIT_OK)
    return status;
  status = ctl_confirm (server->name, &go);
  turn.dry_run = false;
  return status == EXIT_OK && go ? order_give (server, &turn) : status;
}

char *
order_disk (const char *word)
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
