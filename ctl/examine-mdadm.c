/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-mdadm: the layout that scripts know from mdadm 4.2.
 *
 * Line by line what mdadm prints for the same member, so that existing
 * parsers work, except that a name's home host is never compared with this
 * machine's ("local to host").
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "ctl/examine.h"
#include "ctl/render.h"
#include "ground/util.h"
#include "logic/layout.h"

/* mdadm counts this much behind a superblock as taken. */
#define TAKEN_SECTORS 72

/* mdadm leaves small sizes without this. */
#define HUMAN_MIN (5000 * 1024)

static uint64_t
hundredths (uint64_t bytes, uint64_t unit)
{
  return (uint64_t)((double)bytes * 100 / (double)unit + 0.5);
}

static void
print_two_units (uint64_t bytes, const char *binary, uint64_t binary_unit,
                 const char *decimal, uint64_t decimal_unit)
{
  uint64_t a = hundredths (bytes, binary_unit);
  uint64_t b = hundredths (bytes, decimal_unit);

  printf (" (%" PRIu64 ".%02" PRIu64 " %s %" PRIu64 ".%02" PRIu64 " %s)",
          a / 100, a % 100, binary, b / 100, b % 100, decimal);
}

static void
print_human (uint64_t bytes)
{
  if (bytes < HUMAN_MIN)
    return;
  if (bytes < UINT64_C (2) << 30)
    print_two_units (bytes, "MiB", UINT64_C (1) << 20, "MB", 1000000);
  else if (bytes < UINT64_C (2) << 40)
    print_two_units (bytes, "GiB", UINT64_C (1) << 30, "GB", 1000000000);
  else
    print_two_units (bytes, "TiB", UINT64_C (1) << 40, "TB",
                     UINT64_C (1000000000000));
}

static void
print_head (const struct sb1 *sb)
{
  char *uuid = render_uuid (sb->set_uuid);
  char *name = render_name (sb);
  char *created = render_time_local (sb->ctime);
  char level[32];

  sb1_level_name (sb->level, level, sizeof level);
  printf ("          Magic : %08" PRIx32 "\n", SB1_MAGIC);
  printf ("        Version : %s\n", sb1_version_name (sb->version));
  printf ("    Feature Map : 0x%" PRIx32 "\n", sb->features);
  printf ("     Array UUID : %s\n", uuid);
  printf ("           Name : %s\n", name);
  printf ("  Creation Time : %s\n", created);
  printf ("     Raid Level : %s\n", level);
  printf ("   Raid Devices : %" PRIu32 "\n\n", sb->raid_disks);
  g_free (uuid);
  g_free (name);
  g_free (created);
}

/* Sectors of the array as mdadm counts them: not rounded to chunks. */
static uint64_t
array_sectors (const struct sb1 *sb)
{
  unsigned copies = (sb->layout & 0xff) * (sb->layout >> 8 & 0xff);

  if (sb->level != LEVEL_RAID10 || copies == 0)
    return sb->size;
  return sb->size * sb->raid_disks / copies;
}

static uint64_t
bitmap_sectors (const struct member *member)
{
  if (member->md.bitmap_verdict != BITMAP_GOOD
      && member->md.bitmap_verdict != BITMAP_OUTDATED)
    return 0;
  return div_round_up (bitmap_area_bytes (member->md.bitmap.sync_size,
                                          member->md.bitmap.chunk),
                       BITMAP_PAGE_SIZE)
         * (BITMAP_PAGE_SIZE / SECTOR_SIZE);
}

static void
print_unused (const struct member *member)
{
  const struct sb1 *sb = &member->md.sb;
  int64_t before = (int64_t)sb->data_offset;
  int64_t after = (int64_t)sb->data_size - (int64_t)sb->size;
  int64_t bitmap_end = (int64_t)sb->bitmap_offset
                       + (int64_t)bitmap_sectors (member);
  int64_t bblog_end = (int64_t)sb->bblog_offset + sb->bblog_size;

  if (sb->version == SB1_VERSION_1_0) {
    int64_t lowest = 0;

    if (sb->features & SB1_FEATURE_BITMAP)
      lowest = MIN (lowest, (int64_t)sb->bitmap_offset);
    if (sb->bblog_size != 0)
      lowest = MIN (lowest, (int64_t)sb->bblog_offset);
    after = (int64_t)sb->super_offset + lowest - (int64_t)sb->data_offset
            - (int64_t)sb->size;
  }
  else {
    int64_t taken = TAKEN_SECTORS;

    if (sb->features & SB1_FEATURE_BITMAP)
      taken = MAX (taken, bitmap_end);
    if (sb->bblog_size != 0)
      taken = MAX (taken, bblog_end);
    before -= MIN (before, (int64_t)sb->super_offset + taken);
  }
  printf ("   Unused Space : before=%" PRId64 " sectors, after=%" PRId64
          " sectors\n", before, after);
}

