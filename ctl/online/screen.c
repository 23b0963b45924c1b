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
#define STEP 5   /* percent, between two lines */
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

/* In sync are those that are read. */
char *
screen_slots (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");
  int64_t slots = json_read_int (array_of (status), "slots", 0);
  char *text = g_strnfill (CLAMP (slots, 0, 32) + 2, '_');

  text[0] = '[';
  text[strlen (text) - 1] = ']';
  for (unsigned i = 0; i < json_read_length (members); i++) {
    JsonObject *member = json_read_element (members, i);
    int64_t slot = json_read_int (member, "slot", -1);

    if (slot >= 0 && slot < slots && slot < 32
        && strcmp (json_read_string (member, "state", ""), "in-sync") == 0)
      text[slot + 1] = 'U';
  }
  return text;
}

bool
screen_has_flag (JsonObject *member, const char *flag)
{
  JsonArray *flags = json_read_array (member, "flags");

  for (unsigned i = 0; i < json_read_length (flags); i++)
    if (g_strcmp0 (json_array_get_string_element (flags, i), flag) == 0)
      return true;
  return false;
}

/* -------------------------------------------------------------------- head */

static char *
shown_size (int64_t bytes)
{
  return render_bytes (bytes < 0 ? 0 : (uint64_t)bytes);
}

/* "survives 2 failures"; for g_free. */
static char *
shown_survives (int64_t failures)
{
  return failures == 0 ? g_strdup ("survives no failure")
                       : g_strdup_printf ("survives %d failure%s",
                                          (int)failures,
                                          failures == 1 ? "" : "s");
}

/* What stands in the first line, for g_strfreev. */
static char **
head_parts (JsonObject *status)
{
  JsonObject *array = array_of (status);
  const char *layout = json_read_string (array, "layout", NULL);
  int64_t clients = json_read_int (array, "clients", 0);
  GStrvBuilder *parts = g_strv_builder_new ();
  char **list;
  char *const made[] = {
    render_text (json_read_string (array, "name", "?")),
    g_strdup_printf ("%s%s%s", json_read_string (array, "level", "?"),
                     layout == NULL ? "" : " ", layout == NULL ? "" : layout),
    shown_size (json_read_int (array, "size", 0)),
    g_ascii_strup (health_of (status), -1),
    screen_slots (status),
    shown_survives (json_read_int (array, "survives", 0)),
    g_strdup_printf ("%d client%s", (int)clients, clients == 1 ? "" : "s"),
  };

  for (size_t i = 0; i < G_N_ELEMENTS (made); i++) {
    g_strv_builder_add (parts, made[i]);
    g_free (made[i]);
  }
  if (json_read_bool (array, "readonly"))
    g_strv_builder_add (parts, "read-only");
  if (strcmp (json_read_string (array, "state", ""), "stopping") == 0)
    g_strv_builder_add (parts, "stopping");
  list = g_strv_builder_end (parts);
  g_strv_builder_unref (parts);
  return list;
}

/* One line, or as many as the width asks for. */
static void
print_head (JsonObject *status)
{
  g_auto (GStrv) parts = head_parts (status);
  unsigned width = screen_width (), used = 0;

  for (char **part = parts; *part != NULL; part++) {
    unsigned length = g_utf8_strlen (*part, -1);

    if (used > 0 && used + 2 + length > width) {
      printf ("\n");
      used = 0;
    }
    if (part != parts) {
      printf ("  ");
      used += 2;
    }
    printf ("%s", *part);
    used += length;
  }
  printf ("\n");
}

/* ----------------------------------------------------------------- reasons */

void
screen_words (unsigned column, const char *text)
{
  g_autofree char *shown = render_text (text);
  unsigned width = screen_width (), used = column;
  char *rest = shown, *word;

  while ((word = strsep (&rest, " ")) != NULL) {
    unsigned length = g_utf8_strlen (word, -1);

    if (used > column && used + 1 + length > width) {
      printf ("\n%*s", (int)column, "");
      used = column;
    }
    printf ("%s%s", used > column ? " " : "", word);
    used += length + (used > column);
  }
  printf ("\n");
}

void
screen_labelled (const char *label, const char *text)
{
  printf ("  %-*s", LABEL - 2, label);
  screen_words (LABEL, text);
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

  screen_labelled ("what:", whole);
}

