/* SPDX-License-Identifier: BSD-3-Clause */
/* exchange-world: which array it is, what lies on its disks at the start, and
 * what must lie there at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "logic/bytes.h"
#include "logic/create-plan.h"
#include "logic/unfinished.h"

#define CHUNK 4096u

static uint64_t super_at; /* bytes of each disk */

/* ------------------------------------------------------------------ which one */

static void
mark_layout (const struct layout *layout)
{
  reached[MARK_PLAIN] += exchange.plain;
  if (layout->near > 1)
    reached[MARK_NEAR]++;
  else if (layout->far > 1)
    reached[layout->offset ? MARK_OFFSET : MARK_FAR]++;
  reached[MARK_SETS] += layout->far_sets;
}

static void
choose_layout (struct layout *ret)
{
  struct random_stream *chance = &exchange.chance;

  do {
    *ret = (struct layout){ .level = LEVEL_RAID1,
                            .slots = random_between (chance, 2, 3),
                            .near = 1,
                            .far = 1 };
    if (random_one_in (chance, 3))
      break;
    ret->level = LEVEL_RAID10;
    ret->slots = random_between (chance, 2, 4);
    ret->chunk = CHUNK;
    if (random_one_in (chance, 2))
      ret->near = random_between (chance, 2, 3);
    else {
      ret->far = random_between (chance, 2, 3);
      ret->offset = random_one_in (chance, 2);
      ret->far_sets = random_one_in (chance, 3);
    }
  } while (layout_check (ret) != NULL);
}

bool
world_is_enough (uint32_t slots)
{
  for (unsigned i = 0; i < exchange.groups; i++)
    if ((exchange.group[i] & slots) == 0)
      return false;
  return true;
}

bool
world_has_heir (const struct array_snapshot *now, int slot)
{
  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].state == MEMBER_REPLACING && now->member[i].slot == slot)
      return true;
  return false;
}

bool
world_another_is_good (const struct array_snapshot *now, uint32_t but)
{
  uint32_t good = 0;

  for (unsigned i = 0; i < now->members; i++) {
    const struct array_member *member = &now->member[i];

    if (member->id != but && member->state == MEMBER_IN_SYNC
        && disk_of (member)->fault == DISK_GOOD
        && disk_of (member)->bad_length == 0
        && !world_has_heir (now, member->slot))
      good |= 1u << member->slot;
  }
  return world_is_enough (good);
}

/* ------------------------------------------------------------------ its disks */

/* Some sectors of @disk are on record as bad; they hold nothing of use. */
static void
lay_bad (struct disk *disk, struct sb1 *sb)
{
  struct random_stream *chance = &exchange.chance;
  uint64_t length = random_between (chance, 1, 16);
  uint64_t sector = random_below (chance, 120);

  if (sb->bblog_offset == 0)
    sim_fail ("no room for bad blocks");
  disk->bad = sector * SECTOR_SIZE;
  disk->bad_length = length * SECTOR_SIZE;
  memset (disk->data + disk->bad, random_one_in (chance, 2) ? 0xbb : 0,
          disk->bad_length);
  sb->features |= SB1_FEATURE_BAD_BLOCKS;
  memset (disk->data + super_at + sb->bblog_offset * (int)SECTOR_SIZE, 0xff,
          sb->bblog_size * SECTOR_SIZE);
  store_le64 (disk->data + super_at + sb->bblog_offset * (int)SECTOR_SIZE,
              (sector + sb->data_offset) << 10 | length);
  reached[MARK_BAD]++;
}

/* Of those that have bad blocks enough others are good. */
static uint32_t
choose_bad (void)
{
  uint32_t all = layout_all_slots (&exchange.layout);
  uint32_t bad = UINT32_C (1)
                 << random_below (&exchange.chance, exchange.layout.slots);

  return !exchange.may_lose_last && random_one_in (&exchange.chance, 3)
             && world_is_enough (all & ~bad)
           ? bad : 0;
}

/* Where they may lie at the end of a disk. */
#define METADATA_BYTES (32u * 1024)