static void
print_sizes (const struct member *member)
{
  const struct sb1 *sb = &member->md.sb;

  printf (" Avail Dev Size : %" PRIu64 " sectors", sb->data_size);
  print_human (sb->data_size * SECTOR_SIZE);
  printf ("\n     Array Size : %" PRIu64 " KiB", array_sectors (sb) / 2);
  print_human (array_sectors (sb) * SECTOR_SIZE);
  printf ("\n");
  if (sb->size != sb->data_size) {
    printf ("  Used Dev Size : %" PRIu64 " sectors", sb->size);
    print_human (sb->size * SECTOR_SIZE);
    printf ("\n");
  }
  if (sb->data_offset != 0)
    printf ("    Data Offset : %" PRIu64 " sectors\n", sb->data_offset);
  if (sb->features & SB1_FEATURE_NEW_OFFSET)
    printf ("     New Offset : %" PRIu64 " sectors\n",
            sb->data_offset + (uint64_t)(int64_t)sb->new_offset);
  printf ("   Super Offset : %" PRIu64 " sectors\n", sb->super_offset);
  if (sb->features & SB1_FEATURE_RECOVERY_OFFSET)
    printf ("Recovery Offset : %" PRIu64 " sectors\n", sb->recovery_offset);
  if (!(sb->features & SB1_FEATURE_NEW_OFFSET))
    print_unused (member);
}

static void
print_reshape (const struct sb1 *sb)
{
  if (!(sb->features & SB1_FEATURE_RESHAPE))
    return;
  printf ("  Reshape pos'n : %" PRIu64, sb->reshape_position / 2);
  print_human (sb->reshape_position * SECTOR_SIZE);
  printf ("\n");
  if (sb->delta_disks != 0)
    printf ("  Delta Devices : %" PRId32 " (%" PRId64 "->%" PRIu32 ")\n",
            sb->delta_disks, (int64_t)sb->raid_disks - sb->delta_disks,
            sb->raid_disks);
  printf ("\n");
}

static void
print_state (const struct member *member)
{
  const struct sb1 *sb = &member->md.sb;
  char *uuid = render_uuid (sb->device_uuid);
  char *updated = render_time_local (sb->utime);

  printf ("          State : %s\n",
          sb->resync_offset == SB1_CLEAN ? "clean" : "active");
  printf ("    Device UUID : %s\n\n", uuid);
  if (sb->features & SB1_FEATURE_BITMAP)
    printf ("Internal Bitmap : %" PRId32 " sectors from superblock\n",
            sb->bitmap_offset);
  print_reshape (sb);
  if (sb->devflags & (SB1_WRITE_MOSTLY | SB1_FAILFAST))
    printf ("          Flags :%s%s\n",
            sb->devflags & SB1_WRITE_MOSTLY ? " write-mostly" : "",
            sb->devflags & SB1_FAILFAST ? " failfast" : "");
  printf ("    Update Time : %s\n", updated);
  if (sb->bblog_size != 0 && sb->bblog_offset != 0)
    printf ("  Bad Block Log : %u entries available at offset %" PRId32
            " sectors%s\n", sb->bblog_size * (SECTOR_SIZE / 8),
            sb->bblog_offset,
            sb->features & SB1_FEATURE_BAD_BLOCKS ? " - bad blocks present."
                                                  : "");
  printf ("       Checksum : %" PRIx32 " - ", sb->checksum);
  if (sb->checksum == member_checksum (member))
    printf ("correct\n");
  else
    printf ("expected %" PRIx32 "\n", member_checksum (member));
  printf ("         Events : %" PRIu64 "\n\n", sb->events);
  g_free (uuid);
  g_free (updated);
}

