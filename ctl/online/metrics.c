/* SPDX-License-Identifier: BSD-3-Clause */
/* metrics: Prometheus text of arrays that are served. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/server.h"

static char *file;

static const GOptionEntry entries[] = {
  { "textfile", 0, 0, G_OPTION_ARG_FILENAME, &file,
    "Into this file, which is replaced at once", "FILE" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* The samples of a metric stand together, also those of several arrays: so all
 * lines that belong to its first line are collected there.
 */
static void
merge (GPtrArray *names, GHashTable *texts, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *now = NULL;

  for (char **line = lines; *line != NULL; line++) {
    if (g_str_has_prefix (*line, "# HELP ")) {
      now = g_hash_table_lookup (texts, *line);
      if (now == NULL) {
        now = g_string_new (NULL);
        g_ptr_array_add (names, g_strdup (*line));
        g_hash_table_insert (texts, g_strdup (*line), now);
        g_string_append_printf (now, "%s\n", *line);
      }
    } else if (now != NULL && **line != '\0'
               && (!g_str_has_prefix (*line, "# TYPE ")
                   || strstr (now->str, *line) == NULL))
      g_string_append_printf (now, "%s\n", *line);
  }
}

static void
free_string (void *string)
{
  g_string_free (string, TRUE);
}

static int
collect (GPtrArray *servers, GString *whole)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) texts
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_string);
  int status = EXIT_OK;

  for (unsigned i = 0; i < servers->len; i++) {
    struct server *server = g_ptr_array_index (servers, i);
    g_autoptr (JsonNode) answer = server_ask (server, "metrics", NULL);
    JsonObject *result = server_result (server, answer, &status);

    if (result != NULL)
      merge (names, texts, json_read_string (result, "text", ""));
  }
  for (unsigned i = 0; i < names->len; i++) {
    GString *text
      = g_hash_table_lookup (texts, g_ptr_array_index (names, i));

    g_string_append_len (whole, text->str, text->len);
  }
  return status;
}

int
metrics_command (int argc, char **argv)
{
  g_autoptr (GPtrArray) servers = NULL;
  g_autoptr (GError) error = NULL;
  GString *whole;
  GPtrArray *found;
  int status;

  if (!ctl_parse (&argc, &argv, entries, "[ARRAY ...]"))
    return EXIT_USAGE;
  status = servers_of_words (argc, argv, &found);
  if (status != EXIT_OK)
    return status;
  servers = found;
  whole = g_string_new (NULL);
  status = collect (servers, whole);
  if (file == NULL)
    fputs (whole->str, stdout);
  else if (!g_file_set_contents (file, whole->str, whole->len, &error))
    status = ctl_fail (EXIT_REFUSED, file, "write-failed", "%s",
                       error->message);
  g_string_free (whole, TRUE);
  return status;
}
