/* SPDX-License-Identifier: BSD-3-Clause */
/* nbdmirror: make, look at and erase arrays, and speak to their servers.
 *
 * This file: the options before the command, and which command it is.
 */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/habits.h"
#include "ctl/render.h"
#include "ctl/streams.h"
#include "ground/signals.h"

#define TIMEOUT_MAX_S 3600

struct ctl_options ctl_options;

static const struct {
  const char *name;
  int (*run) (int argc, char **argv);
  const char *summary;
} commands[] = {
  { "create", create_command, "make a new array from disks" },
  { "adopt", adopt_command, "make an array of raw images, with their data" },
  { "examine", examine_command, "show the md metadata of disks" },
  { "assemble", assemble_command,
    "--dry-run: tell what a server would make of disks" },
  { "erase", erase_command, "erase the md metadata of disks" },
  { "restore-metadata", restore_command, "put back what erase took, or undo adopt" },
  { "status", status_command, "tell how arrays are that are served" },
  { "detail", detail_command, "tell all that is known of an array" },
  { "events", events_command, "tell what happens, as it does" },
  { "history", history_command, "tell what has happened" },
  { "slowest", slowest_command, "tell how long disks take to answer" },
  { "metrics", metrics_command, "tell figures, as text for Prometheus" },
  { "explain", explain_command, "tell why a disk is in its state" },
  { "whatif", whatif_command, "tell what would be if a disk went" },
  { "rebuild", rebuild_command, "pause, resume or pace what is copied" },
  { "get", get_command, "tell what can be set while an array is served" },
  { "set", set_command, "change what can be set while an array is served" },
  { "fail", change_command, "take a disk out of an array" },
  { "remove", change_command, "take a disk out of an array and forget it" },
  { "add", change_command, "give a disk to an array that lacks one" },
  { "readd", change_command, "take a disk back that failed" },
  { "spare", change_command, "let a disk wait until a slot has none" },
  { "replace", change_command, "let a disk take over from another one" },
  { "write-mostly", change_command, "read a disk only if no other can be" },
  { "read-as-others", change_command, "read a disk as the others again" },
  { "grow", grow_command, "give an array more slots, or more room" },
  { "bitmap", bitmap_command, "give an array a bitmap, another one or none" },
  { "rename", rename_command, "give an array another name" },
  { "wait", wait_command, "wait until an array is healthy, or in sync" },
  { "stop", stop_command, "stop the server of an array" },
};

void
ctl_tell (const char *what, const char *code, const char *format, ...)
{
  va_list args;
  char *text, *line, *shown;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strdup_printf ("%s: %s: %s", what, code, text);
  shown = render_text (line);
  fprintf (stderr, "nbdmirror: %s\n", shown);
  g_free (text);
  g_free (line);
  g_free (shown);
}

int
ctl_fail (int status, const char *what, const char *code, const char *format,
          ...)
{
  va_list args;
  char *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  ctl_tell (what, code, "%s", text);
  if (ctl_options.json) {
    JsonBuilder *builder = json_builder_new ();

    json_builder_begin_object (builder);
    render_json_int (builder, "format", 1);
    json_builder_set_member_name (builder, "error");
    json_builder_begin_object (builder);
    render_json_string (builder, "what", what);
    render_json_string (builder, "code", code);
    render_json_string (builder, "text", text);
    json_builder_end_object (builder);
    json_builder_end_object (builder);
    render_json_print (builder);
  }
  g_free (text);
  return status;
}

int
ctl_confirm (const char *what, bool *ret_go)
{
  char answer[16] = "";

  *ret_go = false;
  if (!streams_flush ("nothing was written to any disk"))
    return EXIT_REFUSED;
  if (ctl_options.dry_run)
    return EXIT_OK;
  if (!ctl_options.yes) {
    if (!isatty (STDIN_FILENO) || ctl_options.json)
      return ctl_fail (EXIT_REFUSED, what, "not-confirmed",
                       "nothing was written; repeat with --yes to do it");
    fprintf (stderr, "Do this? [y/N] ");
    if (fgets (answer, sizeof answer, stdin) == NULL
        || (answer[0] != 'y' && answer[0] != 'Y'))
      return ctl_fail (EXIT_REFUSED, what, "not-confirmed",
                       "nothing was written");
  }
  *ret_go = true;
  return EXIT_OK;
}

static gboolean json, yes, dry_run;
static int timeout_s;

static gboolean
parse_timeout (const char *option, const char *value, G_GNUC_UNUSED void *data,
               GError **error)
{
  char *end;
  uint64_t seconds = g_ascii_strtoull (value, &end, 10);

  if (g_ascii_isdigit (value[0]) && *end == '\0' && seconds > 0
      && seconds <= TIMEOUT_MAX_S) {
    timeout_s = (int)seconds;
    return TRUE;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s=%s: a number of seconds, 1 to %d", option, value,
               TIMEOUT_MAX_S);
  return FALSE;
}

