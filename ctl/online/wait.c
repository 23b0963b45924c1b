/* SPDX-License-Identifier: BSD-3-Clause */
/* wait: the commands that wait for a server: wait, stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/render.h"

#define LOOK_MS 200

/* -------------------------------------------------------------------- wait */

static char *what;
static gboolean progress;

static const GOptionEntry wait_entries[] = {
  { "for", 0, 0, G_OPTION_ARG_STRING, &what,
    "healthy (default), sync, idle, clean, clients=0 or\n"
    "                        slot=N:in-sync", "WHAT" },
  { "progress", 0, 0, G_OPTION_ARG_NONE, &progress,
    "Meanwhile print what is being copied", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* Nothing is copied, nor waits to be. */
static bool
is_synced (JsonObject *status)
{
  return json_read_member (status, "activity") == NULL;
}

/* While a disk is replaced the array is optimal, but the new disk is none of
 * those that make it so.
 */
static bool
is_healthy (JsonObject *status)
{
  return screen_exit_status (status) == EXIT_OK && is_synced (status);
}

/* Likewise, but whatever it ended as. */
static bool
is_idle (JsonObject *status)
{
  return is_synced (status);
}

static bool
is_clean (JsonObject *status)
{
  return !json_read_bool (json_read_member (status, "array"), "dirty");
}

static bool
is_alone (JsonObject *status)
{
  return json_read_int (json_read_member (status, "array"), "clients", -1) == 0;
}

static int slot;

static bool
slot_is_in_sync (JsonObject *status)
{
  g_autofree char *slots = screen_slots (status);

  return slot + 2 < (int)strlen (slots) && slots[slot + 1] == 'U';
}

/* "slot=N:in-sync"; a leg is what a slot has. */
static bool
parse_slot (const char *text)
{
  char *end;

  if (g_str_has_prefix (text, "slot="))
    text += strlen ("slot=");
  else if (g_str_has_prefix (text, "leg="))
    text += strlen ("leg=");
  else
    return false;
  if (!g_ascii_isdigit (text[0]))
    return false;
  slot = (int)MIN (strtoul (text, &end, 10), 1000ul);
  return strcmp (end, ":in-sync") == 0;
}

/* NULL: there is no such thing. */
static bool (*
find_condition (const char *text)) (JsonObject *)
{
  static const struct {
    const char *name;
    bool (*is) (JsonObject *status);
  } conditions[] = {
    { "healthy", is_healthy },
    { "sync", is_synced },
    { "idle", is_idle },
    { "clean", is_clean },
    { "clients=0", is_alone },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (conditions); i++)
    if (strcmp (text, conditions[i].name) == 0)
      return conditions[i].is;
  return parse_slot (text) ? slot_is_in_sync : NULL;
}

/* It is not so.  NULL: it may come; else why not, as long as this server runs. */
static char *
why_never (JsonObject *status, bool (*is) (JsonObject *))
{
  JsonObject *array = json_read_member (status, "array");
  int slots = (int)json_read_int (array, "slots", 0);

  if (is == slot_is_in_sync && slot >= slots)
    return g_strdup_printf ("the array has %d slot%s, the last one is %d",
                            slots, slots == 1 ? "" : "s", slots - 1);
  if (is != is_alone && json_read_bool (array, "readonly"))
    return g_strdup ("the array can only be read, so no disk of it changes; "
                     "serve it with all its disks writable");
  return NULL;
}

static gint64
deadline (void)
{
  return ctl_options.timeout_s == 0
           ? G_MAXINT64
           : g_get_monotonic_time ()
               + (gint64)ctl_options.timeout_s * G_USEC_PER_SEC;
}

static int
wait_for (struct server *server, bool (*is) (JsonObject *status))
{
  gint64 end = deadline ();
  g_autofree char *last = NULL;
  int status;

  for (;;) {
    g_autoptr (JsonNode) answer = server_ask (server, "status", NULL);
    JsonObject *result = server_result (server, answer, &status);
    g_autofree char *never = NULL;

    if (result == NULL)
      return status;
    if (progress && !ctl_options.json)
      screen_step (result, &last);
    if (is (result))
      return is == is_synced ? screen_exit_status (result) : EXIT_OK;
    never = why_never (result, is);
    if (never != NULL)
      return ctl_fail (EXIT_REFUSED, server->name, "never", "--for %s: %s",
                       what, never);
    if (g_get_monotonic_time () >= end)
      return ctl_fail (EXIT_TIMEOUT, server->name, "timed-out",
                       "--for %s: not so after %u s", what,
                       ctl_options.timeout_s);
    g_usleep (LOOK_MS * 1000);
  }
}

int
wait_command (int argc, char **argv)
{
  bool (*is) (JsonObject *status);
  struct server *server;
  int status;

  if (!ctl_parse (&argc, &argv, wait_entries, "[ARRAY]"))
    return EXIT_USAGE;
  if (what == NULL)
    what = g_strdup ("healthy");
  is = find_condition (what);
  if (is == NULL)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "--for %s: wait for healthy, sync, idle, clean, clients=0 "
                     "or slot=N:in-sync", what);
  status = server_of_words (argc, argv, &server);
  if (status != EXIT_OK)
    return status;
  status = wait_for (server, is);
  server_free (server);
  return status;
}

/* -------------------------------------------------------------------- stop */

static gboolean force;

static const GOptionEntry stop_entries[] = {
  { "force", 0, 0, G_OPTION_ARG_NONE, &force,
    "Though clients are connected", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* On standard error: why it was not stopped. */
static void
list_clients (struct server *server)
{
  g_autoptr (JsonNode) answer = server_ask (server, "clients", NULL);
  JsonObject *result
    = answer == NULL
        ? NULL
        : json_read_member (json_node_get_object (answer), "result");
  JsonArray *clients = json_read_array (result, "clients");
  unsigned count = clients == NULL ? 0 : json_array_get_length (clients);

  for (unsigned i = 0; i < count; i++) {
    JsonObject *client = json_array_get_object_element (clients, i);
    g_autofree char *address
      = render_text (json_read_string (client, "address", "?"));
    int64_t pid = json_read_int (client, "pid", -1);

    if (pid < 0)
      fprintf (stderr, "  client %s\n", address);
    else
      fprintf (stderr, "  client %s, process %lld of user %lld\n", address,
               (long long)pid, (long long)json_read_int (client, "uid", -1));
  }
}

/* What stop would do. */
static int
plan_stop (struct server *server)
{
  g_autoptr (JsonNode) answer = server_ask (server, "clients", NULL);
  int status;
  JsonObject *result = server_result (server, answer, &status);
  int count = (int)json_read_int (result, "count", 0);
  g_autofree char *name = render_text (server->name);

  if (result == NULL)
    return status;
  if (count == 0 || force) {
    printf ("plan: the server of %s is stopped, with %d client%s\n", name,
            count, count == 1 ? "" : "s");
    return EXIT_OK;
  }
  status = ctl_fail (EXIT_REFUSED, server->name, "clients-connected",
                     "%d client%s connected to the array", count,
                     count == 1 ? " is" : "s are");
  list_clients (server);
  return status;
}

/* Its socket is closed when it has ended. */
static int
wait_end (struct server *server)
{
  unsigned timeout_ms = ctl_options.timeout_s == 0
                          ? G_MAXINT : ctl_options.timeout_s * 1000;
  gint64 end = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  JsonNode *message = server_receive (server, timeout_ms);

  if (message != NULL)
    json_node_unref (message);
  if (g_get_monotonic_time () < end)
    return EXIT_OK;
  return ctl_fail (EXIT_TIMEOUT, server->name, "timed-out",
                   "it is still stopping after %u seconds",
                   ctl_options.timeout_s);
}

int
stop_command (int argc, char **argv)
{
  g_autoptr (JsonNode) answer = NULL;
  struct server *server;
  int status;

  status = server_of_command (argc, argv, stop_entries, &server);
  if (status != EXIT_OK)
    return status;
  if (ctl_options.dry_run) {
    status = plan_stop (server);
    server_free (server);
    return status;
  }
  answer = server_ask (server, "stop", server_flag ("force", force));
  if (server_result (server, answer, &status) != NULL)
    status = wait_end (server);
  else if (status == EXIT_REFUSED)
    list_clients (server);
  server_free (server);
  return status;
}
