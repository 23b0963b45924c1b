/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt-write: make members of the disks, in an order that can be stopped
 * anywhere.
 *
 *   undo files      on stable storage before anything else
 *   files longer    which changes nothing of what they hold
 *   bitmaps, then superblocks, the source's first (create-write)
 *
 * Up to the first superblock nothing is a member, and from then on the source
 * alone is a whole array.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ctl/adopt.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/streams.h"
#include "ground/log.h"
#include "ground/util.h"

/* What lies where the metadata will be, in blocks. */
static int
take_areas (const struct adopt *adopt, unsigned slot, struct restore *restore)
{
  const struct create_plan *plan = &adopt->create.plan;
  const struct create_member *place = &plan->member[slot];
  struct disk *disk = &adopt->create.member[slot]->disk;
  int64_t first = MIN (plan->bitmap_offset, place->bblog_offset);
  uint64_t begin = (place->super_offset - (uint64_t)-first) * SECTOR_SIZE;
  uint64_t end = place->super_offset * SECTOR_SIZE + SB1_BLOCK_SIZE;
  int r = 0;

  g_assert (first < 0);
  end = MIN (end, disk->size);
  for (uint64_t at = begin; at < end && r == 0; at += SB1_BLOCK_SIZE) {
    struct restore_area *area = &restore->area[restore->count];

    g_assert (restore->count < RESTORE_AREAS_MAX);
    area->offset = at;
    area->length = (uint32_t)MIN (end - at, (uint64_t)SB1_BLOCK_SIZE);
    r = disk_read (disk, area->bytes, area->length, at);
    restore->count++;
  }
  return r;
}

static void
set_uuid (const uint8_t uuid[16], char ret[static 40])
{
  g_autofree char *text = render_uuid (uuid);

  g_strlcpy (ret, text, 40);
}

/* 0 or -errno. */
static int
save_undo (struct adopt *adopt, unsigned slot, const char *path)
{
  struct restore *restore = g_new0 (struct restore, 1);
  struct disk *disk = &adopt->create.member[slot]->disk;
  int r;

  restore->verdict = SB1_NONE;
  restore->disk_size = adopt->disk[slot].old_size;
  restore->adopted.is = true;
  restore->adopted.disk_size = adopt->disk[slot].new_size;
  restore->adopted.sectors = adopt->create.plan.size;
  set_uuid (adopt->create.set_uuid, restore->adopted.array_uuid);
  set_uuid (adopt->create.device_uuid[slot], restore->adopted.device_uuid);
  r = take_areas (adopt, slot, restore);
  if (r == 0) {
    restore_know_disk (restore, disk);
    r = restore_save (restore, path);
  }
  g_free (restore->disk);
  g_free (restore);
  return r;
}

static int
prepare_undo (struct adopt *adopt, unsigned slot)
{
  const struct member *member = adopt->create.member[slot];
  char *path = restore_new_path (adopt->backup_dir, member->short_name);
  g_autofree char *file_word = render_word (path);
  g_autofree char *disk_word = render_word (member->path);
  int r = save_undo (adopt, slot, path);

  adopt->disk[slot].undo = path;
  if (r < 0)
    return ctl_fail (EXIT_REFUSED, member->path, "no-backup", "%s: %s; no disk "
                     "was changed", path, log_strerror (r));
  if (!ctl_options.json)
    printf ("%s: to undo it: nbdmirror restore-metadata %s %s\n", member->name,
            file_word, disk_word);
  return EXIT_OK;
}

static int
extend (struct adopt *adopt, unsigned slot)
{
  struct disk *disk = &adopt->create.member[slot]->disk;
  int r;

  if (adopt->disk[slot].new_size == disk->exact_size)
    return EXIT_OK;
  r = disk_resize (disk, adopt->disk[slot].new_size);
  if (r < 0)
    return ctl_fail (EXIT_REFUSED, disk->path, "write-failed", "cannot be made "
                     "longer: %s; what was done to the disks is undone",
                     log_strerror (r));
  return EXIT_OK;
}

/* Also when that it is longer was all, or not even that. */
static void
shorten_again (struct adopt *adopt)
{
  for (unsigned slot = adopt->create.wish.layout.slots; slot-- > 0;) {
    struct member *member = adopt->create.member[slot];
    int r = 0;

    if (member == NULL)
      continue;
    if (adopt->disk[slot].new_size != adopt->disk[slot].old_size)
      r = disk_resize (&member->disk, adopt->disk[slot].old_size);
    if (r < 0)
      ctl_tell (member->path, "not-undone", "%s; undo it with %s",
                log_strerror (r), adopt->disk[slot].undo);
    else if (adopt->disk[slot].new_size == adopt->disk[slot].old_size)
      ctl_tell (member->path, "not-undone", "may hold metadata: undo it with "
                "%s", adopt->disk[slot].undo);
  }
}

static int
for_each (struct adopt *adopt, int (*step) (struct adopt *, unsigned))
{
  int status = EXIT_OK;

  for (unsigned slot = 0;
       slot < adopt->create.wish.layout.slots && status == EXIT_OK; slot++)
    if (adopt->create.member[slot] != NULL)
      status = step (adopt, slot);
  return status;
}

int
adopt_write (struct adopt *adopt)
{
  int status;

  if (!create_begin (&adopt->create))
    return EXIT_REFUSED;
  status = for_each (adopt, prepare_undo);
  if (status != EXIT_OK)
    return status;
  if (!streams_flush ("no disk was changed"))
    return EXIT_REFUSED;
  status = for_each (adopt, extend);
  if (status == EXIT_OK)
    status = create_write (&adopt->create, "what was done to files that were "
                           "made longer is undone");
  if (status != EXIT_OK)
    shorten_again (adopt);
  return status;
}
