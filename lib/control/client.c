/* SPDX-License-Identifier: BSD-3-Clause */
/* client: one connection: lines in, lines out, neither without limit.
 *
 * Nothing here waits.  What a client does not read is kept up to
 * CONTROL_UNREAD_MAX; then it is dropped, as is who sends a line that is too
 * long.  A dropped client is freed by clients_sweep, since whoever holds a
 * pointer to it may still look.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/source.h"
#include "ground/limits.h"
#include "ground/util.h"

struct client {
  struct control *control;
  struct listener *listener;
  int fd;
  GSource *reading, *writing; /* NULL: not */
  GString *input;  /* what has come of the next line */
  GString *output; /* what it has not read */
  uint64_t number;
  unsigned expects; /* answers that come later */
  bool subscribed;
  bool ended;      /* it sends nothing more */
  bool dropped;
};

static void
client_free (struct client *client)
{
  struct control *control = client->control;

  control->clients = g_list_remove (control->clients, client);
  client->listener->clients--;
  source_drop (&client->reading);
  source_drop (&client->writing);
  close (client->fd);
  g_string_free (client->input, TRUE);
  g_string_free (client->output, TRUE);
  g_free (client);
}

void
clients_sweep (struct control *control, bool all)
{
  GList *next;

  for (GList *at = control->clients; at != NULL; at = next) {
    struct client *client = at->data;

    next = at->next;
    if (all || client->dropped)
      client_free (client);
  }
}

bool
client_may_change (const struct client *client)
{
  return !client->listener->readonly;
}

uint64_t
client_number (const struct client *client)
{
  return client->number;
}

void
client_expects_answer (struct client *client)
{
  client->expects++;
}

void
client_answer (struct control *control, uint64_t number, JsonBuilder *message)
{
  for (GList *at = control->clients; at != NULL; at = at->next) {
    struct client *client = at->data;

    if (client->number != number)
      continue;
    client->expects--;
    client_send (client, message);
    return;
  }
  g_object_unref (message);
}

void
client_subscribe (struct client *client)
{
  client->subscribed = true;
}

bool
client_is_subscribed (const struct client *client)
{
  return client->subscribed && !client->dropped;
}

static void
watch (struct client *client, GSource **source, GIOCondition condition,
       GUnixFDSourceFunc function)
{
  source_watch_fd (source, client->control->context, client->fd, condition,
                   function, client);
}

/* ---------------------------------------------------------------- writing */

/* As much as the socket takes. */
static void
push (struct client *client)
{
  ssize_t n;

  while (client->output->len > 0) {
    n = send (client->fd, client->output->str, client->output->len,
              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
      g_string_erase (client->output, 0, n);
    else if (n == -1 && errno == EINTR)
      continue;
    else {
      client->dropped |= n == -1 && errno != EAGAIN;
      return;
    }
  }
  client->dropped |= client->ended && client->expects == 0;
}

static gboolean
on_writable (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
             void *data)
{
  struct client *client = data;

  push (client);
  if (client->output->len == 0)
    source_drop (&client->writing);
  clients_sweep (client->control, false);
  return G_SOURCE_CONTINUE; /* of one that may be destroyed by now */
}

void
client_send (struct client *client, JsonBuilder *message)
{
  g_autofree char *line = render_json_line (message);

  if (client->dropped)
    return;
  if (client->output->len + strlen (line) + 1 > CONTROL_UNREAD_MAX) {
    client->dropped = true;
    return;
  }
  g_string_append (client->output, line);
  g_string_append_c (client->output, '\n');
  if (client->writing != NULL)
    return;
  push (client);
  if (client->output->len > 0 && !client->dropped)
    watch (client, &client->writing, G_IO_OUT, on_writable);
}

/* ---------------------------------------------------------------- reading */

static void
take_lines (struct client *client)
{
  GString *input = client->input;
  size_t done = 0;
  char *end;

  while (!client->dropped
         && (end = memchr (input->str + done, '\n', input->len - done))
              != NULL) {
    size_t length = end - (input->str + done);

    request_handle (client->control, client, input->str + done, length);
    done += length + 1;
  }
  g_string_erase (input, 0, done);
  if (input->len < CONTROL_LINE_MAX)
    return;
  client_send (client, request_refusal (NULL, "line-too-long",
                                        "a message has at most 65536 bytes"));
  client->dropped = true;
}

/* Until it is gone altogether. */
static gboolean
on_gone (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
         void *data)
{
  struct client *client = data;

  client->dropped = true;
  clients_sweep (client->control, false);
  return G_SOURCE_CONTINUE; /* of one that is destroyed by now */
}

/* What was asked is still answered. */
static void
note_end (struct client *client)
{
  source_drop (&client->reading);
  if (client->subscribed) {
    watch (client, &client->reading, G_IO_HUP | G_IO_ERR, on_gone);
    return;
  }
  client->ended = true;
  client->dropped |= client->output->len == 0 && client->expects == 0;
}

static gboolean
on_readable (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
             void *data)
{
  struct client *client = data;
  char buffer[16384];
  ssize_t n;

  n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0) {
    g_string_append_len (client->input, buffer, n);
    take_lines (client);
  } else if (n == 0)
    note_end (client);
  else
    client->dropped |= errno != EAGAIN && errno != EINTR;
  clients_sweep (client->control, false);
  return G_SOURCE_CONTINUE; /* of one that may be destroyed by now */
}

/* ------------------------------------------------------------------ coming */

static JsonBuilder *
greeting (const struct control *control, bool readonly)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "nbdmirror");
  json_builder_begin_object (builder);
  render_json_int (builder, "control", CONTROL_VERSION);
  render_json_int (builder, "format", CONTROL_FORMAT);
  render_json_string (builder, "server", PACKAGE_VERSION);
  render_json_string (builder, "array", control->name);
  render_json_string (builder, "uuid",
                      control->uuid[0] == '\0' ? NULL : control->uuid);
  render_json_int (builder, "pid", getpid ());
  render_json_bool (builder, "readonly", readonly);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  return builder;
}

/* Told why, and sent away. */
static bool
is_turned_away (struct client *client)
{
  const char *code = NULL, *text = NULL;

  if (client->listener->clients > CONTROL_CLIENTS_MAX) {
    code = "too-many-clients";
    text = "as many clients are connected as may be";
  } else if (!client->listener->readonly && !door_knows (client->fd)) {
    code = "permission-denied";
    text = "only the server's own user and root may give orders";
  }
  if (code != NULL)
    client_send (client, request_refusal (NULL, code, text));
  return code != NULL;
}

void
client_new (struct listener *listener, int fd)
{
  struct client *client = g_new0 (struct client, 1);

  client->control = listener->control;
  client->listener = listener;
  client->fd = fd;
  client->number = ++listener->control->clients_ever;
  client->input = g_string_new (NULL);
  client->output = g_string_new (NULL);
  listener->clients++;
  listener->control->clients
    = g_list_prepend (listener->control->clients, client);
  if (is_turned_away (client)) {
    client_free (client);
    return;
  }
  watch (client, &client->reading, G_IO_IN, on_readable);
  client_send (client, greeting (listener->control, listener->readonly));
  clients_sweep (listener->control, false);
}
