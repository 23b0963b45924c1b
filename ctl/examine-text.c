/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-text: a member's metadata for people, alone or side by side.
 *
 * Both are the same rows: a name, and the member's value as text.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/columns.h"
#include "ctl/examine.h"
#include "ctl/render.h"
#include "ground/util.h"
#include "logic/layout.h"

static char *
uuid_text (const struct member *member)
{
  return render_uuid (member->md.sb.set_uuid);
}

static char *
device_uuid_text (const struct member *member)
{
  return render_uuid (member->md.sb.device_uuid);
}

static char *
name_text (const struct member *member)
{
  return render_name (&member->md.sb);
}

static char *
geometry_text (const struct member *member)
{
  char *geometry = render_geometry (&member->md.sb);
  char *text = g_strdup_printf ("%s, %" PRIu32 " members", geometry,
                                member->md.sb.raid_disks);

  g_free (geometry);
  return text;
}

static char *
size_text (const struct member *member)
{
  struct layout layout;
  uint64_t bytes = 0;
  char *human, *text;

  if (sb1_layout (&member->md.sb, &layout) == NULL)
    bytes = layout.array_size;
  human = render_bytes (bytes);
  text = g_strdup_printf ("%" PRIu64 " (%s)", bytes, human);
  g_free (human);
  return text;
}

static char *
version_text (const struct member *member)
{
  return g_strdup (sb1_version_name (member->md.version));
}

static char *
role_text (const struct member *member)
{
  return render_role (&member->md.sb);
}

static char *
slots_text (const struct member *member)
{
  return render_slots (&member->md.sb);
}

static char *
events_text (const struct member *member)
{
  return g_strdup_printf ("%" PRIu64, member->md.sb.events);
}

static char *
created_text (const struct member *member)
{
  return render_time_utc (member->md.sb.ctime);
}

static char *
updated_text (const struct member *member)
{
  return render_time_utc (member->md.sb.utime);
}

static char *
state_text (const struct member *member)
{
  if (member->md.sb.resync_offset == SB1_CLEAN)
    return g_strdup ("clean");
  return g_strdup_printf ("dirty, in sync below sector %" PRIu64,
                          member->md.sb.resync_offset);
}

static char *
recovery_text (const struct member *member)
{
  if (!(member->md.sb.features & SB1_FEATURE_RECOVERY_OFFSET))
    return g_strdup ("none");
  return g_strdup_printf ("rebuilt below sector %" PRIu64 "%s",
                          member->md.sb.recovery_offset,
                          member->md.sb.features & SB1_FEATURE_RECOVERY_BITMAP
                            ? ", by bitmap"
                            : "");
}

static char *
places_text (const struct member *member)
{
  return g_strdup_printf ("sectors %" PRIu64 "+%" PRIu64
                          ", superblock %" PRIu64,
                          member->md.sb.data_offset, member->md.sb.size,
                          member->md.sb.super_offset);
}

static char *
features_text (const struct member *member)
{
  return g_strdup_printf ("0x%" PRIx32, member->md.sb.features);
}

static char *
bitmap_text (const struct member *member)
{
  switch (member->md.bitmap_verdict) {
  case BITMAP_NONE:
    return g_strdup ("none");
  case BITMAP_GOOD:
    return g_strdup_printf ("%" PRIu64 " dirty of %" PRIu64,
                            member->md.regions_set, member->md.regions);
  case BITMAP_OUTDATED:
    return g_strdup ("outdated: all dirty");
  case BITMAP_UNSUPPORTED:
    return g_strdup ("unsupported");
  case BITMAP_DAMAGED:
    break;
  }
  return g_strdup ("damaged");
}

static char *
badblocks_text (const struct member *member)
{
  if (!member_has_bad_blocks (member))
    return g_strdup ("none");
  if (member->md.log_damaged)
    return g_strdup ("damaged list");
  return g_strdup_printf ("%u ranges", member->md.bad->count);
}

static char *
checksum_text (const struct member *member)
{
  bool good = member->md.sb.checksum == member_checksum (member);

  return g_strdup (good ? "ok" : "wrong");
}

static char *
verdict_text (const struct member *member)
{
  return g_strdup (examine_verdict_word (member));
}

