/* SPDX-License-Identifier: BSD-3-Clause */
/* settings: what can be changed while a server runs, and how it is shown. */
#include <string.h>

#include "control/json.h"
#include "ctl/ctl.h"
#include "ctl/online/settings.h"
#include "ctl/render.h"

const struct key settings_keys[] = {
  { "rebuild-rate-min", SETTING_RATE, "bytes a second, more than 0" },
  { "rebuild-rate-max", SETTING_RATE, "bytes a second, more than 0" },
  { "event-program", SETTING_PROGRAM, "a program, or none" },
  { "spare-delay", SETTING_SECONDS, "a number of seconds, 0 to 86400" },
  { "write-mostly", SETTING_WRITE_MOSTLY, "yes or no" },
};

const size_t settings_count = G_N_ELEMENTS (settings_keys);

const struct key *
settings_find (const char *name, size_t length)
{
  for (size_t i = 0; i < settings_count; i++)
    if (strlen (settings_keys[i].name) == length
        && strncmp (settings_keys[i].name, name, length) == 0)
      return &settings_keys[i];
  return NULL;
}

int
settings_unknown (const char *name, size_t length)
{
  GString *names = g_string_new (NULL);
  int status;

  for (size_t i = 0; i < settings_count; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "",
                            settings_keys[i].name);
  status = ctl_fail (EXIT_USAGE, "usage", "unknown-key",
                     "%.*s is no key; there are: %s", (int)length, name,
                     names->str);
  g_string_free (names, TRUE);
  return status;
}

char *
settings_shown (JsonObject *settings, const struct key *key)
{
  int64_t number = json_read_int (settings, key->name, -1);
  const char *text = json_read_string (settings, key->name, NULL);
  g_autofree char *size = NULL;

  if (number < 0)
    return text == NULL ? g_strdup ("none") : render_text (text);
  if (key->kind == SETTING_SECONDS)
    return g_strdup_printf ("%lld s", (long long)number);
  size = render_bytes ((uint64_t)number);
  return g_strdup_printf ("%lld (%s) a second", (long long)number, size);
}
