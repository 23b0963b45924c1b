/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt-compare: are two disks the same, byte for byte, and is one empty?
 *
 * Everything is read, but for what a file is known not to have.
 */
#include <glib.h>
#include <string.h>

#include "ctl/adopt.h"
#include "ground/util.h"

#define PIECE (1024u * 1024)

/* Behind it there are only zeroes, up to @length. */
static uint64_t
data_end (struct disk *disk, uint64_t length)
{
  struct look_disk look = disk_look (disk);

  return MIN (length, look.data_end (look.opaque, look.deadline_ns));
}

static uint64_t
first_difference (const uint8_t *a, const uint8_t *b, uint64_t length)
{
  uint64_t i = 0;

  while (i < length && a[i] == b[i])
    i++;
  return i;
}

static int
read_piece (struct disk *disk, void *buffer, uint64_t length, uint64_t offset,
            struct adopt_difference *ret)
{
  int r = disk_read (disk, buffer, length, offset);

  if (r < 0)
    ret->culprit = disk;
  return r;
}

/* @b NULL: zeroes. */
static int
compare (struct disk *a, struct disk *b, uint64_t length,
         struct adopt_difference *ret)
{
  uint8_t *left = g_malloc (PIECE), *right = g_malloc0 (PIECE);
  int r = 0;

  *ret = (struct adopt_difference){ .found = false };
  for (uint64_t at = 0; at < length && r == 0 && !ret->found; at += PIECE) {
    uint64_t now = MIN (length - at, (uint64_t)PIECE);

    r = read_piece (a, left, now, at, ret);
    if (r == 0 && b != NULL)
      r = read_piece (b, right, now, at, ret);
    if (r < 0 || memcmp (left, right, now) == 0)
      continue;
    ret->found = true;
    ret->offset = at + first_difference (left, right, now);
  }
  g_free (left);
  g_free (right);
  return r;
}

int
adopt_compare (struct disk *a, struct disk *b, uint64_t length,
               struct adopt_difference *ret)
{
  uint64_t end = MAX (data_end (a, length), data_end (b, length));

  return compare (a, b, end, ret);
}

int
adopt_find_data (struct disk *disk, struct adopt_difference *ret)
{
  return compare (disk, NULL, data_end (disk, disk->size), ret);
}
