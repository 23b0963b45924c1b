/* SPDX-License-Identifier: BSD-3-Clause */
/* create-plan: where everything goes on the members of a new array.
 *
 * Pure: no I/O, no locks, no allocation.  Calls layout, sb1, bitmap-disk.
 *
 *   1.0   data | bitmap | bad block log | superblock
 *   1.1   superblock | bitmap | bad block log | room to grow | data
 *   1.2   4 KiB | superblock | bitmap | bad block log | room to grow | data
 *
 * The numbers below are mdadm's habits, found by looking at what it makes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "logic/create-plan.h"

#define MEMBER_MIN 24          /* sectors */
#define HEADROOM_MAX 262144    /* sectors, 128 MiB */
#define DATA_ALIGNMENT 2048    /* sectors */
#define RAID1_SIZE_UNIT_KIB 64
#define BBLOG_SECTORS 8
#define RESERVE_MAX 256
#define END_SECTORS 24 /* 1.0: superblock, bad block log, and what is behind */
#define END_MAX (8 + END_SECTORS + RESERVE_MAX)
#define BITMAP_CHUNK_START 4096u
#define BITMAP_CHUNK_DEFAULT_MIN (64u * 1024 * 1024)
#define BITMAP_CHUNK_MAX (UINT32_C (1) << 31)

/* Sectors that are kept free for a bitmap on so many. */
static uint64_t
bitmap_reserve (uint64_t sectors)
{
  if (sectors < 128)
    return 0;
  if (sectors - 128 >= UINT64_C (419430400)) /* 200 GiB */
    return RESERVE_MAX;
  if (sectors - 8 > UINT64_C (16777216)) /* 8 GiB */
    return 128;
  return 8;
}

static uint64_t
choose_data_offset (const struct create_wish *wish, uint64_t sectors)
{
  uint64_t headroom = HEADROOM_MAX;
  uint64_t chunk_kib = wish->layout.chunk / 1024;

  if (wish->version == SB1_VERSION_1_0)
    return 0;
  while (headroom * 1024 > sectors
         && (chunk_kib == 0 || headroom / 2 >= 4 * chunk_kib)
         && headroom > 0)
    headroom /= 2;
  return round_up (24 + bitmap_reserve (sectors) + headroom, DATA_ALIGNMENT);
}

static uint64_t
free_sectors (const struct create_wish *wish, uint64_t sectors,
              uint64_t data_offset)
{
  uint64_t taken = data_offset;

  if (wish->version == SB1_VERSION_1_0) {
    taken = END_SECTORS + bitmap_reserve (sectors);
    sectors = round_down (sectors, 8);
  }
  return sectors > taken ? sectors - taken : 0;
}

uint64_t
create_member_sectors (uint64_t data_sectors)
{
  /* A little more can never need less. */
  uint64_t reserve = bitmap_reserve (data_sectors + END_MAX);

  return round_up (data_sectors, 8) + END_SECTORS + reserve;
}

uint64_t
create_data_sectors (uint64_t member_sectors)
{
  if (member_sectors < END_MAX)
    return 0;
  return round_down (member_sectors - END_MAX, RAID1_SIZE_UNIT_KIB * 2);
}

/* "disk.img", or "member 1". */
static const char *
name_member (const struct create_wish *wish, unsigned slot,
             char ret[static MESSAGE_MAX])
{
  if (wish->member_name[slot] != NULL)
    snprintf (ret, MESSAGE_MAX, "%.700s", wish->member_name[slot]);
  else
    snprintf (ret, MESSAGE_MAX, "member %u", slot);
  return ret;
}

/* What all members can give, or what the user wants of it. */
static bool
choose_size (const struct create_wish *wish, uint64_t data_offset,
             uint64_t *ret, char *why)
{
  uint64_t unit = (wish->layout.level == LEVEL_RAID10
                     ? wish->layout.chunk / 1024
                     : RAID1_SIZE_UNIT_KIB)
                  * 2;
  uint64_t least = UINT64_MAX;
  unsigned smallest = 0;
  char name[MESSAGE_MAX];

  for (unsigned i = 0; i < create_disks (wish); i++) {
    uint64_t sectors = wish->member_bytes[i] / SECTOR_SIZE;

    if (sectors == 0)
      continue;
    if (sectors < MEMBER_MIN
        || free_sectors (wish, sectors, data_offset) < unit) {
      snprintf (why, MESSAGE_MAX, "%.800s of %" PRIu64 " bytes is too small",
                name_member (wish, i, name), wish->member_bytes[i]);
      return false;
    }
    if (free_sectors (wish, sectors, data_offset) < least) {
      least = free_sectors (wish, sectors, data_offset);
      smallest = i;
    }
  }
  if (least == UINT64_MAX) {
    snprintf (why, MESSAGE_MAX, "every member is missing");
    return false;
  }
  if (wish->size > least) {
    snprintf (why, MESSAGE_MAX, "size %" PRIu64 ": the smallest, %.800s, has "
              "only %" PRIu64 " bytes to give", wish->size * SECTOR_SIZE,
              name_member (wish, smallest, name),
              round_down (least, unit) * SECTOR_SIZE);
    return false;
  }
  if (wish->size != 0)
    least = wish->size;
  if (wish->exact_size)
    unit = 1;
  *ret = round_down (least, unit);
  if (*ret == 0) {
    snprintf (why, MESSAGE_MAX, "size %" PRIu64 ": less than one unit of %"
              PRIu64 " bytes", wish->size * SECTOR_SIZE, unit * SECTOR_SIZE);
    return false;
  }
  return true;
}

