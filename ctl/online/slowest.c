/* SPDX-License-Identifier: BSD-3-Clause */
/* slowest: how long the disks of an array take to answer, and which requests
 * took longest.
 */
#include <stdio.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/screen.h"
#include "ctl/online/server.h"
#include "ctl/render.h"

/* "1.05 ms"; for g_free. */
static char *
shown_us (int64_t us)
{
  if (us < 0)
    return g_strdup ("-");
  if (us < 1000)
    return g_strdup_printf ("%d us", (int)us);
  if (us < 1000000)
    return g_strdup_printf ("%.3g ms", (double)us / 1000);
  return g_strdup_printf ("%.3g s", (double)us / 1000000);
}

static void
print_spread (JsonObject *spread)
{
  g_autofree char *half = shown_us (json_read_int (spread, "p50_us", -1));
  g_autofree char *most = shown_us (json_read_int (spread, "p99_us", -1));

  printf ("  %7s %7s", half, most);
}

static void
print_member (JsonObject *member)
{
  g_autofree char *number = screen_slot (member);

  printf ("  %4s", number);
  print_spread (json_read_member (member, "read"));
  print_spread (json_read_member (member, "write"));
  print_spread (json_read_member (member, "flush"));
  screen_disk (59, json_read_string (member, "disk", "-"), "");
}

static void
print_slow (JsonObject *slow)
{
  g_autofree char *disk = render_text (json_read_string (slow, "disk", "-"));
  g_autofree char *took = shown_us (json_read_int (slow, "took_us", -1));
  g_autofree char *time = render_text (json_read_string (slow, "time", "?"));

  printf ("  %s  %8s  %-5s  %-8s  %lld+%lld", time, took,
          json_read_string (slow, "op", "?"),
          json_read_string (slow, "step", "?"),
          (long long)json_read_int (slow, "offset", 0),
          (long long)json_read_int (slow, "length", 0));
  if (76 + g_utf8_strlen (disk, -1) > screen_width ())
    printf ("\n    ");
  printf ("  %s\n", disk);
}

static void
print_text (JsonObject *result)
{
  JsonArray *members = json_read_array (result, "members");
  JsonArray *slowest = json_read_array (result, "slowest");

  printf ("  slot     read     p99    write     p99    flush     p99  disk\n");
  for (unsigned i = 0; i < json_read_length (members); i++)
    print_member (json_read_element (members, i));
  if (json_read_length (slowest) > 0)
    printf ("\n  answered                      took  what   for       where\n");
  for (unsigned i = 0; i < json_read_length (slowest); i++)
    print_slow (json_read_element (slowest, i));
}

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

int
slowest_command (int argc, char **argv)
{
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *line = NULL;
  JsonObject *result;
  struct server *server;
  int status = server_of_command (argc, argv, no_entries, &server);

  if (status != EXIT_OK)
    return status;
  answer = server_ask (server, "latency", NULL);
  result = server_result (server, answer, &status);
  if (result != NULL && ctl_options.json) {
    line = json_to_string (json_object_get_member (
                             json_node_get_object (answer), "result"), TRUE);
    printf ("%s\n", line);
  } else if (result != NULL)
    print_text (result);
  server_free (server);
  return status;
}
