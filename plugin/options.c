/* SPDX-License-Identifier: BSD-3-Clause */
/* options: what the user typed, checked as far as text can be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ground/log.h"
#include "ground/util.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"
#include "plugin/glue.h"
#include "plugin/options.h"

void
options_init (struct options *options)
{
  *options = (struct options){ .level = LEVEL_RAID1,
                               .timeout_s = LEG_TIMEOUT_DEFAULT_S,
                               .connections = NBD_CONNECTIONS_DEFAULT,
                               .resync_budget_s = RESYNC_BUDGET_DEFAULT_S,
                               .degraded_wait_s = DEGRADED_WAIT_DEFAULT_S,
                               .reconnect_s = RECONNECT_DEFAULT_S,
                               .spare_delay_s = SPARE_DELAY_DEFAULT_S };
}

void
options_free (struct options *options)
{
  for (unsigned i = 0; i < options->disks; i++)
    free (options->disk[i]);
  free (options->state);
  free (options->control);
  free (options->program);
  free (options->metrics);
}

/* Relative paths are taken from here.  NULL, and said. */
static char *
absolute_uri (const char *uri)
{
  char *directory = getcwd (NULL, 0), *absolute;
  size_t size;

  if (directory == NULL) {
    log_error ("the current directory has no name: %s; start in another one",
               log_strerror (-errno));
    return NULL;
  }
  size = uri_absolute (uri, directory, NULL, 0) + 1;
  absolute = malloc (size);
  if (absolute != NULL)
    uri_absolute (uri, directory, absolute, size);
  else
    log_error ("not enough memory");
  free (directory);
  return absolute;
}

static int
parse_disk (struct options *options, const char *value)
{
  struct leg_spec spec;
  const char *wrong = leg_spec_parse (value, &spec);
  char *disk;

  if (wrong != NULL) {
    log_error ("disk %s: %s", value, wrong);
    return -1;
  }
  if (options->disks == LEGS_MAX) {
    log_error ("disk %s: is one too many: a mirror has at most %d disks",
               value, LEGS_MAX);
    return -1;
  }
  /* The server changes to / later: a path must not depend on where we are. */
  disk = spec.kind == LEG_KIND_FILE ? nbdkit_absolute_path (value)
                                    : absolute_uri (value);
  if (disk == NULL)
    return -1;
  options->disk[options->disks++] = disk;
  return 0;
}

static int
parse_level (struct options *options, const char *value)
{
  options->level_given = true;
  if (strcmp (value, "raid1") == 0 || strcmp (value, "1") == 0)
    options->level = LEVEL_RAID1;
  else if (strcmp (value, "raid10") == 0 || strcmp (value, "10") == 0)
    options->level = LEVEL_RAID10;
  else {
    log_error ("level=%s: is not a level; use raid1 or raid10", value);
    return -1;
  }
  return 0;
}

static int
parse_layout (struct options *options, const char *value)
{
  struct layout scratch = { .level = LEVEL_RAID10 };

  if (!layout_parse (&scratch, value)) {
    log_error ("layout=%s: is not a layout; use n2 (near), f2 (far) or o2 "
               "(offset), where the number is that of the copies", value);
    return -1;
  }
  options->layout_name = value;
  return 0;
}

/* nbdkit would not say which parameter it could not read. */
static int
parse_size (const char *key, const char *value, uint64_t *ret)
{
  size_t digits = strspn (value, "0123456789");
  size_t digits_max = value[digits] == '\0' ? 18 : 9;
  int64_t size;

  if (digits == 0 || digits > digits_max || strlen (value + digits) > 1
      || strchr ("bskKmMgG", value[digits]) == NULL) {
    log_error ("%s=%s: is not a size; use a number of bytes, or one "
               "with K or M", key, value);
    return -1;
  }
  size = nbdkit_parse_size (value);
  if (size == -1)
    return -1;
  *ret = size;
  return 0;
}

/* A whole number of at most @max; false: it is none. */
static bool
parse_number (const char *text, unsigned max, unsigned *ret)
{
  size_t digits = strspn (text, "0123456789");
  unsigned long number;

  if (digits == 0 || digits > 9 || text[digits] != '\0')
    return false;
  number = strtoul (text, NULL, 10);
  if (number > max)
    return false;
  *ret = number;
  return true;
}

