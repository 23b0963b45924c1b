/* SPDX-License-Identifier: BSD-3-Clause */
/* orders: what an administrator orders of the array's members.
 *
 * Orders wait for disks, so they are carried out by a thread of their own, one
 * after the other; the control thread goes on, and sends the answer when it is
 * there.  Who ordered it may be gone by then.  Those that fail a disk have a
 * thread each: what the others wait for may be that disk.  So have those that open
 * a disk, since that may hang in the kernel:
 *
 *   it is open, and in its turn          carried out, answered
 *   ORDER_OPEN_S have passed before      "hangs", and nothing is done when it is
 *                                        open after all
 *
 * A new verb of array_change is a line of the table.
 */
#include <stdio.h>
#include <string.h>

#include "control/internal.h"
#include "ground/util.h"

/* Not answered. */
#define ORDERS_MAX 16

/* In the kernel, answered or not. */
#define ORDERS_OPENING_MAX 8

struct order {
  struct control *control;
  struct ground_thread thread;
  bool is_alone; /* in that thread */
  _Atomic bool is_decided; /* array_order has it */
  GSource *timer;  /* or NULL */
  bool is_given_up;
  uint64_t client; /* its number */
  JsonNode *id;    /* of the request; may be NULL */
  char *disk, *name;
  char *opens;     /* the disk that is opened; NULL: none is */
  struct array_order order;
  struct array_answer answer;
  int result;
};

struct orders {
  struct ground_thread thread;
  bool started;
  GAsyncQueue *queue; /* struct order; one without a control ends the thread */
  unsigned waiting;   /* of the control thread; and of these, */
  unsigned alone;     /* those in threads of their own; and of these, */
  unsigned opening;   /* those that open a disk */
};

/* Of the arguments. */
enum {
  NEEDS_MEMBER = 1,
  NEEDS_DISK = 2,
  NEEDS_SLOTS = 4,
  NEEDS_NAME = 8,
  NEEDS_SIZE = 16,
  NEEDS_CHUNK = 32,
  OPENS_DISK = 64, /* if one is given; readd always */
};

static const struct {
  const char *name;
  enum array_verb verb;
  unsigned needs;
} verbs[] = {
  { "fail", ARRAY_FAIL, NEEDS_MEMBER },
  { "remove", ARRAY_REMOVE, NEEDS_MEMBER },
  { "add", ARRAY_ADD, NEEDS_DISK | OPENS_DISK },
  { "readd", ARRAY_READD, NEEDS_MEMBER | OPENS_DISK },
  { "spare", ARRAY_SPARE, NEEDS_DISK | OPENS_DISK },
  { "replace", ARRAY_REPLACE, NEEDS_MEMBER | NEEDS_DISK | OPENS_DISK },
  { "write-mostly", ARRAY_WRITE_MOSTLY, NEEDS_MEMBER },
  { "read-as-others", ARRAY_READ_AS_OTHERS, NEEDS_MEMBER },
  { "grow-legs", ARRAY_GROW_LEGS, NEEDS_SLOTS | OPENS_DISK },
  { "grow-size", ARRAY_GROW_SIZE, NEEDS_SIZE },
  { "bitmap", ARRAY_BITMAP, NEEDS_CHUNK },
  { "rename", ARRAY_RENAME, NEEDS_NAME },
};

static void
order_free (struct order *order)
{
  if (order->id != NULL)
    json_node_unref (order->id);
  g_free (order->disk);
  g_free (order->name);
  g_free (order->opens);
  g_free (order);
}

/* ------------------------------------------------------------ the answer */

static JsonBuilder *
build_answer (const struct order *order)
{
  JsonBuilder *builder;

  if (order->result < 0)
    return request_refusal (order->id,
                            order->answer.reason != NULL ? order->answer.reason
                                                         : "failed",
                            order->answer.text);
  builder = request_begin_result (order->id);
  render_json_string (builder, "text", order->answer.text);
  if (order->answer.member == 0)
    render_json_null (builder, "member");
  else
    render_json_int (builder, "member", order->answer.member);
  render_json_int (builder, "to_copy", order->answer.to_copy);
  render_json_bool (builder, "done", !order->order.dry_run);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return builder;
}

static void
send_answer (struct order *order, JsonBuilder *answer)
{
  struct control *control = order->control;

  control->orders->waiting--;
  control_look (control);
  client_answer (control, order->client, answer);
  clients_sweep (control, false);
}

static void
tell_hung (const struct order *order, bool begins)
{
  const struct log_event event = { begins ? "Hung" : "HungEnded",
                                   begins ? EVENT_WARNING : EVENT_INFO, -1,
                                   order->opens };

  if (begins)
    log_event (&event,
               "disk %.200s HANGS: it was to join, and has not answered for %u "
               "seconds.  The order is given up", order->opens, ORDER_OPEN_S);
  else
    log_event (&event,
               "disk %.200s: has answered after all, and is left alone; the "
               "order was given up", order->opens);
}