static void
print_layout (const struct sb1 *sb)
{
  unsigned near = sb->layout & 0xff, far = sb->layout >> 8 & 0xff;

  if (sb->level != LEVEL_RAID10)
    return;
  printf ("         Layout :");
  if (near > 1 || far <= 1)
    printf (" near=%u", near);
  if (far > 1)
    printf (" %s=%u", sb->layout >> 16 & 1 ? "offset" : "far", far);
  printf ("\n     Chunk Size : %" PRIu32 "K\n", sb->chunk / 2);
}

static void
print_role (const struct sb1 *sb)
{
  uint16_t role = sb1_own_role (sb);
  char *slots = render_slots (sb);

  printf ("\n   Device Role : ");
  if (role == SB1_ROLE_JOURNAL)
    printf ("Journal\n");
  else if (role >= SB1_ROLE_SLOTS)
    printf ("spare\n");
  else
    printf ("%s device %u\n",
            sb->features & SB1_FEATURE_REPLACEMENT ? "Replacement" : "Active",
            role);
  printf ("   Array State : %s ('A' == active, '.' == missing, 'R' == "
          "replacing)\n", slots);
  g_free (slots);
}

void
examine_mdadm (const struct member *member)
{
  printf ("%s:\n", member->name);
  print_head (&member->md.sb);
  print_sizes (member);
  print_state (member);
  print_layout (&member->md.sb);
  print_role (&member->md.sb);
}

static void
print_bitmap_chunk (uint32_t chunk)
{
  static const char *const units[] = { "B", "KB", "MB", "GB" };
  unsigned unit = 0;

  while (chunk >= 1024 && chunk % 1024 == 0
         && unit + 1 < G_N_ELEMENTS (units)) {
    chunk /= 1024;
    unit++;
  }
  printf ("       Chunksize : %" PRIu32 " %s\n", chunk, units[unit]);
}

void
examine_mdadm_bitmap (const struct member *member)
{
  const struct bitmap_super *bitmap = &member->md.bitmap;
  uint64_t regions = member->md.regions, set = member->md.regions_set;
  char *uuid;

  if (member->md.bitmap_verdict == BITMAP_NONE)
    return;
  uuid = render_uuid (bitmap->uuid);
  printf ("        Filename : %s\n", member->name);
  printf ("           Magic : %08" PRIx32 "\n", bitmap->magic);
  printf ("         Version : %" PRIu32 "\n", bitmap->version);
  printf ("            UUID : %s\n", uuid);
  printf ("          Events : %" PRIu64 "\n", bitmap->events);
  printf ("  Events Cleared : %" PRIu64 "\n", bitmap->events_cleared);
  printf ("           State : %s\n",
          bitmap->state & BITMAP_STATE_STALE ? "Out of date" : "OK");
  g_free (uuid);
  if (member->md.bitmap_verdict != BITMAP_GOOD
      && member->md.bitmap_verdict != BITMAP_OUTDATED)
    return;
  print_bitmap_chunk (bitmap->chunk);
  printf ("          Daemon : %" PRIu32 "s flush period\n",
          bitmap->daemon_sleep);
  if (bitmap->write_behind != 0)
    printf ("      Write Mode : Allow write behind, max %" PRIu32 "\n",
            bitmap->write_behind);
  else
    printf ("      Write Mode : Normal\n");
  printf ("       Sync Size : %" PRIu64, bitmap->sync_size / 2);
  print_human (bitmap->sync_size * SECTOR_SIZE);
  printf ("\n          Bitmap : %" PRIu64 " bits (chunks), %" PRIu64
          " dirty (%2.1f%%)\n", regions, set,
          regions == 0 ? 0.0 : 100.0 * (double)set / (double)regions);
}

void
examine_mdadm_badblocks (const struct member *member)
{
  struct badblock entry;

  if (!(member->md.sb.features & SB1_FEATURE_BAD_BLOCKS)) {
    printf ("Bad-blocks list is empty in %s\n", member->name);
    return;
  }
  printf ("Bad-blocks on %s:\n", member->name);
  /* As found, in their order. */
  for (unsigned at = 0; at < member->md.log_bytes; at += 8) {
    if (!badblocks_entry (member->md.log + at, member->md.sb.bblog_shift,
                          &entry))
      break;
    if (entry.start != 0 || entry.length != 0)
      printf ("%20" PRIu64 " for %" PRIu64 " sectors\n", entry.start,
              entry.length);
  }
}
