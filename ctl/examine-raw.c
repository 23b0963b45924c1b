/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-raw: the bytes of a superblock and of a bitmap's head, field by
 * field, with their offsets and md's own names.
 *
 * Sound or not: what is shown is what is there.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/examine.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/bytes.h"

#define LINE 16u /* bytes */

enum kind { BYTES, NUMBER, SIGNED, HEX };

struct field {
  const char *name;
  unsigned offset, length;
  enum kind kind;
};

static const struct field superblock[] = {
  { "magic", 0, 4, HEX },
  { "major_version", 4, 4, NUMBER },
  { "feature_map", 8, 4, HEX },
  { "pad0", 12, 4, NUMBER },
  { "set_uuid", 16, 16, BYTES },
  { "set_name", 32, 32, BYTES },
  { "ctime", 64, 8, NUMBER },
  { "level", 72, 4, SIGNED },
  { "layout", 76, 4, HEX },
  { "size", 80, 8, NUMBER },
  { "chunksize", 88, 4, NUMBER },
  { "raid_disks", 92, 4, NUMBER },
  { "bitmap_offset", 96, 4, SIGNED },
  { "new_level", 100, 4, SIGNED },
  { "reshape_position", 104, 8, NUMBER },
  { "delta_disks", 112, 4, SIGNED },
  { "new_layout", 116, 4, HEX },
  { "new_chunk", 120, 4, NUMBER },
  { "new_offset", 124, 4, SIGNED },
  { "data_offset", 128, 8, NUMBER },
  { "data_size", 136, 8, NUMBER },
  { "super_offset", 144, 8, NUMBER },
  { "recovery_offset", 152, 8, NUMBER },
  { "dev_number", 160, 4, NUMBER },
  { "cnt_corrected_read", 164, 4, NUMBER },
  { "device_uuid", 168, 16, BYTES },
  { "devflags", 184, 1, HEX },
  { "bblog_shift", 185, 1, NUMBER },
  { "bblog_size", 186, 2, NUMBER },
  { "bblog_offset", 188, 4, SIGNED },
  { "utime", 192, 8, NUMBER },
  { "events", 200, 8, NUMBER },
  { "resync_offset", 208, 8, HEX },
  { "sb_csum", 216, 4, HEX },
  { "max_dev", 220, 4, NUMBER },
  { "logical_block_size", 224, 4, NUMBER },
  { "pad3", 228, 28, BYTES },
};

static const struct field bitmap_head[] = {
  { "magic", 0, 4, HEX },
  { "version", 4, 4, NUMBER },
  { "uuid", 8, 16, BYTES },
  { "events", 24, 8, NUMBER },
  { "events_cleared", 32, 8, NUMBER },
  { "sync_size", 40, 8, NUMBER },
  { "state", 48, 4, HEX },
  { "chunksize", 52, 4, NUMBER },
  { "daemon_sleep", 56, 4, NUMBER },
  { "write_behind", 60, 4, NUMBER },
  { "sectors_reserved", 64, 4, NUMBER },
  { "nodes", 68, 4, NUMBER },
  { "cluster_name", 72, 64, BYTES },
  { "pad", 136, 120, BYTES },
};

static uint64_t
value (const struct field *field, const uint8_t *at)
{
  switch (field->length) {
  case 1:
    return *at;
  case 2:
    return load_le16 (at);
  case 4:
    return load_le32 (at);
  default:
    return load_le64 (at);
  }
}

static char *
value_text (const struct field *field, const uint8_t *at)
{
  uint64_t n;

  if (field->kind == BYTES)
    return g_strdup ("");
  n = value (field, at);
  if (field->kind == HEX)
    return g_strdup_printf ("0x%" PRIx64, n);
  if (field->kind == SIGNED)
    return g_strdup_printf ("%" PRId32, (int32_t)n);
  return g_strdup_printf ("%" PRIu64, n);
}

