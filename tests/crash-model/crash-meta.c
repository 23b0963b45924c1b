/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-meta: images -> superblocks, bitmaps, assembly. */
#include <stdio.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-meta.h"
#include "crash-store.h"
#include "ground/util.h"

static void
gather (const uint32_t *sectors, unsigned count, uint8_t *ret)
{
  for (unsigned i = 0; i < count; i++)
    memcpy (ret + (size_t)i * SECTOR_SIZE, store_bytes (sectors[i]),
            SECTOR_SIZE);
}

static uint64_t
member_bytes (const struct crash_shape *shape, unsigned leg)
{
  return (uint64_t)shape->leg[leg].real_sectors * SECTOR_SIZE;
}

enum sb1_verdict
meta_superblock (const struct crash_shape *shape, unsigned leg,
                 const uint32_t *sectors, struct sb1 *ret, char *why)
{
  uint8_t block[SB1_BLOCK_SIZE];

  gather (sectors, SB1_BLOCK_SIZE / SECTOR_SIZE, block);
  why[0] = '\0';
  if (!sb1_decode (shape->version, block, ret))
    return SB1_NONE;
  return sb1_check (ret, block, member_bytes (shape, leg), why);
}

enum bitmap_verdict
meta_bitmap (const struct crash_shape *shape, unsigned leg,
             const uint32_t *sectors, const struct sb1 *sb,
             struct bitmap_super *ret, uint8_t *ret_bits, char *why)
{
  why[0] = '\0';
  if (!(sb->features & SB1_FEATURE_BITMAP))
    return BITMAP_NONE;
  bitmap_decode (store_bytes (sectors[0]), ret);
  if (ret_bits != NULL)
    meta_bits (shape, sectors, ret_bits);
  return bitmap_check (ret, sb, member_bytes (shape, leg), why);
}

void
meta_bits (const struct crash_shape *shape, const uint32_t *sectors,
           uint8_t *ret)
{
  uint8_t pages[META_BITMAP_SECTORS * SECTOR_SIZE];

  memset (ret, 0, META_BITS_SIZE);
  if (!shape->has_bitmap)
    return;
  gather (sectors, shape->pages * BITMAP_PAGE_SIZE / SECTOR_SIZE, pages);
  for (uint32_t i = 0; i < shape->regions; i++)
    if (bitmap_get (pages + BITMAP_HEAD_SIZE, shape->bit[i]))
      bitmap_set (ret, i);
}

static void
look_at (const struct crash_shape *shape, const struct crash_images *images,
         unsigned leg, struct meta_member *ret)
{
  const struct crash_leg *l = &shape->leg[leg];
  const uint32_t *sectors = images->sector[leg];

  ret->verdict = meta_superblock (shape, leg, sectors + l->super.first,
                                  &ret->sb, ret->why);
  ret->bitmap_verdict = BITMAP_NONE;
  if (ret->verdict == SB1_GOOD)
    ret->bitmap_verdict
      = meta_bitmap (shape, leg, sectors + l->bitmap.first, &ret->sb,
                     &ret->bitmap, ret->bits, ret->bitmap_why);
}

/* Which bits will be believed? */
static void
add_bits (const struct crash_shape *shape, struct crash_meta *meta)
{
  const struct assembly *assembly = &meta->assembly;

  meta->bits_count = assembly->bitmap && assembly->bitmap_good;
  memset (meta->bits, 0, sizeof meta->bits);
  for (unsigned leg = 0; leg < shape->slots; leg++) {
    const struct meta_member *member = &meta->member[leg];

    if ((meta->in_sync >> leg & 1) && member->bitmap_verdict == BITMAP_GOOD
        && member->bitmap.events >= assembly->events)
      bitmap_merge (meta->bits, member->bits, shape->regions);
  }
}