/* ------------------------------------------------------------------- bitmap */

static uint64_t
bits_needed (uint64_t sync_size, uint64_t chunk)
{
  return sync_size / (chunk / SECTOR_SIZE) + 1;
}

static bool
choose_bitmap_chunk (const struct create_wish *wish, struct create_plan *plan,
                     char *why)
{
  uint64_t reserve = bitmap_reserve (plan->size);
  uint64_t least = BITMAP_CHUNK_START;
  uint64_t bits_max;
  uint64_t bits;

  if (wish->bitmap_chunk == 0)
    reserve = MIN (reserve, (uint64_t)RESERVE_MAX);
  bits_max = reserve == 0 ? 0 : (reserve * SECTOR_SIZE - BITMAP_HEAD_SIZE) * 8;
  bits = bits_needed (plan->bitmap_sync_size, least);
  while (bits > bits_max && least < BITMAP_CHUNK_MAX) {
    least *= 2;
    bits = div_round_up (bits, 2);
  }
  if (bits > bits_max) {
    snprintf (why, MESSAGE_MAX, "there is no room for a bitmap");
    return false;
  }
  if (wish->bitmap_chunk == 0) {
    plan->bitmap_chunk = MAX (least, (uint64_t)BITMAP_CHUNK_DEFAULT_MIN);
    return true;
  }
  if (wish->bitmap_chunk < least || !is_power_of_2 (wish->bitmap_chunk)) {
    snprintf (why, MESSAGE_MAX, "bitmap chunk %" PRIu32 ": not a power of two "
              "of at least %" PRIu64 ", with which the bitmap fits its room",
              wish->bitmap_chunk, least);
    return false;
  }
  plan->bitmap_chunk = wish->bitmap_chunk;
  return true;
}

static bool
plan_bitmap (const struct create_wish *wish, struct create_plan *plan,
             char *why)
{
  const struct layout *layout = &wish->layout;

  if (!wish->bitmap)
    return true;
  plan->bitmap_sync_size = plan->size;
  if (layout->level == LEVEL_RAID10)
    plan->bitmap_sync_size
      = plan->size / 2 * layout->slots / (layout->near * layout->far) * 2;
  if (!choose_bitmap_chunk (wish, plan, why))
    return false;
  plan->bitmap_bytes
    = div_round_up (
        BITMAP_HEAD_SIZE
          + div_round_up (
            bits_needed (plan->bitmap_sync_size, plan->bitmap_chunk), 8),
        BITMAP_PAGE_SIZE)
      * BITMAP_PAGE_SIZE;
  plan->bitmap_offset = 8;
  if (wish->version == SB1_VERSION_1_0)
    plan->bitmap_offset = -(int32_t)(plan->bitmap_bytes / SECTOR_SIZE + 8);
  return true;
}

/* ------------------------------------------------------------------ members */

static void
plan_member_1_0 (const struct create_plan *plan, uint64_t beside,
                 struct create_member *member)
{
  uint64_t left = member->super_offset - plan->size;

  member->data_size = member->super_offset - MIN (beside + BBLOG_SECTORS, left);
  member->bblog_offset = left >= BBLOG_SECTORS ? -BBLOG_SECTORS : 0;
}

static void
plan_member_1_x (uint64_t sectors, uint64_t beside,
                 struct create_member *member)
{
  uint64_t offset = 8 + beside;

  member->data_size = sectors - member->data_offset;
  if (member->super_offset + offset + BBLOG_SECTORS > member->data_offset)
    offset = member->data_offset - BBLOG_SECTORS - member->super_offset;
  member->bblog_offset = (int32_t)offset;
}