static void
lay_metadata (bool has_bitmap)
{
  static const uint8_t uuid[16] = "change";
  struct create_wish wish = {
    .layout = exchange.layout,
    .version = SB1_VERSION_1_0,
    .bitmap = has_bitmap,
    .bitmap_chunk = 4096,
    .assume_clean = true,
  };
  uint32_t bad = choose_bad ();
  struct bitmap_super bitmap;
  struct create_plan plan, smaller;
  char why[MESSAGE_MAX];

  for (unsigned i = 0; i < exchange.layout.slots; i++)
    wish.member_bytes[i] = DISK_SIZE;
  if (!create_plan (&wish, &plan, why))
    sim_fail ("no plan: %s", why);
  /* Some have room to grow. */
  wish.size = plan.size / 2;
  if (wish.layout.chunk != 0)
    wish.size = round_down (wish.size, wish.layout.chunk / SECTOR_SIZE);
  if (random_one_in (&exchange.chance, 2) && wish.size > 0
      && create_plan (&wish, &smaller, why)
      && smaller.layout.array_size >= CLIENTS_BYTES)
    plan = smaller;
  for (unsigned i = 0; i < exchange.layout.slots; i++)
    for (uint64_t at = plan.size * SECTOR_SIZE;
         at < DISK_SIZE - METADATA_BYTES; at++)
      disks[i].data[at] = (uint8_t)('a' + i);
  exchange.layout = plan.layout;
  for (unsigned i = 0; i < exchange.layout.slots; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };
    struct sb1 sb;

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    super_at = sb.super_offset * SECTOR_SIZE;
    if (bad & 1u << i)
      lay_bad (&disks[i], &sb);
    sb1_encode (&sb, disks[i].data + super_at);
    if (!has_bitmap)
      continue;
    create_bitmap (&plan, uuid, &bitmap);
    bitmap_encode (&bitmap, disks[i].data + bitmap_offset_bytes (&sb));
  }
}

/* Behind what clients write, so that a disk can be told by it. */
static void
lay_data (void)
{
  struct copy copy[LEGS_MAX];

  for (uint64_t at = round_up (CLIENTS_BYTES, SECTOR_SIZE);
       at < exchange.layout.array_size; at += SECTOR_SIZE) {
    layout_map (&exchange.layout, at, copy);
    for (unsigned i = 0; i < layout_copies (&exchange.layout); i++)
      memset (disks[copy[i].slot].data + copy[i].offset, 'd', SECTOR_SIZE);
  }
}

/* What it holds is of another array. */
static void
make_foreign (struct disk *disk)
{
  struct sb1 sb;

  if (exchange.plain
      || !sb1_decode (SB1_VERSION_1_0, disk->data + super_at, &sb)) {
    memset (disk->data, 'f', DISK_SIZE);
    return;
  }
  sb.set_uuid[0] ^= 1;
  sb1_encode (&sb, disk->data + super_at);
}

enum only
world_kind (const char *name)
{
  static const char *const names[] = { "any", "plain", "md", "last" };
  unsigned i = 0;

  while (i < ARRAY_LENGTH (names) && name != NULL && strcmp (name, names[i]))
    i++;
  if (i < ARRAY_LENGTH (names))
    return i;
  fprintf (stderr, "test-exchange: EXCHANGE_ONLY=%s is no kind\n", name);
  exit (1);
}

void
world_choose (void)
{
  choose_layout (&exchange.layout);
  layout_set_size (&exchange.layout, DISK_SIZE);
  exchange.groups = layout_groups (&exchange.layout, exchange.group);
  exchange.plain = random_one_in (&exchange.chance, 3);
  exchange.remote = random_one_in (&exchange.chance, 2);
  exchange.may_lose_last = exchange.remote && !exchange.plain
                           && random_one_in (&exchange.chance, 3);
  if (exchange.only != ONLY_ANY) {
    exchange.remote = true;
    exchange.plain = exchange.only == ONLY_PLAIN;
    exchange.may_lose_last = exchange.only == ONLY_LAST;
  }
  exchange.last_was_cut = exchange.errors_allowed = false;
  exchange.is_stuck = false;
  exchange.flush_seldom = random_one_in (&exchange.chance, 3);
  disks_are_remote = exchange.remote;
  disks_are_plain = exchange.plain;
  disks_are_swapped = exchange.remote && random_one_in (&exchange.chance, 2);
  disks_are_older = !exchange.may_lose_last;
  disks_make_foreign = make_foreign;
  mark_layout (&exchange.layout);
  if (!exchange.plain)
    lay_metadata (random_one_in (&exchange.chance, 2));
  disks_tell_at = exchange.plain ? 0 : super_at;
  if (exchange.remote && exchange.plain)
    lay_data ();
  exchange.first_size = exchange.layout.array_size;
}

