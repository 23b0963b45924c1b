/* SPDX-License-Identifier: BSD-3-Clause */
/* member: all md metadata of one disk, read and judged. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/member.h"
#include "ctl/render.h"
#include "ground/log.h"
#include "ground/util.h"

#define BITS_READ_MAX 65536

/* @why is the member's own. */
static bool
read_failed (struct member *member, int r, const char *what, char *why)
{
  if (r >= 0)
    return false;
  snprintf (why, MESSAGE_MAX, "its %s cannot be read: %s", what,
            log_strerror (r));
  if (member->unreadable == NULL)
    member->unreadable = why;
  return true;
}

static void
read_superblock (struct member *member)
{
  struct sb1_places *places = g_new0 (struct sb1_places, 1);

  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++) {
    uint64_t offset, length;
    int r;

    if (!sb1_offset (version, member->disk.size, &offset))
      continue;
    length = MIN ((uint64_t)SB1_BLOCK_SIZE, member->disk.size - offset);
    r = disk_read (&member->disk, places->block[version], length, offset);
    if (read_failed (member, r, "superblock", member->why)) {
      member->error = r;
      goto done;
    }
    places->readable[version] = true;
  }
  member->verdict = sb1_choose (places, member->disk.size, &member->version,
                                &member->sb, member->why);
  if (member_has_sb (member) && member->sb.max_dev <= SB1_ROLES_MAX)
    member->checksum = sb1_checksum (places->block[member->version]);
done:
  g_free (places);
}

static void
count_bits (struct member *member)
{
  uint64_t offset = bitmap_offset_bytes (&member->sb) + BITMAP_HEAD_SIZE;
  uint64_t left;
  uint8_t *bits = g_malloc (BITS_READ_MAX);
  struct layout layout;

  /* The last sectors that mdadm's sync_size may have too much count for
   * mdadm, but not for the array.
   */
  if (sb1_layout (&member->sb, &layout) != NULL)
    g_assert_not_reached ();
  member->regions = bitmap_regions (layout.array_size / SECTOR_SIZE,
                                    member->bitmap.chunk);
  if (member->regions > BITMAP_REGIONS_MAX) {
    member->bitmap_verdict = BITMAP_UNSUPPORTED;
    snprintf (member->bitmap_why, MESSAGE_MAX, "bitmap chunksize %" PRIu32
              ": makes too many regions for this array, at most %u",
              member->bitmap.chunk, BITMAP_REGIONS_MAX);
    g_free (bits);
    return;
  }
  for (left = member->regions; left > 0;) {
    uint64_t here = MIN (left, (uint64_t)BITS_READ_MAX * 8);
    int r = disk_read (&member->disk, bits, div_round_up (here, 8), offset);

    /* All of an outdated one counts as set, and nobody else reads it. */
    if (r < 0 && member->bitmap_verdict == BITMAP_OUTDATED) {
      member->regions_set = member->regions;
      break;
    }
    if (read_failed (member, r, "bitmap", member->bitmap_why)) {
      member->bitmap_verdict = BITMAP_DAMAGED;
      break;
    }
    member->regions_set += bitmap_count (bits, here);
    offset += BITS_READ_MAX;
    left -= here;
  }
  g_free (bits);
}

static void
read_bitmap (struct member *member)
{
  uint8_t head[BITMAP_HEAD_SIZE];
  int r;

  if (!(member->sb.features & SB1_FEATURE_BITMAP))
    return;
  r = disk_read (&member->disk, head, sizeof head,
                 bitmap_offset_bytes (&member->sb));
  if (read_failed (member, r, "bitmap", member->bitmap_why)) {
    member->bitmap_verdict = BITMAP_DAMAGED;
    return;
  }
  bitmap_decode (head, &member->bitmap);
  member->bitmap_verdict
    = bitmap_check (&member->bitmap, &member->sb, member->disk.size,
                    member->bitmap_why);
  if (member->bitmap_verdict == BITMAP_GOOD
      || member->bitmap_verdict == BITMAP_OUTDATED)
    count_bits (member);
}

static void
read_badblocks (struct member *member)
{
  const struct sb1 *sb = &member->sb;
  uint8_t log[BADBLOCKS_LOG_MAX];
  unsigned bytes = sb->bblog_size * SECTOR_SIZE;
  uint64_t sector = (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset);
  int r;

  if (!(sb->features & SB1_FEATURE_BAD_BLOCKS))
    return;
  member->badblocks_listed = true;
  r = disk_read (&member->disk, log, bytes, sector * SECTOR_SIZE);
  if (read_failed (member, r, "bad block log", member->badblocks_why)) {
    member->badblocks_damaged = true;
    return;
  }
  for (unsigned i = 0; i < bytes / 8; i++) {
    struct badblock entry;

    if (!badblocks_entry (log + i * 8, sb->bblog_shift, &entry))
      break;
    if (entry.start != 0 || entry.length != 0)
      member->badblocks_entry[member->badblocks_entries++] = entry;
  }
  member->badblocks_damaged
    = !badblocks_parse (log, bytes, sb->bblog_shift, &member->badblocks,
                        member->badblocks_why);
}

struct member *
member_open (const char *path, bool write)
{
  struct member *member = g_new0 (struct member, 1);

  member->path = path;
  member->name = render_text (path);
  member->short_name = g_path_get_basename (member->name);
  member->verdict = SB1_NONE;
  member->version = SB1_VERSIONS;
  member->error = disk_open (path, write, &member->disk, member->why);
  if (member->error != 0) {
    member->disk.fd = -1;
    return member;
  }
  read_superblock (member);
  if (member->error == 0 && member->verdict == SB1_GOOD) {
    read_bitmap (member);
    read_badblocks (member);
  }
  return member;
}

void
member_close (struct member *member)
{
  if (member == NULL)
    return;
  disk_close (&member->disk);
  g_free (member->name);
  g_free (member->short_name);
  g_free (member);
}

struct assemble_member
member_for_assembly (const struct member *member)
{
  enum sb1_verdict verdict = member->verdict;
  const char *why = member->why;

  /* As in the server: without all of its metadata it is no member. */
  if (member->unreadable != NULL || member->badblocks_damaged) {
    verdict = SB1_DAMAGED;
    why = member->unreadable != NULL ? member->unreadable
                                     : member->badblocks_why;
  }
  return (struct assemble_member){
    .verdict = verdict,
    .sb = verdict == SB1_GOOD ? &member->sb : NULL,
    .why = why,
    .unreadable = member->unreadable != NULL,
    .bitmap_verdict = member->bitmap_verdict,
    .bitmap_events = member->bitmap.events,
    .events_cleared = member->bitmap.events_cleared,
    .bitmap_why = member->bitmap_why,
    .bitmap_chunk = member->bitmap.chunk,
    .readonly = !disk_can_be_written (&member->disk),
  };
}