void
meta_look (const struct crash_shape *shape, const struct crash_images *images,
           uint32_t present, int keep, struct crash_meta *ret)
{
  struct assemble_member members[CRASH_LEGS_MAX];
  unsigned count = 0;
  int kept = -1; /* a member */

  ret->present = present;
  ret->in_sync = 0;
  for (unsigned leg = 0; leg < shape->slots; leg++) {
    struct meta_member *member = &ret->member[leg];

    if (!(present >> leg & 1))
      continue;
    look_at (shape, images, leg, member);
    if ((int)leg == keep && member->verdict == SB1_GOOD)
      kept = count;
    members[count++] = (struct assemble_member){
      .verdict = member->verdict,
      .sb = &member->sb,
      .why = member->why,
      .bitmap_verdict = member->bitmap_verdict,
      .bitmap_events = member->bitmap.events,
      .events_cleared = member->bitmap.events_cleared,
      .bitmap_why = member->bitmap_why,
    };
  }
  assert (count > 0);
  assemble (members, count, kept, &ret->assembly);

  count = 0;
  for (unsigned leg = 0; leg < shape->slots; leg++) {
    ret->part[leg] = (struct assemble_part){ .part = PART_UNUSABLE,
                                             .slot = ASSEMBLE_NO_SLOT };
    if (!(present >> leg & 1))
      continue;
    ret->part[leg] = ret->assembly.part[count++];
    if (ret->assembly.result == ASSEMBLE_START
        && ret->part[leg].part == PART_IN_SYNC)
      ret->in_sync |= 1u << leg;
  }
  ret->dirty = ret->assembly.dirty;
  ret->dirty_from
    = ret->dirty ? shape_lba (shape, ret->assembly.resync_from) : UINT32_MAX;
  add_bits (shape, ret);
}

bool
meta_is_current (const struct crash_shape *shape, const struct crash_meta *meta,
                 const struct crash_copy *copy)
{
  const struct assemble_part *part = &meta->part[copy->leg];

  if (meta->in_sync >> copy->leg & 1)
    return true;
  return meta->in_sync != 0 && part->part == PART_RECOVERING
         && shape_offset (shape, copy->leg, copy->sector)
              < part->recovery_offset;
}

bool
meta_is_marked (const struct crash_shape *shape, const struct crash_meta *meta,
                uint32_t lba)
{
  if (!meta->dirty || lba < meta->dirty_from)
    return false;
  return !meta->bits_count || meta_bit (shape, meta->bits, lba);
}

/* Have they different tables for the same number of events? */
static bool
disagree (const struct crash_shape *shape, const struct sb1 *a,
          const struct sb1 *b)
{
  bool differ = false;

  for (unsigned i = 0; i < shape->slots; i++)
    differ |= sb1_role (a, i) != sb1_role (b, i);
  return differ && a->events == b->events;
}

bool
meta_are_apart (const struct crash_shape *shape, const struct crash_meta *meta)
{
  for (unsigned i = 0; i < shape->slots; i++)
    for (unsigned j = 0; j < i; j++) {
      const struct sb1 *a = &meta->member[i].sb, *b = &meta->member[j].sb;

      if ((meta->present >> i & 1) && (meta->present >> j & 1)
          && ((sb1_role (a, b->dev_number) >= SB1_ROLE_SLOTS
               && sb1_role (b, a->dev_number) >= SB1_ROLE_SLOTS)
              || disagree (shape, a, b)))
        return meta->assembly.result == ASSEMBLE_SPLIT;
    }
  return false;
}

static void
print_member (const struct crash_shape *shape, const struct meta_member *member,
              const struct assemble_part *part, unsigned leg)
{
  const struct sb1 *sb = &member->sb;

  printf ("  leg %u: %s, events %llu, resync %lld, features 0x%x, rebuilt "
          "%llu, number %u, roles", leg, assemble_part_text (part->part),
          (unsigned long long)sb->events, (long long)sb->resync_offset,
          sb->features, (unsigned long long)sb->recovery_offset,
          sb->dev_number);
  for (unsigned i = 0; i < shape->slots; i++)
    printf (" %x", sb1_role (sb, i));
  if (member->bitmap_verdict != BITMAP_NONE) {
    printf ("; bitmap events %llu, cleared %llu, bits ",
            (unsigned long long)member->bitmap.events,
            (unsigned long long)member->bitmap.events_cleared);
    for (unsigned i = 0; i < shape->regions; i++)
      putchar ('0' + bitmap_get (member->bits, i));
  }
  putchar ('\n');
}

void
meta_print (const struct crash_shape *shape, const struct crash_meta *meta)
{
  printf ("legs 0x%x: %s, authority: member %u, %s\n", meta->present,
          meta->assembly.result == ASSEMBLE_START ? "starts"
                                                  : meta->assembly.why,
          meta->assembly.authority, meta->dirty ? "dirty" : "clean");
  for (unsigned leg = 0; leg < shape->slots; leg++)
    if (meta->present >> leg & 1)
      print_member (shape, &meta->member[leg], &meta->part[leg], leg);
}