static const GOptionEntry common_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
  { "yes", 0, 0, G_OPTION_ARG_NONE, &yes, "Do not ask", NULL },
  { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run,
    "Show the plan and change nothing", NULL },
  { "timeout", 0, 0, G_OPTION_ARG_CALLBACK, parse_timeout,
    "Seconds to wait (default 30; wait, stop: no limit)",
    "SECONDS" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static bool
is_given (char **words, const char *option)
{
  for (; *words != NULL && strcmp (*words, "--") != 0; words++)
    if (strcmp (*words, option) == 0)
      return true;
  return false;
}

static int
tell_wrong (const char *code, const char *text, const char *word)
{
  const char *hint = word == NULL ? NULL : habits_hint (word);

  return ctl_fail (EXIT_USAGE, "usage", code, "%s%s%s", text,
                   hint == NULL ? "" : "; here: ", hint == NULL ? "" : hint);
}

/* GLib says which word it did not know only at the end of its text. */
static const char *
unknown_word (const GError *error)
{
  const char *end = strrchr (error->message, ' ');

  return error->code == G_OPTION_ERROR_UNKNOWN_OPTION && end != NULL ? end + 1
                                                                      : NULL;
}

/* False: told. */
static bool
parse (GOptionContext *context, int *argc, char ***argv)
{
  GError *error = NULL;
  bool wants_json = json || is_given (*argv, "--json");
  bool good = g_option_context_parse (context, argc, argv, &error);

  if (!good)
    json = wants_json; /* which is forgotten with what was wrong */
  ctl_options = (struct ctl_options){ json, yes, dry_run,
                                       (unsigned)timeout_s };
  if (!good) {
    tell_wrong ("bad-option", error->message, unknown_word (error));
    g_error_free (error);
  }
  g_option_context_free (context);
  return good;
}

/* What the command does, for its help. */
static void
set_summary (GOptionContext *context, const char *command)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (command, commands[i].name) == 0) {
      g_autofree char *text = g_strdup_printf ("%s.  See nbdmirror(1).",
                                               commands[i].summary);

      text[0] = g_ascii_toupper (text[0]);
      g_option_context_set_summary (context, text);
    }
}

bool
ctl_parse (int *argc, char ***argv, const GOptionEntry *entries,
           const char *what)
{
  GOptionContext *context = g_option_context_new (what);
  char *name = g_strdup_printf ("nbdmirror %s", (*argv)[0]);
  bool good;

  set_summary (context, (*argv)[0]);
  g_set_prgname (name);
  g_free (name);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, common_entries, NULL);
  good = parse (context, argc, argv);
  /* The word that ends the options is no disk. */
  if (good && *argc > 1 && strcmp ((*argv)[1], "--") == 0) {
    (*argv)++;
    (*argc)--;
  }
  return good;
}

static char *
describe_commands (void)
{
  GString *text = g_string_new ("Commands (each has its own --help):\n");

  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  %-18s%s\n", commands[i].name,
                            commands[i].summary);
  return g_string_free (text, FALSE);
}

static char help_option[] = "--help";

static int run_command (int argc, char **argv);

/* "help COMMAND" is "COMMAND --help". */
static int
help_command (int argc, char **argv)
{
  char *words[] = { argv[1], help_option, NULL };

  if (argc != 2 || strcmp (argv[1], "help") == 0)
    return tell_wrong ("bad-option", "help COMMAND: name one command", NULL);
  return run_command (2, words);
}

static int
run_command (int argc, char **argv)
{
  g_autofree char *text
    = g_strdup_printf ("%s is no command; nbdmirror --help lists them",
                       argv[0]);

  if (strcmp (argv[0], "help") == 0)
    return help_command (argc, argv);
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[0], commands[i].name) == 0)
      return commands[i].run (argc, argv);
  return tell_wrong ("unknown-command", text, argv[0]);
}

int
main (int argc, char **argv)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 'V', 0, G_OPTION_ARG_NONE, &version, "Print the version",
      NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  GOptionContext *context = g_option_context_new ("COMMAND ...");
  char *description = describe_commands ();

  /* "help" alone is the same. */
  if (argc == 2 && strcmp (argv[1], "help") == 0)
    argv[1] = help_option;
  signals_become_errors ();
  if (!streams_begin ())
    return EXIT_REFUSED;
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_description (context, description);
  g_free (description);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, common_entries, NULL);
  if (!parse (context, &argc, &argv))
    return EXIT_USAGE;
  if (version) {
    printf ("nbdmirror %s\n", PACKAGE_VERSION);
    return EXIT_OK;
  }
  if (argc < 2)
    return ctl_fail (EXIT_USAGE, "usage", "no-command",
                     "name a command; nbdmirror --help lists them");
  return run_command (argc - 1, argv + 1);
}
