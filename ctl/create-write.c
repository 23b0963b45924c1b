/* SPDX-License-Identifier: BSD-3-Clause */
/* create-write: put a planned array onto its members.
 *
 * In an order that leaves no half an array that looks whole: what old
 * superblocks there are go first, then the bitmaps, and when these are on
 * stable storage everywhere, the new superblocks.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ctl/create.h"
#include "ctl/ctl.h"
#include "ground/log.h"
#include "ground/util.h"

#define BUFFER_SIZE (1024u * 1024)

static int
erase_old (struct create *create, unsigned slot)
{
  struct disk *disk = &create->member[slot]->disk;
  static const uint8_t zeroes[SB1_BLOCK_SIZE];
  uint8_t block[SB1_PROBE_SIZE];

  if (create->keeps_data >> slot & 1)
    return 0;
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset;
    int r;

    if (!sb1_offset (version, disk->exact_size, &offset))
      continue;
    r = disk_read (disk, block, sizeof block, offset);
    if (r == 0 && sb1_recognise (version, block))
      r = disk_write (disk, zeroes,
                      MIN ((uint64_t)sizeof zeroes, disk->size - offset),
                      offset);
    if (r < 0)
      return r;
  }
  return disk_flush (disk);
}

/* All ones: nobody knows yet whether copies are equal; none if they are. */
static int
write_bitmap (struct create *create, unsigned slot)
{
  const struct create_plan *plan = &create->plan;
  uint64_t at = (uint64_t)((int64_t)plan->member[slot].super_offset
                           + plan->bitmap_offset)
                * SECTOR_SIZE;
  struct bitmap_super bitmap;
  uint8_t *buffer;
  int r = 0;

  if (plan->bitmap_chunk == 0)
    return 0;
  create_bitmap (plan, create->set_uuid, &bitmap);
  buffer = g_malloc (BUFFER_SIZE);
  for (uint64_t done = 0; done < plan->bitmap_bytes && r == 0;) {
    uint64_t length = MIN (plan->bitmap_bytes - done, (uint64_t)BUFFER_SIZE);

    memset (buffer, create->keeps_data != 0 ? 0 : 0xff, length);
    if (done == 0) {
      memset (buffer, 0, BITMAP_HEAD_SIZE);
      bitmap_encode (&bitmap, buffer);
    }
    r = disk_write (&create->member[slot]->disk, buffer, length, at + done);
    done += length;
  }
  g_free (buffer);
  return r < 0 ? r : disk_flush (&create->member[slot]->disk);
}

static int
write_superblock (struct create *create, unsigned slot)
{
  struct disk *disk = &create->member[slot]->disk;
  uint8_t block[SB1_BLOCK_SIZE] = { 0 };
  char why[MESSAGE_MAX];
  struct sb1 sb;
  int r;

  create_superblock (&create->wish, &create->plan, slot, create->set_uuid,
                     create->device_uuid[slot], create->created, &sb);
  sb1_encode (&sb, block);
  /* What we would not accept, we do not write. */
  if (!sb1_decode (sb.version, block, &sb)
      || sb1_check (&sb, block, disk->exact_size, why) != SB1_GOOD)
    g_error ("a superblock of ours is refused: %s", why);
  r = disk_write (disk, block, sizeof block, sb.super_offset * SECTOR_SIZE);
  return r < 0 ? r : disk_flush (disk);
}

static bool
choose_uuid (uint8_t ret[16])
{
  return getrandom (ret, 16, 0) == 16;
}

bool
create_begin (struct create *create)
{
  bool good = choose_uuid (create->set_uuid);

  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++)
    good = good && choose_uuid (create->device_uuid[slot]);
  create->created = SB1_TIME ((uint64_t)time (NULL), 0);
  if (!good)
    ctl_fail (EXIT_REFUSED, "array", "no-random",
              "the system gives no random numbers");
  return good;
}

int
create_write (struct create *create, const char *if_fails)
{
  static const struct {
    int (*run) (struct create *create, unsigned slot);
    const char *what;
  } steps[] = {
    { erase_old, "its old superblock cannot be erased" },
    { write_bitmap, "its bitmap cannot be written" },
    { write_superblock, "its superblock cannot be written" },
  };

  for (size_t step = 0; step < G_N_ELEMENTS (steps); step++)
    for (unsigned slot = 0; slot < create_disks (&create->wish); slot++) {
      int r;

      if (create->member[slot] == NULL)
        continue;
      r = steps[step].run (create, slot);
      if (r < 0)
        return ctl_fail (EXIT_REFUSED, create->member[slot]->path,
                         "write-failed", "%s: %s; %s", steps[step].what,
                         log_strerror (r), if_fails);
    }
  return EXIT_OK;
}