static void
stop_timer (struct order *order)
{
  if (order->timer == NULL)
    return;
  g_source_destroy (order->timer);
  g_source_unref (order->timer);
  order->timer = NULL;
}

static gboolean
on_done (void *data)
{
  struct order *order = data;
  struct orders *orders = order->control->orders;

  stop_timer (order);
  if (order->is_alone) {
    ground_thread_join (&order->thread);
    orders->alone--;
    orders->opening -= order->opens != NULL;
  }
  if (order->is_given_up)
    tell_hung (order, false);
  else
    send_answer (order, build_answer (order));
  order_free (order);
  return G_SOURCE_REMOVE;
}

/* A server has a deadline of its own. */
static gboolean
on_late (void *data)
{
  struct order *order = data;
  char text[MESSAGE_MAX];

  if (!atomic_exchange (&order->is_decided, true)) {
    order->is_given_up = true;
    snprintf (text, sizeof text,
              "disk %.200s has not answered for %u seconds, so it hangs in the "
              "kernel; nothing was done, and nothing will be: look at the disk, "
              "then order it again", order->opens, ORDER_OPEN_S);
    tell_hung (order, true);
    send_answer (order, request_refusal (order->id, "hangs", text));
  }
  stop_timer (order);
  return G_SOURCE_REMOVE;
}

/* ------------------------------------------------------------- their threads */

static void
carry_out (void *argument)
{
  struct order *order = argument;
  GSource *source;

  order->result = array_change (order->control->config.array, &order->order,
                                &order->answer);
  source = g_idle_source_new ();
  g_source_set_callback (source, on_done, order, NULL);
  g_source_attach (source, order->control->context);
  g_source_unref (source);
}

static void
run (void *argument)
{
  struct orders *orders = argument;
  struct order *order;

  /* The stop always comes. */
  while ((order = g_async_queue_pop (orders->queue))->control != NULL)
    carry_out (order);
  order_free (order);
}

/* ------------------------------------------------------------ control thread */

static bool
is_chunk (int64_t chunk)
{
  return chunk == 0
         || (chunk >= SECTOR_SIZE && chunk <= INT64_C (1) << 31
             && is_power_of_2 ((uint64_t)chunk));
}

/* What is of another type would be taken for not given: an order that only
 * asks would be carried out.  NULL: all are what they must be.
 */
static const char *
check_types (JsonObject *args)
{
  static const char *const numbers[]
    = { "member", "slots", "size", "chunk", NULL };
  static const char *const strings[] = { "disk", "name", NULL };
  static const char *const booleans[] = { "discard", "dry_run", NULL };

  if (!json_read_is_type (args, numbers, G_TYPE_INT64))
    return "\"member\", \"slots\", \"size\" and \"chunk\" are whole numbers";
  if (!json_read_is_type (args, strings, G_TYPE_STRING))
    return "\"disk\" and \"name\" are strings";
  if (!json_read_is_type (args, booleans, G_TYPE_BOOLEAN))
    return "\"discard\" and \"dry_run\" are true or false";
  return NULL;
}

static const char *
check (size_t verb, JsonObject *args)
{
  static const char *const known[]
    = { "member", "disk", "slots", "size", "chunk", "name",
        "discard", "dry_run", NULL };
  const char *wrong = check_types (args);
  int64_t member = json_read_int (args, "member", 0);
  int64_t slots = json_read_int (args, "slots", 0);
  int64_t size = json_read_int (args, "size", -1);
  int64_t chunk = json_read_int (args, "chunk", -1);
  const char *disk = json_read_string (args, "disk", NULL);
  unsigned needs = verbs[verb].needs;

  if (request_unknown_member (args, known) != NULL)
    return "an order has \"member\", \"disk\", \"slots\", \"size\", "
           "\"chunk\", \"name\", \"discard\" and \"dry_run\"";
  if (wrong != NULL)
    return wrong;
  if ((needs & NEEDS_MEMBER) && (member <= 0 || member > UINT32_MAX))
    return "\"member\" is the id of a member, as in status";
  if ((needs & NEEDS_DISK) && disk == NULL)
    return "\"disk\" is missing, or no string";
  if ((needs & NEEDS_SLOTS) && (slots <= 0 || slots > UINT16_MAX))
    return "\"slots\" is a number of slots";
  if ((needs & NEEDS_SIZE) && (size < 0 || size % SECTOR_SIZE != 0))
    return "\"size\" is a number of bytes, whole sectors, or 0";
  if ((needs & NEEDS_CHUNK) && !is_chunk (chunk))
    return "\"chunk\" is a power of two, from 512 to 2147483648, or 0";
  if ((needs & NEEDS_NAME) && json_read_string (args, "name", NULL) == NULL)
    return "\"name\" is missing, or no string";
  /* A path that is not absolute is from where the server is: nobody's. */
  if (disk != NULL && disk[0] != '/' && strstr (disk, "://") == NULL)
    return "\"disk\" is an absolute path or a URI";
  return NULL;
}

