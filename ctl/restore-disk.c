/* SPDX-License-Identifier: BSD-3-Clause */
/* restore-disk: of which member, and from which disk, a restore file is.
 *
 * The member is in the superblocks themselves.  The disk is known by a sample:
 * blocks from its whole length, and from the start of its bitmap, whose events
 * tell a member that was left behind from one that was not.  The other copies
 * of a mirror may be equal in all of that, so the disk's name counts as well.
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/render.h"
#include "ctl/restore.h"
#include "ground/util.h"
#include "legs/leg.h"
#include "logic/bitmap-disk.h"

#define SPREAD_SAMPLES 64u

/* The version whose superblock lies there. */
static bool
find_version (const struct restore *restore, const struct restore_area *area,
              enum sb1_version *ret)
{
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset;

    if (!sb1_offset (version, restore->disk_size, &offset)
        || offset != area->offset || !sb1_recognise (version, area->bytes))
      continue;
    *ret = version;
    return true;
  }
  return false;
}

bool
restore_know_member (struct restore *restore)
{
  struct sb1_places *places = g_new0 (struct sb1_places, 1);
  char why[MESSAGE_MAX];
  bool good = true;

  for (unsigned i = 0; i < restore->count && good; i++) {
    const struct restore_area *area = &restore->area[i];
    enum sb1_version version;

    good = find_version (restore, area, &version);
    if (!good)
      break;
    places->readable[version] = true;
    memcpy (places->block[version], area->bytes, area->length);
  }
  if (good)
    restore->verdict = sb1_choose (places, restore->disk_size,
                                   &restore->version, &restore->sb, why);
  g_free (places);
  return good;
}

char *
restore_describe_member (const struct restore *restore)
{
  const struct sb1 *sb = &restore->sb;
  g_autofree char *role = NULL, *name = NULL, *set = NULL, *device = NULL;

  if (restore->verdict != SB1_GOOD)
    return g_strdup ("a member whose superblock is damaged or not supported");
  role = render_role (sb);
  name = render_name (sb);
  set = render_uuid (sb->set_uuid);
  device = render_uuid (sb->device_uuid);
  return g_strdup_printf ("%s of array %s, uuid %s, device uuid %s, events %"
                          PRIu64, role, name, set, device, sb->events);
}

static void
make_sum (const void *data, gsize length, char *ret)
{
  char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, length);

  g_strlcpy (ret, sum, RESTORE_SUM_SIZE);
  g_free (sum);
}

/* What erase takes away counts as zeroes. */
static void
hide_areas (const struct restore *restore, uint64_t offset, uint32_t length,
            uint8_t *block)
{
  for (unsigned i = 0; i < restore->count; i++) {
    const struct restore_area *area = &restore->area[i];
    uint64_t from = MAX (offset, area->offset);
    uint64_t to = MIN (offset + length, area->offset + area->length);

    if (from < to)
      memset (block + (from - offset), 0, to - from);
  }
}

/* False: it cannot be read. */
static bool
sum_block (const struct restore *restore, struct disk *disk, uint64_t offset,
           char *ret)
{
  uint8_t block[RESTORE_SAMPLE_BLOCK];
  uint32_t length
    = (uint32_t)MIN ((uint64_t)sizeof block, disk->size - offset);

  if (disk_read (disk, block, length, offset) < 0)
    return false;
  hide_areas (restore, offset, length, block);
  make_sum (block, length, ret);
  return true;
}

/* A block that cannot be read tells nothing, and is left out. */
static void
add_samples (struct restore *restore, struct disk *disk, uint64_t first,
             uint64_t step, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    struct restore_sample *sample = &restore->sample[restore->samples];

    sample->offset
      = (first + i * step) / RESTORE_SAMPLE_BLOCK * RESTORE_SAMPLE_BLOCK;
    if (restore->samples < RESTORE_SAMPLES_MAX && sample->offset < disk->size
        && sum_block (restore, disk, sample->offset, sample->sum))
      restore->samples++;
  }
}

static void
sum_names (const struct disk *disk, char *ret_name, char *ret_identity)
{
  const struct leg *leg = disk->leg;

  make_sum (leg->name, strlen (leg->name), ret_name);
  make_sum (leg->identity, strlen (leg->identity), ret_identity);
}

void
restore_know_disk (struct restore *restore, struct disk *disk)
{
  const struct sb1 *sb = &restore->sb;

  restore->knows_disk = true;
  restore->disk = render_text (disk->leg->name);
  sum_names (disk, restore->name_sum, restore->identity_sum);
  restore->samples = 0;
  add_samples (restore, disk, 0, disk->size / SPREAD_SAMPLES, SPREAD_SAMPLES);
  add_samples (restore, disk, disk->size - 1, 0, 1);
  if (restore->verdict == SB1_GOOD && (sb->features & SB1_FEATURE_BITMAP))
    add_samples (restore, disk, bitmap_offset_bytes (sb),
                 RESTORE_SAMPLE_BLOCK,
                 RESTORE_SAMPLES_MAX - SPREAD_SAMPLES - 1);
}

bool
restore_sample_differs (const struct restore *restore, struct disk *disk,
                        uint64_t *ret_offset)
{
  for (unsigned i = 0; i < restore->samples; i++) {
    char sum[RESTORE_SUM_SIZE];

    *ret_offset = restore->sample[i].offset;
    if (!sum_block (restore, disk, *ret_offset, sum)
        || strcmp (sum, restore->sample[i].sum) != 0)
      return true;
  }
  return false;
}

bool
restore_is_named_alike (const struct restore *restore, const struct disk *disk)
{
  char name[RESTORE_SUM_SIZE], identity[RESTORE_SUM_SIZE];

  sum_names (disk, name, identity);
  return strcmp (name, restore->name_sum) == 0
         || strcmp (identity, restore->identity_sum) == 0;
}

int
restore_write_areas (const struct restore *restore, struct disk *disk)
{
  int r = 0;

  for (unsigned i = 0; i < restore->count && r == 0; i++)
    r = disk_write (disk, restore->area[i].bytes, restore->area[i].length,
                    restore->area[i].offset);
  return r;
}
