/* SPDX-License-Identifier: BSD-3-Clause */
/* grow: grow, bitmap and rename: orders about an array as a whole. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online/order.h"
#include "ctl/online/server.h"
#include "ctl/render.h"
#include "ground/limits.h"
#include "ground/util.h"

static int legs;
static char *size_text, *disk_text, *chunk_text;
static gboolean discard, none, internal;

static const GOptionEntry grow_entries[] = {
  { "legs", 0, 0, G_OPTION_ARG_INT, &legs, "New number of slots (raid1)", "N" },
  { "disk", 0, 0, G_OPTION_ARG_FILENAME, &disk_text,
    "With --legs: the disk for the new slot", "DISK" },
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    "What the new disk holds may be overwritten", NULL },
  { "size", 0, 0, G_OPTION_ARG_STRING, &size_text,
    "Data bytes of each disk; max: all there is room for", "SIZE" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry bitmap_entries[] = {
  { "none", 0, 0, G_OPTION_ARG_NONE, &none, "No bitmap", NULL },
  { "internal", 0, 0, G_OPTION_ARG_NONE, &internal,
    "A bitmap on the disks, with regions of 64M", NULL },
  { "chunk", 0, 0, G_OPTION_ARG_STRING, &chunk_text,
    "A bitmap with regions of this size", "SIZE" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

#define GROW_USAGE "[ARRAY] --legs N [--disk DISK] | --size SIZE"
#define BITMAP_USAGE "[ARRAY] --none | --internal | --chunk SIZE"
#define RENAME_USAGE "[ARRAY] NAME"

static int
usage (const char *text)
{
  return ctl_fail (EXIT_USAGE, "usage", "bad-option", "%s", text);
}

/* @array: NULL if there is only one. */
static int
give (const char *array, const struct order *order)
{
  struct server *server;
  int status = server_open (array, &server);

  if (status != EXIT_OK)
    return status;
  order_is_slow (server);
  status = order_plan (server, order);
  server_free (server);
  return status;
}

/* -------------------------------------------------------------------- grow */

static int
grow_by_legs (const char *array)
{
  g_autofree char *disk = NULL;
  struct order order = { .verb = "grow-legs", .number_name = "slots",
                         .number = legs, .discard = discard };

  if (legs < 1 || legs > UINT16_MAX)
    return usage ("--legs: the number of disks is 2 or more");
  if (disk_text != NULL) {
    disk = order_disk (disk_text);
    if (disk == NULL)
      return EXIT_USAGE;
  }
  order.disk = disk;
  return give (array, &order);
}

static int
grow_by_size (const char *array)
{
  struct order order = { .verb = "grow-size", .number_name = "size" };
  uint64_t size = 0;

  if (strcmp (size_text, "max") != 0
      && (!render_parse_size (size_text, &size) || size < SECTOR_SIZE
          || size > INT64_MAX || size % SECTOR_SIZE != 0))
    return usage ("--size: must be max, or a multiple of 512 bytes");
  order.number = (int64_t)size;
  return give (array, &order);
}

int
grow_command (int argc, char **argv)
{
  if (!ctl_parse (&argc, &argv, grow_entries, GROW_USAGE))
    return EXIT_USAGE;
  if (argc > 2 || (legs == 0) == (size_text == NULL)
      || (legs == 0 && disk_text != NULL))
    return usage ("grow " GROW_USAGE);
  return legs != 0 ? grow_by_legs (argv[1]) : grow_by_size (argv[1]);
}

/* ------------------------------------------------------------------ bitmap */

#define CHUNK_USUAL (UINT64_C (64) << 20)

int
bitmap_command (int argc, char **argv)
{
  struct order order = { .verb = "bitmap", .number_name = "chunk" };
  uint64_t chunk = 0;

  if (!ctl_parse (&argc, &argv, bitmap_entries, BITMAP_USAGE))
    return EXIT_USAGE;
  if (argc > 2 || (none && (internal || chunk_text != NULL))
      || (!none && !internal && chunk_text == NULL))
    return usage ("bitmap " BITMAP_USAGE);
  if (internal)
    chunk = CHUNK_USUAL;
  if (chunk_text != NULL
      && (!render_parse_size (chunk_text, &chunk) || chunk < 4096
          || chunk > UINT64_C (1) << 31 || !is_power_of_2 (chunk)))
    return usage ("--chunk: must be a power of two from 4K to 2G");
  order.number = (int64_t)chunk;
  return give (argv[1], &order);
}

/* ------------------------------------------------------------------ rename */

int
rename_command (int argc, char **argv)
{
  if (!ctl_parse (&argc, &argv, no_entries, RENAME_USAGE))
    return EXIT_USAGE;
  if (argc != 2 && argc != 3)
    return usage ("rename " RENAME_USAGE);
  return give (argc == 3 ? argv[1] : NULL,
               &(struct order){ .verb = "rename", .name = argv[argc - 1] });
}
