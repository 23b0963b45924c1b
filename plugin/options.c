/* SPDX-License-Identifier: BSD-3-Clause */
/* options: what the user typed, checked as far as text can be. */
#include <stdlib.h>
#include <string.h>

#include "ground/log.h"
#include "ground/util.h"
#include "logic/leg-spec.h"
#include "plugin/glue.h"
#include "plugin/options.h"

void
options_init (struct options *options)
{
  *options = (struct options){ .level = LEVEL_RAID1,
                               .timeout_s = LEG_TIMEOUT_DEFAULT_S };
}

void
options_free (struct options *options)
{
  for (unsigned i = 0; i < options->disks; i++)
    free (options->disk[i]);
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
                                    : strdup (value);
  if (disk == NULL)
    return -1;
  options->disk[options->disks++] = disk;
  return 0;
}

static int
parse_level (struct options *options, const char *value)
{
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
               "(offset), the number being that of the copies", value);
    return -1;
  }
  options->layout_name = value;
  return 0;
}

static int
parse_chunk (struct options *options, const char *value)
{
  size_t digits = strspn (value, "0123456789");
  int64_t chunk;

  /* nbdkit would not say which parameter it could not read. */
  if (digits == 0 || digits > 9 || strlen (value + digits) > 1
      || strchr ("bskKmMgG", value[digits]) == NULL) {
    log_error ("chunk=%s: is not a size; use a number of bytes, or one "
               "with K or M", value);
    return -1;
  }
  chunk = nbdkit_parse_size (value);
  if (chunk == -1)
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

int
options_parse (struct options *options, const char *key, const char *value)
{
  static const struct {
    const char *key;
    int (*parse) (struct options *options, const char *value);
  } keys[] = {
    { "disk", parse_disk },   { "level", parse_level },
    { "layout", parse_layout }, { "chunk", parse_chunk },
    { "pool", parse_pool },   { "cache", parse_cache },
    { "timeout", parse_timeout },
  };

  for (size_t i = 0; i < ARRAY_LENGTH (keys); i++)
    if (strcmp (key, keys[i].key) == 0)
      return keys[i].parse (options, value);
  log_error ("unknown parameter '%s': see nbdkit mirror --help; a disk "
             "whose name contains '=' is written ./%s=%s", key, key, value);
  return -1;
}

int
options_complete (struct options *options)
{
  struct layout *layout = &options->layout;
  const char *wrong;

  if (options->disks < 2) {
    log_error ("a mirror needs at least two disks, and %s given: nbdkit "
               "mirror DISK1 DISK2 ...",
               options->disks == 0 ? "none was" : "only one was");
    return -1;
  }
  *layout = (struct layout){ .level = options->level,
                             .slots = options->disks,
                             .near = 1,
                             .far = 1 };
  if (options->level == LEVEL_RAID1) {
    if (options->layout_name != NULL || options->chunk != 0) {
      log_error ("%s is for raid10 only: add level=raid10, or leave it out",
                 options->layout_name ? "layout=" : "chunk=");
      return -1;
    }
  }
  else {
    layout_parse (layout, options->layout_name ? options->layout_name : "n2");
    layout->chunk = options->chunk ? options->chunk : CHUNK_DEFAULT;
  }
  wrong = layout_check (layout);
  if (wrong != NULL) {
    log_error ("level=%s layout=%s with %u disks: the array %s; choose "
               "another layout= or another number of disks",
               options->level == LEVEL_RAID1 ? "raid1" : "raid10",
               options->layout_name ? options->layout_name : "n2",
               options->disks, wrong);
    return -1;
  }
  return 0;
}
