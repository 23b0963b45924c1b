/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-json: members' metadata for programs.
 *
 * Sizes are bytes unless the name says sectors; the names are stable, new
 * ones may come.
 */
#include <glib.h>
#include <inttypes.h>

#include "ctl/examine.h"
#include "ctl/render.h"
#include "ground/util.h"
#include "logic/layout.h"

static void
add_owned (JsonBuilder *builder, const char *name, char *text)
{
  render_json_string (builder, name, text);
  g_free (text);
}

static void
add_array (JsonBuilder *builder, const struct sb1 *sb)
{
  struct layout layout;
  char level[32];

  sb1_level_name (sb->level, level, sizeof level);
  json_builder_set_member_name (builder, "array");
  json_builder_begin_object (builder);
  add_owned (builder, "uuid", render_uuid (sb->set_uuid));
  add_owned (builder, "name", render_raw_name (sb));
  add_owned (builder, "created", render_time_utc (sb->ctime));
  render_json_string (builder, "level", level);
  render_json_int (builder, "layout_word", sb->layout);
  render_json_int (builder, "chunk", (uint64_t)sb->chunk * SECTOR_SIZE);
  render_json_int (builder, "members", sb->raid_disks);
  if (sb1_layout (sb, &layout) == NULL)
    render_json_int (builder, "size", layout.array_size);
  else
    render_json_string (builder, "size", NULL);
  json_builder_end_object (builder);
}

static void
add_places (JsonBuilder *builder, const struct sb1 *sb)
{
  render_json_int (builder, "super_offset_sectors", sb->super_offset);
  render_json_int (builder, "data_offset_sectors", sb->data_offset);
  render_json_int (builder, "data_size_sectors", sb->data_size);
  render_json_int (builder, "used_sectors", sb->size);
  render_json_signed (builder, "bblog_offset_sectors", sb->bblog_offset);
  render_json_int (builder, "bblog_size_sectors", sb->bblog_size);
}

static void
add_state (JsonBuilder *builder, const struct member *member)
{
  const struct sb1 *sb = &member->md.sb;

  add_owned (builder, "device_uuid", render_uuid (sb->device_uuid));
  render_json_int (builder, "dev_number", sb->dev_number);
  add_owned (builder, "role", render_role (sb));
  add_owned (builder, "slots", render_slots (sb));
  render_json_int (builder, "feature_map", sb->features);
  render_json_int (builder, "events", sb->events);
  add_owned (builder, "updated", render_time_utc (sb->utime));
  render_json_bool (builder, "clean", sb->resync_offset == SB1_CLEAN);
  render_json_int (builder, "resync_offset_sectors", sb->resync_offset);
  if (sb->features & SB1_FEATURE_RECOVERY_OFFSET)
    render_json_int (builder, "recovery_offset_sectors", sb->recovery_offset);
  else
    render_json_string (builder, "recovery_offset_sectors", NULL);
  render_json_int (builder, "devflags", sb->devflags);
  render_json_int (builder, "logical_block_size", sb->logical_block);
  render_json_int (builder, "checksum", sb->checksum);
  render_json_int (builder, "checksum_expected", member_checksum (member));
}

static void
add_bitmap (JsonBuilder *builder, const struct member *member)
{
  static const char *const words[] = { [BITMAP_NONE] = "none",
                                       [BITMAP_GOOD] = "good",
                                       [BITMAP_OUTDATED] = "outdated",
                                       [BITMAP_UNSUPPORTED] = "unsupported",
                                       [BITMAP_DAMAGED] = "damaged" };
  const struct bitmap_super *bitmap = &member->md.bitmap;

  json_builder_set_member_name (builder, "bitmap");
  if (member->md.bitmap_verdict == BITMAP_NONE) {
    json_builder_add_null_value (builder);
    return;
  }
  json_builder_begin_object (builder);
  render_json_string (builder, "verdict", words[member->md.bitmap_verdict]);
  render_json_string (builder, "reason", member->md.bitmap_why);
  render_json_signed (builder, "offset_sectors", member->md.sb.bitmap_offset);
  render_json_int (builder, "version", bitmap->version);
  render_json_int (builder, "events", bitmap->events);
  render_json_int (builder, "events_cleared", bitmap->events_cleared);
  render_json_int (builder, "sync_size_sectors", bitmap->sync_size);
  render_json_int (builder, "chunk", bitmap->chunk);
  render_json_int (builder, "chunks", member->md.regions);
  render_json_int (builder, "dirty", member->md.regions_set);
  json_builder_end_object (builder);
}

static void
add_badblocks (JsonBuilder *builder, const struct member *member)
{
  render_json_bool (builder, "bad_blocks_damaged", member->md.log_damaged);
  json_builder_set_member_name (builder, "bad_blocks_sectors");
  json_builder_begin_array (builder);
  for (unsigned i = 0;
       member->md.bad != NULL && i < member->md.bad->count; i++) {
    json_builder_begin_array (builder);
    json_builder_add_int_value (builder,
                                (int64_t)member->md.bad->range[i].start);
    json_builder_add_int_value (builder,
                                (int64_t)member->md.bad->range[i].length);
    json_builder_end_array (builder);
  }
  json_builder_end_array (builder);
}

static void
add_member (JsonBuilder *builder, const struct member *member)
{
  json_builder_begin_object (builder);
  render_json_string (builder, "disk", member->path);
  render_json_string (builder, "verdict", examine_verdict_word (member));
  render_json_string (builder, "reason", member->why);
  if (member->error == 0)
    render_json_int (builder, "disk_size", member->disk.exact_size);
  if (member->error == 0 && member->md.verdict != SB1_NONE)
    render_json_string (builder, "metadata",
                        sb1_version_name (member->md.version));
  if (member_has_sb (member)) {
    add_array (builder, &member->md.sb);
    add_places (builder, &member->md.sb);
    add_state (builder, member);
    add_bitmap (builder, member);
    add_badblocks (builder, member);
  }
  json_builder_end_object (builder);
}

void
examine_json (struct member **members, unsigned count)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < count; i++)
    add_member (builder, members[i]);
  json_builder_end_array (builder);
  examine_arrays_json (builder, members, count);
  json_builder_end_object (builder);
  render_json_print (builder);
}