/* Offset in the block, up to LINE bytes, and what follows them. */
static void
print_line (const uint8_t *block, unsigned offset, unsigned length,
            const char *name, const char *text)
{
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "  %4u  ", offset);
  for (unsigned i = 0; i < LINE; i++)
    if (i < length)
      g_string_append_printf (line, "%02x ", block[offset + i]);
    else
      g_string_append (line, "   ");
  g_string_append_printf (line, " %-18s  %s", name, text);
  printf ("%s\n", g_strchomp (line->str));
  g_string_free (line, TRUE);
}

static void
print_field (const uint8_t *block, const struct field *field)
{
  char *text = value_text (field, block + field->offset);

  for (unsigned at = 0; at < field->length; at += LINE)
    print_line (block, field->offset + at, MIN (field->length - at, LINE),
                at == 0 ? field->name : "", at == 0 ? text : "");
  g_free (text);
}

static void
print_role_line (const uint8_t *block, unsigned first, unsigned count)
{
  unsigned offset = SB1_HEAD_SIZE + 2 * first;
  char *name = g_strdup_printf ("dev_roles[%u]", first);
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; i < count; i++) {
    unsigned role = load_le16 (block + offset + 2 * i);

    g_string_append_printf (text, role < SB1_ROLE_SLOTS ? "%u " : "0x%x ",
                            role);
  }
  print_line (block, offset, 2 * count, name, g_strchomp (text->str));
  g_string_free (text, TRUE);
  g_free (name);
}

/* Eight entries a line; a * for lines like the one before.  @max_dev may be
 * wrong.
 */
static void
print_roles (const uint8_t *block, uint32_t max_dev)
{
  unsigned roles = MIN (max_dev, (uint32_t)SB1_ROLES_MAX);
  bool starred = false;

  for (unsigned i = 0; i < roles; i += LINE / 2) {
    const uint8_t *at = block + SB1_HEAD_SIZE + 2 * i;
    bool same = i > 0 && roles - i >= LINE / 2
                && memcmp (at, at - LINE, LINE) == 0;

    if (!same)
      print_role_line (block, i, MIN (roles - i, LINE / 2));
    else if (!starred)
      printf ("     *\n");
    starred = same;
  }
}

/* False: told in place of it. */
static bool
read_block (struct member *member, void *block, uint64_t length,
            uint64_t offset)
{
  int r = disk_read (&member->disk, block, length, offset);

  if (r < 0)
    printf ("  cannot be read: %s\n", log_strerror (r));
  return r == 0;
}

static void
print_superblock (struct member *member)
{
  uint8_t block[SB1_BLOCK_SIZE] = { 0 };
  uint64_t offset = 0, length;

  if (!sb1_offset (member->md.version, member->disk.exact_size, &offset))
    return;
  length = MIN ((uint64_t)sizeof block, member->disk.exact_size - offset);
  printf ("  superblock %s, from byte %" PRIu64 " of the disk\n",
          sb1_version_name (member->md.version), offset);
  if (!read_block (member, block, length, offset))
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (superblock); i++)
    print_field (block, &superblock[i]);
  print_roles (block, load_le32 (block + 220));
}

static void
print_bitmap_head (struct member *member)
{
  uint8_t head[BITMAP_HEAD_SIZE];
  uint64_t offset;

  /* Where it is, only a superblock tells that can be believed. */
  if (member->md.verdict != SB1_GOOD
      || !(member->md.sb.features & SB1_FEATURE_BITMAP))
    return;
  offset = bitmap_offset_bytes (&member->md.sb);
  printf ("  bitmap, from byte %" PRIu64 " of the disk\n", offset);
  if (!read_block (member, head, sizeof head, offset))
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (bitmap_head); i++)
    print_field (head, &bitmap_head[i]);
}

void
examine_raw (struct member *member)
{
  printf ("%s\n", member->name);
  print_superblock (member);
  print_bitmap_head (member);
}
