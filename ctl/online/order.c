/* SPDX-License-Identifier: BSD-3-Clause */
/* order: an order about the members of an array, given to its server. */
#include <stdio.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/order.h"
#include "ctl/render.h"

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