static void
plan_member (const struct create_wish *wish, struct create_plan *plan,
             unsigned slot, uint64_t data_offset)
{
  struct create_member *member = &plan->member[slot];
  uint64_t sectors = wish->member_bytes[slot] / SECTOR_SIZE;
  uint64_t beside = plan->bitmap_bytes / SECTOR_SIZE;
  uint64_t place = 0;
  bool fits;

  if (sectors == 0)
    return;
  if (plan->bitmap_chunk == 0)
    beside = bitmap_reserve (plan->size);
  fits = sb1_offset (wish->version, wish->member_bytes[slot], &place);
  assert (fits);
  member->super_offset = place / SECTOR_SIZE;
  member->data_offset = data_offset;
  if (wish->version == SB1_VERSION_1_0)
    plan_member_1_0 (plan, beside, member);
  else
    plan_member_1_x (sectors, beside, member);
  member->bblog_size = member->bblog_offset == 0 ? 0 : BBLOG_SECTORS;
}

bool
create_plan (const struct create_wish *wish, struct create_plan *ret,
             char *why)
{
  struct create_plan plan = { .layout = wish->layout };
  uint64_t data_offset = 0;

  assert (layout_check (&wish->layout) == NULL);
  assert (wish->version != SB1_VERSION_0_90);
  why[0] = '\0';
  /* That of the first member serves all. */
  for (unsigned i = wish->layout.slots; i-- > 0;)
    if (wish->member_bytes[i] != 0)
      data_offset
        = choose_data_offset (wish, wish->member_bytes[i] / SECTOR_SIZE);
  if (!choose_size (wish, data_offset, &plan.size, why)
      || !plan_bitmap (wish, &plan, why))
    return false;
  layout_set_size (&plan.layout, plan.size * SECTOR_SIZE);
  if (plan.layout.array_size == 0) {
    snprintf (why, MESSAGE_MAX, "the members are too small for this layout");
    return false;
  }
  for (unsigned i = 0; i < create_disks (wish); i++)
    plan_member (wish, &plan, i, data_offset);
  *ret = plan;
  return true;
}

/* -------------------------------------------------------------- superblocks */

void
create_superblock (const struct create_wish *wish,
                   const struct create_plan *plan, unsigned slot,
                   const uint8_t set_uuid[16], const uint8_t device_uuid[16],
                   uint64_t time, struct sb1 *ret)
{
  const struct create_member *member = &plan->member[slot];
  const struct layout *layout = &plan->layout;

  assert (slot < create_disks (wish) && wish->member_bytes[slot] != 0);
  *ret = (struct sb1){
    .version = wish->version,
    .major = 1,
    .features = plan->bitmap_chunk != 0 ? SB1_FEATURE_BITMAP : 0,
    .ctime = time,
    .level = layout->level,
    .layout = layout_to_word (layout),
    .size = plan->size,
    .chunk = (uint32_t)(layout->chunk / SECTOR_SIZE),
    .raid_disks = layout->slots,
    .bitmap_offset = plan->bitmap_offset,
    .data_offset = member->data_offset,
    .data_size = member->data_size,
    .super_offset = member->super_offset,
    .dev_number = slot,
    .bblog_size = member->bblog_size,
    .bblog_offset = member->bblog_offset,
    .utime = time,
    .resync_offset = wish->assume_clean ? SB1_CLEAN : 0,
  };
  memcpy (ret->set_uuid, set_uuid, sizeof ret->set_uuid);
  memcpy (ret->device_uuid, device_uuid, sizeof ret->device_uuid);
  memcpy (ret->name, wish->name, sizeof ret->name);
  if (wish->rebuilt >> slot & 1)
    ret->features |= SB1_FEATURE_RECOVERY_OFFSET; /* which is 0 */
  ret->max_dev
    = (round_up (SB1_HEAD_SIZE + 2 * create_disks (wish), SECTOR_SIZE)
       - SB1_HEAD_SIZE)
      / 2;
  for (unsigned i = 0; i < SB1_ROLES_MAX; i++)
    ret->roles[i] = SB1_ROLE_SPARE;
  for (unsigned i = 0; i < layout->slots; i++)
    if (wish->member_bytes[i] != 0)
      ret->roles[i] = (uint16_t)i;
}

void
create_bitmap (const struct create_plan *plan, const uint8_t set_uuid[16],
               struct bitmap_super *ret)
{
  assert (plan->bitmap_chunk != 0);
  *ret = (struct bitmap_super){ .magic = BITMAP_MAGIC,
                                .version = BITMAP_VERSION,
                                .sync_size = plan->bitmap_sync_size,
                                .chunk = plan->bitmap_chunk,
                                .daemon_sleep = BITMAP_DAEMON_SLEEP_DEFAULT };
  memcpy (ret->uuid, set_uuid, sizeof ret->uuid);
}