bool
world_was_member (const struct disk *disk)
{
  struct sb1 sb;

  return sb1_decode (SB1_VERSION_1_0, disk->data + super_at, &sb);
}

/* -------------------------------------------------------------- what is there */

static bool
is_bad (const struct disk *disk, uint64_t at)
{
  return at < disk->bad + disk->bad_length && disk->bad < at + SECTOR_SIZE;
}

/* All copies of a sector of the array, of which @disk_in has the disk of each
 * slot, or NULL.
 */
static void
compare_sector (struct disk *const *disk_in, uint64_t offset)
{
  const uint8_t *first = NULL;
  struct copy copies[LEGS_MAX];

  layout_map (&exchange.layout, offset, copies);
  for (unsigned i = 0; i < layout_copies (&exchange.layout); i++) {
    struct disk *disk = disk_in[copies[i].slot];
    uint64_t at = copies[i].offset;

    if (disk == NULL || is_bad (disk, at))
      continue;
    if (first == NULL)
      first = disk->data + at;
    if (memcmp (first, disk->data + at, SECTOR_SIZE) != 0)
      sim_fail ("%s (slot %u) differs at the end, at its byte %llu",
                disk_name (disk - disks), copies[i].slot,
                (unsigned long long)at);
  }
}

static void
compare_all (const struct array_snapshot *now, struct disk *const *disk_in)
{
  uint64_t size = now->status.sync_left > 0 ? exchange.first_size
                                            : exchange.layout.array_size;

  for (uint64_t at = 0; at < size; at += SECTOR_SIZE)
    compare_sector (disk_in, at);
}

/* It says that it is no copy, or it is one. */
static void
check_unfinished (const struct array_snapshot *now,
                  const struct array_member *member, struct disk *const *kept)
{
  struct disk *disk_in[LEGS_MAX], *disk = disk_of (member);

  if (unfinished_is (disk->data)) {
    reached[MARK_UNFINISHED]++;
    return;
  }
  /* Within the quarantine nobody can help that. */
  if (disk->spoilt)
    return;
  memcpy (disk_in, kept, sizeof disk_in);
  disk_in[member->slot] = disk;
  compare_all (now, disk_in);
}

bool
world_is_good (const struct array_snapshot *now)
{
  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].state == MEMBER_IN_SYNC
        && disk_of (&now->member[i])->fault != DISK_GOOD)
      return false;
  return true;
}

void
world_compare (const struct array_snapshot *now, struct disk *ret[LEGS_MAX])
{
  /* Nobody is in sync while an old server may still write to it. */
  for (unsigned i = 0; i < DISKS; i++)
    if (disks[i].swap == SWAP_NONE)
      disk_end_late (&disks[i]);
  memset (ret, 0, LEGS_MAX * sizeof ret[0]);
  for (unsigned i = 0; i < now->members; i++) {
    const struct array_member *member = &now->member[i];

    if (member->state == MEMBER_IN_SYNC
        && disk_of (member)->fault == DISK_GOOD)
      ret[member->slot] = disk_of (member);
  }
  /* What differs is brought together at the next start. */
  if (exchange.is_stuck)
    return;
  compare_all (now, ret);
  for (unsigned i = 0; i < now->members; i++)
    if (exchange.plain && now->member[i].state != MEMBER_FAULTY
        && now->member[i].state != MEMBER_IN_SYNC)
      check_unfinished (now, &now->member[i], ret);
}