static void
print_reasons (JsonObject *status)
{
  JsonArray *reasons = json_read_array (status, "reasons");

  for (unsigned i = 0; i < json_read_length (reasons); i++) {
    JsonObject *reason = json_read_element (reasons, i);

    print_what (reason);
    screen_labelled ("impact:", json_read_string (reason, "impact", "?"));
    screen_labelled ("action:", json_read_string (reason, "action", "?"));
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

void
screen_step (JsonObject *status, char **last)
{
  JsonObject *activity = json_read_member (status, "activity");
  JsonObject *array = json_read_member (status, "array");
  g_autofree char *slots = screen_slots (status);
  int percent
    = (int)(screen_percent (status) / STEP) * STEP;
  char *line;

  if (activity != NULL)
    line = g_strdup_printf ("%s  %s  %s  %s  %d %%",
                            json_read_string (array, "name", "?"),
                            json_read_string (array, "health", "?"), slots,
                            json_read_string (activity, "kind", "?"), percent);
  else
    line = g_strdup_printf ("%s  %s  %s",
                            json_read_string (array, "name", "?"),
                            json_read_string (array, "health", "?"), slots);
  if (*last == NULL || strcmp (line, *last) != 0) {
    g_autofree char *shown = render_text (line);

    printf ("%s\n", shown);
    fflush (stdout);
  }
  g_free (*last);
  *last = line;
}

/* ----------------------------------------------------------------- members */

char *
screen_slot (JsonObject *member)
{
  int64_t slot = json_read_int (member, "slot", -1);

  return slot < 0 ? g_strdup ("-") : g_strdup_printf ("%d", (int)slot);
}

void
screen_disk (unsigned columns, const char *disk, const char *behind)
{
  g_autofree char *shown = render_text (disk);

  if (columns + g_utf8_strlen (shown, -1) + strlen (behind) > screen_width ())
    printf ("\n      ");
  printf ("  %s%s\n", shown, behind);
}

/* "tried 3 times, again in 4 s: Connection refused"; of one that is sought. */
static char *
shown_attempts (JsonObject *connection)
{
  const char *error = json_read_string (connection, "error", NULL);
  int64_t attempts = json_read_int (connection, "attempts", 0);
  int64_t next_s = json_read_int (connection, "next_s", -1);
  g_autofree char *next = shown_time (MAX (next_s, 0)), *times = NULL;

  if (next_s < 0)
    return g_strdup (", tried when a client has connected that may write");
  times = attempts == 1 ? g_strdup ("once")
                        : g_strdup_printf ("%lld times", (long long)attempts);
  return g_strdup_printf (", tried %s, again in %s%s%s", times, next,
                          error != NULL ? ": " : "",
                          error != NULL ? error : "");
}

/* How a disk that is not simply there is reached, and what it lacks. */
static void
print_connection (JsonObject *member)
{
  JsonObject *connection = json_read_member (member, "connection");
  const char *state = json_read_string (connection, "state", "local");
  const char *copy = json_read_string (member, "copy", NULL);
  const char *since = json_read_string (connection, "since", "?");
  bool is_sought = strcmp (state, "lost") == 0 || strcmp (state, "refused") == 0;
  g_autofree char *attempts
    = is_sought ? shown_attempts (connection) : g_strdup ("");
  g_autofree char *left = shown_size (json_read_int (member, "to_copy", 0));
  g_autofree char *text = NULL;

  if (is_sought || (copy != NULL && strcmp (state, "connected") == 0))
    text = g_strdup_printf ("%s since %.10s %.8sZ%s", state, since,
                            since + MIN (strlen (since), 11u), attempts);
  else if (strcmp (state, "closed") == 0)
    text = g_strdup ("closed; nothing tries to reach it");
  if (text != NULL)
    screen_labelled ("", text);
  /* Of one that is refused nobody can tell. */
  if (copy != NULL && strcmp (state, "refused") != 0) {
    g_autofree char *lacks
      = g_strdup_printf ("to copy: %s at most, %s", left,
                         strcmp (copy, "bitmap") == 0
                           ? "what it missed" : "everything");

    screen_labelled ("", lacks);
  }
}

/* Its disk stands last: names may be long. */
static void
print_member (JsonObject *member)
{
  g_autofree char *number = screen_slot (member);
  const char *flags
    = screen_has_flag (member, "write-mostly") ? "  write-mostly" : "";

  printf ("  %4s  %-10s  %8lld  %8lld  %6lld", number,
          json_read_string (member, "state", "?"),
          (long long)json_read_int (member, "reads", 0),
          (long long)json_read_int (member, "writes", 0),
          (long long)json_read_int (member, "errors", 0));
  screen_disk (50, json_read_string (member, "disk", "-"), flags);
  print_connection (member);
}

static void
print_members (JsonObject *status)
{
  JsonArray *members = json_read_array (status, "members");

  printf ("\n  slot  state          reads    writes  errors  disk\n");
  for (unsigned i = 0; i < json_read_length (members); i++)
    print_member (json_read_element (members, i));
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