static char *
name_of_member (struct control *control, uint32_t id)
{
  g_autofree struct array_snapshot *snapshot
    = g_new (struct array_snapshot, 1);

  array_get_snapshot (control->config.array, snapshot);
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].id == id)
      return g_strdup (snapshot->member[i].name);
  return NULL;
}

static char *
which_opens (struct control *control, const struct array_order *order,
             unsigned needs)
{
  if (!(needs & OPENS_DISK)
      || (order->verb == ARRAY_GROW_LEGS && order->dry_run))
    return NULL;
  return order->verb == ARRAY_READD && order->disk == NULL
           ? name_of_member (control, order->member)
           : g_strdup (order->disk);
}

static void
start_timer (struct order *order)
{
  if (order->opens == NULL || order->opens[0] != '/')
    return;
  order->timer = g_timeout_source_new_seconds (ORDER_OPEN_S);
  g_source_set_callback (order->timer, on_late, order, NULL);
  g_source_attach (order->timer, order->control->context);
}

/* False: no thread can be started. */
static bool
hand_over (struct orders *orders, struct order *order)
{
  if (order->order.verb == ARRAY_FAIL || order->opens != NULL) {
    order->is_alone = true;
    if (ground_thread_start (&order->thread, "mirror-order", carry_out, order)
        < 0)
      return false;
    orders->alone++;
    orders->opening += order->opens != NULL;
    start_timer (order);
    return true;
  }
  if (!orders->started
      && ground_thread_start (&orders->thread, "mirror-orders", run, orders)
           < 0)
    return false;
  orders->started = true;
  g_async_queue_push (orders->queue, order);
  return true;
}

static const char *
put (struct control *control, size_t verb, JsonObject *args,
     struct order *order)
{
  order->disk = g_strdup (json_read_string (args, "disk", NULL));
  order->name = g_strdup (json_read_string (args, "name", NULL));
  order->order = (struct array_order){
    .verb = verbs[verb].verb,
    .member = (uint32_t)json_read_int (args, "member", 0),
    .disk = order->disk,
    .slots = (unsigned)json_read_int (args, "slots", 0),
    .size = (uint64_t)json_read_int (args, "size", 0),
    .chunk = (uint32_t)json_read_int (args, "chunk", 0),
    .name = order->name,
    .discard = json_read_bool (args, "discard"),
    .dry_run = json_read_bool (args, "dry_run"),
    .is_decided = &order->is_decided,
  };
  order->opens = which_opens (control, &order->order, verbs[verb].needs);
  if (!hand_over (control->orders, order))
    return "its thread cannot be started";
  control->orders->waiting++;
  return NULL;
}

bool
orders_take (struct control *control, struct client *client, JsonNode *id,
             const char *name, JsonObject *args)
{
  struct order *order;
  const char *why;
  size_t verb = 0;

  while (verb < G_N_ELEMENTS (verbs) && strcmp (verbs[verb].name, name) != 0)
    verb++;
  if (verb == G_N_ELEMENTS (verbs))
    return false;
  if (!client_may_change (client)) {
    client_send (client, request_refusal_read_only (id));
    return true;
  }
  why = check (verb, args);
  if (why != NULL) {
    client_send (client, request_refusal (id, "bad-argument", why));
    return true;
  }
  if (control->orders->waiting >= ORDERS_MAX) {
    client_send (client, request_refusal (id, "busy", "too many orders wait"));
    return true;
  }
  if (control->orders->opening >= ORDERS_OPENING_MAX
      && (verbs[verb].needs & OPENS_DISK)) {
    client_send (client, request_refusal (id, "busy",
                                          "too many disks that hang are being "
                                          "opened"));
    return true;
  }
  order = g_new0 (struct order, 1);
  order->control = control;
  order->client = client_number (client);
  order->id = id == NULL ? NULL : json_node_copy (id);
  why = put (control, verb, args, order);
  if (why == NULL) {
    client_expects_answer (client);
    return true;
  }
  client_send (client, request_refusal (id, "no-thread", why));
  order_free (order);
  return true;
}

/* -------------------------------------------------------------------- life */

void
orders_begin (struct control *control)
{
  control->orders = g_new0 (struct orders, 1);
  control->orders->queue = g_async_queue_new ();
}

/* The order that is being carried out comes to its end: the disks' deadlines
 * see to that.
 */
void
orders_end (struct control *control)
{
  struct orders *orders = control->orders;
  struct order *order;

  if (orders == NULL)
    return;
  /* Those that were not begun are not. */
  while ((order = g_async_queue_try_pop (orders->queue)) != NULL)
    order_free (order);
  if (orders->started) {
    g_async_queue_push (orders->queue, g_new0 (struct order, 1));
    ground_thread_join (&orders->thread);
  }
  while (orders->alone > 0)
    g_main_context_iteration (control->context, TRUE);
  /* Answers that nobody waits for any more. */
  while (g_main_context_iteration (control->context, FALSE))
    ;
  g_async_queue_unref (orders->queue);
  g_free (orders);
  control->orders = NULL;
}
