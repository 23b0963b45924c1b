/* SPDX-License-Identifier: BSD-3-Clause */
/* which: the member of an array that a word of the user names. */
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/which.h"

static bool
is_called (JsonObject *member, const char *word, const char *path)
{
  const char *disk = json_read_string (member, "disk", NULL);
  g_autofree char *slot = g_strdup_printf (
    "%d", (int)json_read_int (member, "slot", -1));
  g_autofree char *id = g_strdup_printf (
    "id=%lld", (long long)json_read_int (member, "id", 0));

  return strcmp (word, slot) == 0 || strcmp (word, id) == 0
         || (disk != NULL
             && (strcmp (disk, word) == 0 || strcmp (disk, path) == 0));
}

static bool
is_in_state (JsonObject *member, const char *state)
{
  return state != NULL
         && strcmp (json_read_string (member, "state", ""), state) == 0;
}

JsonObject *
which_entry (JsonObject *status, const char *word, const char *prefers)
{
  g_autofree char *path = g_canonicalize_filename (word, NULL);
  JsonArray *members = json_read_array (status, "members");
  JsonObject *chosen = NULL;

  for (unsigned i = 0; i < json_read_length (members); i++) {
    JsonObject *member = json_read_element (members, i);

    if (is_called (member, word, path)
        && (chosen == NULL || is_in_state (member, prefers)))
      chosen = member;
  }
  return chosen;
}

int
which_none (const struct server *server, const char *word)
{
  return ctl_fail (EXIT_REFUSED, server->name, "unknown-member",
                   "%s names no disk of the array; name a slot that has a "
                   "disk, a disk as status shows it, or id=N", word);
}

int
which_member (struct server *server, const char *word, const char *prefers,
              int64_t *ret)
{
  g_autoptr (JsonNode) answer = server_ask (server, "status", NULL);
  int status;
  JsonObject *result = server_result (server, answer, &status);

  if (result == NULL)
    return status;
  *ret = json_read_int (which_entry (result, word, prefers), "id", 0);
  return *ret != 0 ? EXIT_OK : which_none (server, word);
}