static int
parse_chunk (struct options *options, const char *value)
{
  uint64_t chunk;

  if (parse_size ("chunk", value, &chunk) == -1)
    return -1;
  if (chunk < CHUNK_MIN || chunk > CHUNK_MAX || !is_power_of_2 (chunk)) {
    log_error ("chunk=%s: must be a power of two from %uK to %uM", value,
               CHUNK_MIN / 1024, CHUNK_MAX / 1024 / 1024);
    return -1;
  }
  options->chunk = chunk;
  return 0;
}

static int
parse_cache (struct options *options, const char *value)
{
  if (strcmp (value, "page") == 0)
    options->direct = false;
  else if (strcmp (value, "none") == 0)
    options->direct = true;
  else {
    log_error ("cache=%s: use page (the page cache) or none (O_DIRECT)",
               value);
    return -1;
  }
  return 0;
}

static int
parse_pool (struct options *options, const char *value)
{
  if (nbdkit_parse_unsigned ("pool", value, &options->pool) == -1)
    return -1;
  if (options->pool == 0) {
    log_error ("pool=0: a pool without child requests can do nothing; use "
               "at least one for each disk");
    return -1;
  }
  return 0;
}

static int
parse_timeout (struct options *options, const char *value)
{
  if (nbdkit_parse_unsigned ("timeout", value, &options->timeout_s) == -1)
    return -1;
  if (options->timeout_s < 1 || options->timeout_s > LEG_TIMEOUT_MAX_S) {
    log_error ("timeout=%s: must be 1 to %d seconds", value,
               LEG_TIMEOUT_MAX_S);
    return -1;
  }
  return 0;
}

static int
parse_flush_timeout (struct options *options, const char *value)
{
  if (parse_number (value, LEG_FLUSH_TIMEOUT_MAX_S, &options->flush_timeout_s)
      && options->flush_timeout_s >= 1)
    return 0;
  log_error ("flush-timeout=%s: must be 1 to %d seconds, and not less than "
             "timeout=", value, LEG_FLUSH_TIMEOUT_MAX_S);
  return -1;
}

static int
parse_connections (struct options *options, const char *value)
{
  if (parse_number (value, NBD_CONNECTIONS_MAX, &options->connections)
      && options->connections >= 1)
    return 0;
  log_error ("connections=%s: must be 1 to %d", value, NBD_CONNECTIONS_MAX);
  return -1;
}

static int
parse_metadata (struct options *options, const char *value)
{
  if (strcmp (value, "auto") == 0)
    options->metadata = ARRAY_METADATA_AUTO;
  else if (strcmp (value, "md") == 0)
    options->metadata = ARRAY_METADATA_MD;
  else if (strcmp (value, "none") == 0)
    options->metadata = ARRAY_METADATA_NONE;
  else {
    log_error ("metadata=%s: use auto (as the disks tell), md (an md array or "
               "nothing) or none (a plain array, whatever is on the disks)",
               value);
    return -1;
  }
  return 0;
}

static int
parse_degraded (struct options *options, const char *value)
{
  unsigned wait_s = DEGRADED_WAIT_DEFAULT_S;

  if (strcmp (value, "yes") == 0)
    wait_s = 0;
  else if (strcmp (value, "no") != 0
           && (strncmp (value, "wait:", 5) != 0
               || !parse_number (value + 5, DEGRADED_WAIT_MAX_S, &wait_s))) {
    log_error ("degraded=%s: use yes, no or wait:SECONDS, with 0 to %d "
               "seconds", value, DEGRADED_WAIT_MAX_S);
    return -1;
  }
  options->no_degraded = strcmp (value, "no") == 0;
  options->degraded_wait_s = wait_s;
  return 0;
}

static int
parse_on_split_brain (struct options *options, const char *value)
{
  unsigned leg;

  if (strncmp (value, "leg:", 4) != 0
      || !parse_number (value + 4, LEGS_MAX - 1, &leg)) {
    log_error ("on-split-brain=%s: use leg:N, N being the number of the disk "
               "whose data is kept, as given, from 0", value);
    return -1;
  }
  options->keep = leg + 1;
  return 0;
}

static int
parse_speed (const char *key, const char *value, uint64_t *ret)
{
  if (parse_size (key, value, ret) == -1)
    return -1;
  if (*ret == 0) {
    log_error ("%s=%s: resync would never end; use bytes a second, more "
               "than 0", key, value);
    return -1;
  }
  return 0;
}

static int
parse_sync_min (struct options *options, const char *value)
{
  return parse_speed ("sync_min", value, &options->sync_min);
}

static int
parse_sync_max (struct options *options, const char *value)
{
  return parse_speed ("sync_max", value, &options->sync_max);
}

