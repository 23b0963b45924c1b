/* SPDX-License-Identifier: BSD-3-Clause */
/* settings: what can be changed while a server runs, and how it is shown.
 *
 * Those of the array are its server's, until it ends.  Those of a member are
 * orders, which are on record.
 *
 * A new key is a line of the table, here and in lib/control/settings.c.
 */
#ifndef MIRROR_CTL_SETTINGS_H
#define MIRROR_CTL_SETTINGS_H

#include <json-glib/json-glib.h>

enum setting_kind {
  SETTING_RATE,
  SETTING_PROGRAM,
  SETTING_SECONDS,
  SETTING_WRITE_MOSTLY,
};

struct key {
  const char *name;
  enum setting_kind kind;
  const char *values; /* for people: what it may be */
};

extern const struct key settings_keys[];
extern const size_t settings_count;

/* NULL: none is called so; @length bytes of @name count. */
const struct key *settings_find (const char *name, size_t length);

/* Told, and the status. */
int settings_unknown (const char *name, size_t length);

/* The value that it has in @settings, as people read it; for g_free. */
char *settings_shown (JsonObject *settings, const struct key *key);

#endif /* MIRROR_CTL_SETTINGS_H */
