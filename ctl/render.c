/* SPDX-License-Identifier: BSD-3-Clause */
/* render: numbers, times and names as people and programs read them. */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/render.h"
#include "ground/text.h"
#include "ground/util.h"
#include "logic/layout.h"
#include "logic/sb1.h"

char *
render_uuid (const uint8_t uuid[16])
{
  char *text = g_malloc (SB1_UUID_TEXT);

  sb1_uuid_text (uuid, text);
  return text;
}

static char *
format_time (const struct tm *tm, const char *format)
{
  char text[64] = "";

  if (tm == NULL || strftime (text, sizeof text, format, tm) == 0)
    return g_strdup ("?");
  return g_strdup (text);
}

char *
render_time_utc (uint64_t when)
{
  time_t seconds = (time_t)SB1_TIME_SECONDS (when);
  struct tm tm;

  return format_time (gmtime_r (&seconds, &tm), "%Y-%m-%dT%H:%M:%SZ");
}

char *
render_time_local (uint64_t when)
{
  time_t seconds = (time_t)SB1_TIME_SECONDS (when);
  struct tm tm;

  return format_time (localtime_r (&seconds, &tm), "%a %b %e %H:%M:%S %Y");
}

char *
render_bytes (uint64_t bytes)
{
  static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
  unsigned unit = 0;
  double n = (double)bytes;

  while (n >= 1024 && unit + 1 < G_N_ELEMENTS (units)) {
    n /= 1024;
    unit++;
  }
  if (n == (double)(uint64_t)n)
    return g_strdup_printf ("%" PRIu64 " %s", (uint64_t)n, units[unit]);
  return g_strdup_printf ("%.1f %s", n, units[unit]);
}

char *
render_text (const char *text)
{
  size_t size = TEXT_ESCAPE_MAX * strlen (text) + 1;
  char *shown = g_malloc (size);

  text_escape (text, shown, size);
  return shown;
}

static bool
is_word (const char *text)
{
  return *text != '\0'
         && text[strspn (text, "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "%+,-./:=@_")] == '\0';
}

char *
render_word (const char *text)
{
  char *shown = render_text (text);
  GString *word;

  if (is_word (text))
    return shown;
  if (strcmp (shown, text) == 0) {
    g_free (shown);
    return g_shell_quote (text);
  }
  /* Some of it is shown as \x..: bash understands that, in this form.  What
   * was a backslash before is one of it as well.
   */
  g_free (shown);
  word = g_string_new ("$'");
  for (const char *c = text; *c != '\0'; c++)
    g_string_append_printf (word, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
  g_string_append_c (word, '\'');
  shown = render_text (word->str);
  g_string_free (word, TRUE);
  return shown;
}

char *
render_raw_name (const struct sb1 *sb)
{
  return g_strndup (sb->name, SB1_NAME_SIZE);
}

char *
render_name (const struct sb1 *sb)
{
  char *name = render_raw_name (sb);
  char *shown = render_text (name);

  g_free (name);
  return shown;
}

char *
render_role (const struct sb1 *sb)
{
  uint16_t role = sb1_own_role (sb);

  if (role == SB1_ROLE_SPARE)
    return g_strdup ("spare");
  if (role == SB1_ROLE_FAULTY)
    return g_strdup ("faulty");
  if (role == SB1_ROLE_JOURNAL)
    return g_strdup ("journal");
  if (role >= SB1_ROLE_SLOTS)
    return g_strdup_printf ("0x%x", role);
  if (sb->features & SB1_FEATURE_REPLACEMENT)
    return g_strdup_printf ("replacement %u", role);
  if (sb->features & SB1_FEATURE_RECOVERY_OFFSET)
    return g_strdup_printf ("recovering %u", role);
  return g_strdup_printf ("active %u", role);
}

char *
render_slots (const struct sb1 *sb)
{
  GString *text = g_string_new (NULL);
  unsigned slots = MIN (sb->raid_disks, (uint32_t)SB1_ROLES_MAX);

  for (unsigned slot = 0; slot < slots; slot++) {
    unsigned holders = 0;

    for (unsigned i = 0; i < sb->max_dev && i < SB1_ROLES_MAX; i++)
      holders += sb->roles[i] == slot;
    g_string_append_c (text, holders == 0 ? '.' : holders == 1 ? 'A' : 'R');
  }
  return g_string_free (text, FALSE);
}

char *
render_geometry (const struct sb1 *sb)
{
  char level[32], layout_text[16], *chunk, *text;
  struct layout layout;

  sb1_level_name (sb->level, level, sizeof level);
  if (sb->level != LEVEL_RAID10)
    return g_strdup (level);
  chunk = render_bytes ((uint64_t)sb->chunk * SECTOR_SIZE);
  if (sb1_layout (sb, &layout) == NULL)
    layout_name (&layout, layout_text, sizeof layout_text);
  else
    snprintf (layout_text, sizeof layout_text, "0x%" PRIx32, sb->layout);
  text = g_strdup_printf ("%s %s, %s chunk", level, layout_text, chunk);
  g_free (chunk);
  return text;
}

bool
render_parse_size (const char *text, uint64_t *ret)
{
  static const char units[] = "KMGT";
  const char *unit;
  char *end;
  uint64_t n;

  if (text[0] < '0' || text[0] > '9')
    return false;
  errno = 0;
  n = strtoull (text, &end, 10);
  if (errno != 0)
    return false;
  if (*end != '\0') {
    unit = strchr (units, g_ascii_toupper (*end));
    if (unit == NULL
        || (end[1] != '\0' && g_ascii_strcasecmp (end + 1, "iB") != 0))
      return false;
    for (const char *u = units; u <= unit; u++)
      if (!mul_fits (n, 1024, &n))
        return false;
  }
  if (n > INT64_MAX)
    return false;
  *ret = n;
  return true;
}

/* JSON is looked at on terminals, too.  It has a form of its own for what
 * cannot be shown; all of that has 16 bits.
 */
static void
print_escaped (const char *json)
{
  while (*json != '\0') {
    uint32_t character;
    size_t length = text_character (json, &character);

    if (character == '\n' || text_is_shown (character))
      fwrite (json, 1, length, stdout);
    else
      printf ("\\u%04" PRIx32, character);
    json += length;
  }
  putchar ('\n');
}

void
render_json_print (JsonBuilder *builder)
{
  JsonGenerator *generator = json_generator_new ();
  JsonNode *root = json_builder_get_root (builder);
  char *text;

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  print_escaped (text);
  g_free (text);
  json_node_free (root);
  g_object_unref (generator);
  g_object_unref (builder);
}