static int
parse_reconnect (struct options *options, const char *value)
{
  if (strcmp (value, "no") == 0) {
    options->reconnect_s = 0;
    return 0;
  }
  if (parse_number (value, RECONNECT_MAX_S, &options->reconnect_s)
      && options->reconnect_s > 0)
    return 0;
  log_error ("reconnect=%s: use a number of seconds, 1 to %d, or no", value,
             RECONNECT_MAX_S);
  return -1;
}

static int
parse_no_leg_timeout (struct options *options, const char *value)
{
  if (parse_number (value, NO_LEG_TIMEOUT_MAX_S, &options->no_leg_timeout_s))
    return 0;
  log_error ("no-leg-timeout=%s: use a number of seconds, 0 to %d", value,
             NO_LEG_TIMEOUT_MAX_S);
  return -1;
}

static int
parse_resync_budget (struct options *options, const char *value)
{
  if (parse_number (value, RESYNC_BUDGET_MAX_S, &options->resync_budget_s))
    return 0;
  log_error ("resync-budget=%s: must be 0 to %d seconds", value,
             RESYNC_BUDGET_MAX_S);
  return -1;
}

static int
parse_spare_delay (struct options *options, const char *value)
{
  if (parse_number (value, SPARE_DELAY_MAX_S, &options->spare_delay_s))
    return 0;
  log_error ("spare-delay=%s: use a number of seconds, 0 to %d", value,
             SPARE_DELAY_MAX_S);
  return -1;
}

/* Of a file that is or will be there; ours to free. */
static int
parse_path (const char *key, const char *value, char **ret)
{
  if (value[0] == '\0') {
    log_error ("%s=: names no file; give its path, or leave %s= out", key, key);
    return -1;
  }
  *ret = nbdkit_absolute_path (value);
  return *ret == NULL ? -1 : 0;
}

static int
parse_state (struct options *options, const char *value)
{
  return parse_path ("state", value, &options->state);
}

static int
parse_control (struct options *options, const char *value)
{
  options->no_control = strcmp (value, "none") == 0;
  return options->no_control
           ? 0 : parse_path ("control", value, &options->control);
}

static int
parse_program (struct options *options, const char *value)
{
  return parse_path ("event-program", value, &options->program);
}

static int
parse_metrics (struct options *options, const char *value)
{
  const char *path = strncmp (value, "unix:", 5) == 0 ? value + 5 : NULL;
  bool has_path = path != NULL && path[0] != '\0';
  char *absolute = has_path ? nbdkit_absolute_path (path) : NULL;
  char *whole = NULL;

  /* What names no place is refused when it is looked at. */
  if (!has_path)
    whole = strdup (value);
  else if (absolute != NULL && asprintf (&whole, "unix:%s", absolute) == -1)
    whole = NULL;
  free (absolute);
  options->metrics = whole;
  if (whole == NULL)
    log_error ("metrics=%s: not enough memory", value);
  return whole == NULL ? -1 : 0;
}

int
options_parse (struct options *options, const char *key, const char *value)
{
  static const struct {
    const char *key;
    int (*parse) (struct options *options, const char *value);
  } keys[] = {
    { "disk", parse_disk },
    { "level", parse_level },
    { "layout", parse_layout },
    { "chunk", parse_chunk },
    { "pool", parse_pool },
    { "cache", parse_cache },
    { "timeout", parse_timeout },
    { "flush-timeout", parse_flush_timeout },
    { "connections", parse_connections },
    { "metadata", parse_metadata },
    { "degraded", parse_degraded },
    { "on-split-brain", parse_on_split_brain },
    { "sync_min", parse_sync_min },
    { "sync_max", parse_sync_max },
    { "no-leg-timeout", parse_no_leg_timeout },
    { "reconnect", parse_reconnect },
    { "spare-delay", parse_spare_delay },
    { "resync-budget", parse_resync_budget },
    { "state", parse_state },
    { "control", parse_control },
    { "event-program", parse_program },
    { "metrics", parse_metrics },
  };

  for (size_t i = 0; i < ARRAY_LENGTH (keys); i++) {
    uint32_t bit = UINT32_C (1) << i;

    if (strcmp (key, keys[i].key) != 0)
      continue;
    if (keys[i].parse != parse_disk && options->given & bit) {
      log_error ("%s=%s: %s= is given twice, and takes one value; leave one "
                 "out", key, value, key);
      return -1;
    }
    options->given |= bit;
    return keys[i].parse (options, value);
  }
  log_error ("unknown parameter '%s': see nbdkit mirror --help; a disk "
             "whose name contains '=' is written ./%s=%s", key, key, value);
  return -1;
}