/* @alike: normal for members of one array to be equal in it. */
static const struct {
  const char *name;
  char *(*text) (const struct member *member);
  bool alike;
} rows[] = {
  { "array uuid", uuid_text, true },
  { "array name", name_text, true },
  { "geometry", geometry_text, true },
  { "array size", size_text, true },
  { "metadata", version_text, true },
  { "created", created_text, true },
  { "device uuid", device_uuid_text, false },
  { "role / slot", role_text, false },
  { "events", events_text, true },
  { "update time", updated_text, true },
  { "sees members as", slots_text, true },
  { "state", state_text, true },
  { "recovery", recovery_text, true },
  { "data", places_text, true },
  { "features", features_text, true },
  { "bitmap", bitmap_text, true },
  { "bad blocks", badblocks_text, true },
  { "checksum", checksum_text, true },
  { "verdict", verdict_text, true },
};

static void
print_bitmap (const struct member *member)
{
  const struct bitmap_super *bitmap = &member->md.bitmap;

  if (member->md.bitmap_verdict == BITMAP_NONE)
    return;
  if (member->md.bitmap_verdict != BITMAP_GOOD)
    printf ("  %-18s%s\n", "bitmap verdict", member->md.bitmap_why);
  printf ("  %-18s%" PRIu64 ", cleared %" PRIu64 "\n", "bitmap events",
          bitmap->events, bitmap->events_cleared);
  printf ("  %-18s%" PRIu32 " bytes\n", "bitmap chunk", bitmap->chunk);
  printf ("  %-18s%" PRIu64 " sectors\n", "bitmap covers",
          bitmap->sync_size);
}

static void
print_badblocks (const struct member *member)
{
  if (member->md.log_damaged)
    printf ("  %-18s%s\n", "bad blocks", member->md.log_why);
  for (unsigned i = 0;
       member->md.bad != NULL && i < member->md.bad->count; i++)
    printf ("  %-18ssectors %" PRIu64 "+%" PRIu64 "\n", "bad range",
            member->md.bad->range[i].start,
            member->md.bad->range[i].length);
}

void
examine_text (const struct member *member, bool bitmap, bool badblocks)
{
  printf ("%s\n", member->name);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
    char *text = rows[i].text (member);

    printf ("  %-18s%s\n", rows[i].name, text);
    g_free (text);
  }
  if (bitmap)
    print_bitmap (member);
  if (badblocks)
    print_badblocks (member);
}

static void
compare_row (size_t row, struct member *const *members, unsigned count)
{
  struct columns_cell cells[COLUMNS_CELLS_MAX];
  char *texts[COLUMNS_CELLS_MAX];

  for (unsigned i = 0; i < count; i++) {
    bool compared = i > 0 && rows[row].alike, same;

    texts[i] = member_has_sb (members[i]) ? rows[row].text (members[i])
                                          : g_strdup ("-");
    same = compared && strcmp (texts[0], texts[i]) == 0;
    cells[i].text = same ? "same" : texts[i];
    cells[i].marked = compared && !same;
  }
  columns_print (rows[row].name, cells, count);
  for (unsigned i = 0; i < count; i++)
    g_free (texts[i]);
}

/* The last part of its name, unless another disk has the same. */
static const char *
heading (const struct member *member, struct member **members, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (members[i] != member
        && strcmp (members[i]->short_name, member->short_name) == 0)
      return member->name;
  return member->short_name;
}

void
examine_compare (struct member **members, unsigned count)
{
  unsigned next = 1;

  /* As many tables as needed, each with the first disk to compare with. */
  do {
    struct member *shown[COLUMNS_CELLS_MAX];
    struct columns_cell headings[COLUMNS_CELLS_MAX] = { 0 };
    unsigned n = 0;

    if (next > 1)
      printf ("\n");
    shown[n++] = members[0];
    while (n < COLUMNS_CELLS_MAX && next < count)
      shown[n++] = members[next++];
    for (unsigned i = 0; i < n; i++)
      headings[i].text = heading (shown[i], members, count);
    columns_print ("", headings, n);
    for (size_t row = 0; row < G_N_ELEMENTS (rows); row++)
      compare_row (row, shown, n);
  } while (next < count);
}
