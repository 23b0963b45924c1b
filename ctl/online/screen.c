/* SPDX-License-Identifier: BSD-3-Clause */
/* screen: what "status" of a server says, laid out for people. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/screen.h"
#include "ctl/render.h"
#include "ground/util.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40
#define LABEL 11 /* of a reason's lines, with its indent */

unsigned
screen_width (void)
{
  struct winsize size;

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
    return WIDTH_DEFAULT;
  return MAX (size.ws_col, (unsigned short)WIDTH_MIN);
}

static JsonObject *
array_of (JsonObject *status)
{
  return json_read_member (status, "array");
}

static const char *
health_of (JsonObject *status)
{
  return json_read_string (array_of (status), "health", "?");
}

int
screen_exit_status (JsonObject *status)
{
  const char *health = health_of (status);

  if (strcmp (health, "optimal") == 0)
    return EXIT_OK;
  return strcmp (health, "degraded") == 0 ? EXIT_DEGRADED : EXIT_RECOVERING;
}

/* ------------------------------------------------------------------- slots */

static unsigned
length_of (JsonArray *list)
{
  return list == NULL ? 0 : json_array_get_length (list);
}

static JsonObject *
element (JsonArray *list, unsigned i)
{
  JsonNode *node = json_array_get_element (list, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* In sync are those that are read. */
char *
screen_slots (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");
  int64_t slots = json_read_int (array_of (status), "slots", 0);
  char *text = g_strnfill (CLAMP (slots, 0, 32) + 2, '_');

  text[0] = '[';
  text[strlen (text) - 1] = ']';
  for (unsigned i = 0; i < length_of (members); i++) {
    JsonObject *member = element (members, i);
    int64_t slot = json_read_int (member, "slot", -1);

    if (slot >= 0 && slot < slots && slot < 32
        && strcmp (json_read_string (member, "state", ""), "in-sync") == 0)
      text[slot + 1] = 'U';
  }
  return text;
}

/* -------------------------------------------------------------------- head */

static char *
shown_size (int64_t bytes)
{
  return render_bytes (bytes < 0 ? 0 : (uint64_t)bytes);
}

static void
print_head (JsonObject *status)
{
  JsonObject *array = array_of (status);
  g_autofree char *name = render_text (json_read_string (array, "name", "?"));
  g_autofree char *size = shown_size (json_read_int (array, "size", 0));
  g_autofree char *slots = screen_slots (status);
  g_autofree char *health = g_ascii_strup (health_of (status), -1);
  const char *layout = json_read_string (array, "layout", NULL);
  int64_t clients = json_read_int (array, "clients", 0);

  printf ("%s  %s%s%s  %s  %s  %s  %d client%s%s%s\n", name,
          json_read_string (array, "level", "?"), layout == NULL ? "" : " ",
          layout == NULL ? "" : layout, size, health, slots, (int)clients,
          clients == 1 ? "" : "s",
          json_read_bool (array, "readonly") ? "  read-only" : "",
          strcmp (json_read_string (array, "state", ""), "stopping") == 0
            ? "  stopping" : "");
}

/* ----------------------------------------------------------------- reasons */

/* Words into lines, which begin behind the label. */
static void
print_wrapped (const char *label, const char *text)
{
  g_autofree char *shown = render_text (text);
  unsigned width = screen_width (), used = LABEL;
  char *rest = shown, *word;

  printf ("  %-*s", LABEL - 2, label);
  while ((word = strsep (&rest, " ")) != NULL) {
    unsigned length = g_utf8_strlen (word, -1);

    if (used > LABEL && used + 1 + length > width) {
      printf ("\n%*s", LABEL, "");
      used = LABEL;
    }
    printf ("%s%s", used > LABEL ? " " : "", word);
    used += length + (used > LABEL);
  }
  printf ("\n");
}

/* With the time, if that is known, as 2026-03-08 14:02:11Z. */
static void
print_what (JsonObject *reason)
{
  const char *what = json_read_string (reason, "what", "?");
  const char *since = json_read_string (reason, "since", NULL);
  g_autofree char *whole
    = since == NULL ? g_strdup (what)
                    : g_strdup_printf ("%s at %.10s %.8sZ", what, since,
                                       since + MIN (strlen (since), 11u));

  print_wrapped ("what:", whole);
}

static void
print_reasons (JsonObject *status)
{
  JsonArray *reasons = json_read_array (status, "reasons");

  for (unsigned i = 0; i < length_of (reasons); i++) {
    JsonObject *reason = element (reasons, i);

    print_what (reason);
    print_wrapped ("impact:", json_read_string (reason, "impact", "?"));
    print_wrapped ("action:", json_read_string (reason, "action", "?"));
  }
}

/* ---------------------------------------------------------------- activity */

double
screen_percent (JsonObject *status)
{
  JsonObject *activity = json_read_member (status, "activity");
  double total = json_read_int (activity, "bytes_total", 0);
  double done = json_read_int (activity, "bytes_done", 0);

  return activity == NULL || total <= 0 ? 100 : 100 * done / total;
}

/* "3 min 20 s" */
static char *
shown_time (int64_t seconds)
{
  if (seconds < 60)
    return g_strdup_printf ("%d s", (int)seconds);
  if (seconds < 3600)
    return g_strdup_printf ("%d min %d s", (int)seconds / 60,
                            (int)seconds % 60);
  return g_strdup_printf ("%d h %d min", (int)(seconds / 3600),
                          (int)(seconds / 60 % 60));
}

static void
print_bar (double percent, unsigned width)
{
  unsigned full = (unsigned)(percent / 100 * width);

  putchar ('[');
  for (unsigned i = 0; i < width; i++)
    putchar (i < full ? '=' : i == full ? '>' : '.');
  printf ("] %.1f %%", percent);
}

void
screen_activity (JsonObject *status)
{
  JsonObject *activity = json_read_member (status, "activity");
  g_autofree char *done = NULL, *total = NULL, *rate = NULL, *left = NULL;

  if (activity == NULL)
    return;
  done = shown_size (json_read_int (activity, "bytes_done", 0));
  total = shown_size (json_read_int (activity, "bytes_total", 0));
  rate = shown_size (json_read_int (activity, "rate", 0));
  left = shown_time (MAX (json_read_int (activity, "left_s", 0), 0));
  printf ("  ");
  print_bar (screen_percent (status), screen_width () / 2 - 5);
  printf ("  %s\n  %s of %s", json_read_string (activity, "kind", "?"), done,
          total);
  if (strcmp (json_read_string (activity, "state", ""), "running") != 0)
    printf ("   %s\n", json_read_string (activity, "state", "?"));
  else if (json_read_int (activity, "left_s", -1) < 0)
    printf ("   %s/s\n", rate);
  else
    printf ("   %s/s   %s left\n", rate, left);
}

/* ----------------------------------------------------------------- members */

/* Its disk stands last: names may be long. */
static void
print_member (JsonObject *member)
{
  g_autofree char *disk
    = render_text (json_read_string (member, "disk", "-"));
  int64_t slot = json_read_int (member, "slot", -1);
  g_autofree char *number
    = slot < 0 ? g_strdup ("-") : g_strdup_printf ("%d", (int)slot);

  printf ("  %4s  %-10s  %8lld  %8lld  %6lld", number,
          json_read_string (member, "state", "?"),
          (long long)json_read_int (member, "reads", 0),
          (long long)json_read_int (member, "writes", 0),
          (long long)json_read_int (member, "errors", 0));
  if (50 + g_utf8_strlen (disk, -1) > screen_width ())
    printf ("\n      ");
  printf ("  %s\n", disk);
}

static void
print_members (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  printf ("\n  slot  state          reads    writes  errors  disk\n");
  for (unsigned i = 0; i < length_of (members); i++)
    print_member (element (members, i));
}

void
screen_status (JsonObject *status, bool brief)
{
  print_head (status);
  print_reasons (status);
  if (brief)
    return;
  if (json_read_member (status, "activity") != NULL) {
    printf ("\n");
    screen_activity (status);
  }
  print_members (status);
}

/* ------------------------------------------------------------------ mdstat */

static void
print_mdstat_members (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  for (unsigned i = length_of (members); i-- > 0;) {
    JsonObject *member = element (members, i);
    const char *disk = json_read_string (member, "disk", NULL);
    const char *state = json_read_string (member, "state", "");
    int64_t number = json_read_int (member, "slot", i);
    g_autofree char *base = NULL, *shown = NULL;

    if (disk == NULL)
      continue;
    base = g_path_get_basename (disk);
    shown = render_text (base);
    printf (" %s[%d]%s", shown, (int)number,
            strcmp (state, "failed") == 0      ? "(F)"
            : strcmp (state, "spare") == 0     ? "(S)"
            : strcmp (state, "replacing") == 0 ? "(R)"
                                               : "");
  }
}

static void
print_mdstat_activity (JsonObject *status)
{
  JsonObject *activity = json_read_member (status, "activity");
  bool is_resync
    = strcmp (json_read_string (activity, "kind", ""), "resync") == 0;
  int64_t rate = json_read_int (activity, "rate", 0);
  int64_t left = json_read_int (activity, "left_s", -1);
  unsigned full = (unsigned)(screen_percent (status) / 5);

  if (activity == NULL)
    return;
  printf ("      [");
  for (unsigned i = 0; i < 20; i++)
    putchar (i < full ? '=' : i == full ? '>' : '.');
  printf ("]  %s = %4.1f%% (%lld/%lld) finish=%.1fmin speed=%lldK/sec\n",
          is_resync ? "resync" : "recovery", screen_percent (status),
          (long long)json_read_int (activity, "bytes_done", 0) / 1024,
          (long long)json_read_int (activity, "bytes_total", 0) / 1024,
          left < 0 ? 0 : (double)left / 60, (long long)rate / 1024);
}

void
screen_mdstat (JsonObject *status)
{
  JsonObject *array = array_of (status);
  g_autofree char *name = render_text (json_read_string (array, "name", "?"));
  g_autofree char *slots = screen_slots (status);
  const char *version = json_read_string (array, "metadata", NULL);

  printf ("%s : active %s%s", name,
          json_read_bool (array, "readonly") ? "(read-only) " : "",
          json_read_string (array, "level", "?"));
  print_mdstat_members (status);
  printf ("\n      %lld blocks %s%s%s[%d/%d] %s\n",
          (long long)json_read_int (array, "size", 0) / 1024,
          version == NULL ? "" : "super ", version == NULL ? "" : version,
          version == NULL ? "" : " ",
          (int)json_read_int (array, "slots", 0),
          (int)json_read_int (array, "in_sync", 0), slots);
  print_mdstat_activity (status);
  printf ("\n");
}
