/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1-codec: md superblock 1.x, bytes <-> struct.
 *
 * Pure: no I/O, no locks, no allocation.  Calls layout for the geometry.
 *
 * Decoding judges nothing (sb1-check does): a damaged superblock can be
 * shown as well.  Only the number of roles is cut to what fits the block.
 * Encoding stores into the block as it was found, so that bytes which newer
 * software uses survive.
 */
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/layout.h"
#include "logic/sb1.h"

struct sb1_disk {
  uint8_t magic[4];
  uint8_t major[4];
  uint8_t features[4];
  uint8_t pad0[4];
  uint8_t set_uuid[16];
  uint8_t name[SB1_NAME_SIZE];
  uint8_t ctime[8];
  uint8_t level[4];
  uint8_t layout[4];
  uint8_t size[8];
  uint8_t chunk[4];
  uint8_t raid_disks[4];
  uint8_t bitmap_offset[4];
  uint8_t new_level[4];
  uint8_t reshape_position[8];
  uint8_t delta_disks[4];
  uint8_t new_layout[4];
  uint8_t new_chunk[4];
  uint8_t new_offset[4];
  uint8_t data_offset[8];
  uint8_t data_size[8];
  uint8_t super_offset[8];
  uint8_t recovery_offset[8];
  uint8_t dev_number[4];
  uint8_t corrected_reads[4];
  uint8_t device_uuid[16];
  uint8_t devflags;
  uint8_t bblog_shift;
  uint8_t bblog_size[2];
  uint8_t bblog_offset[4];
  uint8_t utime[8];
  uint8_t events[8];
  uint8_t resync_offset[8];
  uint8_t checksum[4];
  uint8_t max_dev[4];
  uint8_t logical_block[4];
  uint8_t pad3[28];
  uint8_t roles[SB1_ROLES_MAX][2];
};

static_assert (sizeof (struct sb1_disk) == SB1_BLOCK_SIZE, "one block");
static_assert (offsetof (struct sb1_disk, set_uuid) == 16, "md's offset");
static_assert (offsetof (struct sb1_disk, ctime) == 64, "md's offset");
static_assert (offsetof (struct sb1_disk, size) == 80, "md's offset");
static_assert (offsetof (struct sb1_disk, bitmap_offset) == 96, "md's offset");
static_assert (offsetof (struct sb1_disk, new_level) == 100, "md's offset");
static_assert (offsetof (struct sb1_disk, new_offset) == 124, "md's offset");
static_assert (offsetof (struct sb1_disk, data_offset) == 128, "md's offset");
static_assert (offsetof (struct sb1_disk, dev_number) == 160, "md's offset");
static_assert (offsetof (struct sb1_disk, devflags) == 184, "md's offset");
static_assert (offsetof (struct sb1_disk, bblog_offset) == 188, "md's offset");
static_assert (offsetof (struct sb1_disk, utime) == 192, "md's offset");
static_assert (offsetof (struct sb1_disk, resync_offset) == 208,
               "md's offset");
static_assert (offsetof (struct sb1_disk, checksum) == 216, "md's offset");
static_assert (offsetof (struct sb1_disk, max_dev) == 220, "md's offset");
static_assert (offsetof (struct sb1_disk, pad3) == 228, "md's offset");
static_assert (offsetof (struct sb1_disk, roles) == SB1_HEAD_SIZE,
               "md's offset");

static void
decode_array (const struct sb1_disk *disk, struct sb1 *sb)
{
  sb->major = load_le32 (disk->major);
  sb->features = load_le32 (disk->features);
  sb->pad0 = load_le32 (disk->pad0);
  memcpy (sb->set_uuid, disk->set_uuid, sizeof sb->set_uuid);
  memcpy (sb->name, disk->name, sizeof disk->name);
  sb->name[sizeof disk->name] = '\0';
  sb->ctime = load_le64 (disk->ctime);
  sb->level = (int32_t)load_le32 (disk->level);
  sb->layout = load_le32 (disk->layout);
  sb->size = load_le64 (disk->size);
  sb->chunk = load_le32 (disk->chunk);
  sb->raid_disks = load_le32 (disk->raid_disks);
  sb->bitmap_offset = (int32_t)load_le32 (disk->bitmap_offset);
  sb->new_level = (int32_t)load_le32 (disk->new_level);
  sb->reshape_position = load_le64 (disk->reshape_position);
  sb->delta_disks = (int32_t)load_le32 (disk->delta_disks);
  sb->new_layout = load_le32 (disk->new_layout);
  sb->new_chunk = load_le32 (disk->new_chunk);
  sb->new_offset = (int32_t)load_le32 (disk->new_offset);
}

static void
decode_member (const struct sb1_disk *disk, struct sb1 *sb)
{
  sb->data_offset = load_le64 (disk->data_offset);
  sb->data_size = load_le64 (disk->data_size);
  sb->super_offset = load_le64 (disk->super_offset);
  sb->recovery_offset = load_le64 (disk->recovery_offset);
  sb->dev_number = load_le32 (disk->dev_number);
  sb->corrected_reads = load_le32 (disk->corrected_reads);
  memcpy (sb->device_uuid, disk->device_uuid, sizeof sb->device_uuid);
  sb->devflags = disk->devflags;
  sb->bblog_shift = disk->bblog_shift;
  sb->bblog_size = load_le16 (disk->bblog_size);
  sb->bblog_offset = (int32_t)load_le32 (disk->bblog_offset);
}

static void
decode_state (const struct sb1_disk *disk, struct sb1 *sb)
{
  sb->utime = load_le64 (disk->utime);
  sb->events = load_le64 (disk->events);
  sb->resync_offset = load_le64 (disk->resync_offset);
  sb->checksum = load_le32 (disk->checksum);
  sb->max_dev = load_le32 (disk->max_dev);
  sb->logical_block = load_le32 (disk->logical_block);
  sb->padding_used = false;
  for (unsigned i = 0; i < sizeof disk->pad3; i++)
    sb->padding_used |= disk->pad3[i] != 0;
  for (unsigned i = 0; i < SB1_ROLES_MAX; i++)
    sb->roles[i]
      = i < sb->max_dev ? load_le16 (disk->roles[i]) : SB1_ROLE_SPARE;
}

bool
sb1_decode (enum sb1_version version, const uint8_t *block, struct sb1 *ret)
{
  const struct sb1_disk *disk = (const struct sb1_disk *)block;

  if (version == SB1_VERSION_0_90 || !sb1_recognise (version, block))
    return false;
  ret->version = version;
  decode_array (disk, ret);
  decode_member (disk, ret);
  decode_state (disk, ret);
  return true;
}

uint32_t
sb1_checksum (const uint8_t *block)
{
  const struct sb1_disk *disk = (const struct sb1_disk *)block;
  uint32_t max_dev = load_le32 (disk->max_dev);
  unsigned bytes = SB1_HEAD_SIZE + 2 * max_dev;
  uint64_t sum = 0;

  assert (max_dev <= SB1_ROLES_MAX);
  for (unsigned i = 0; i + 4 <= bytes; i += 4)
    if (i != offsetof (struct sb1_disk, checksum))
      sum += load_le32 (block + i);
  if (bytes % 4 != 0)
    sum += load_le16 (block + bytes - 2);
  return (uint32_t)((sum & UINT32_MAX) + (sum >> 32));
}

static void
encode_array (const struct sb1 *sb, struct sb1_disk *disk)
{
  store_le32 (disk->magic, SB1_MAGIC);
  store_le32 (disk->major, sb->major);
  store_le32 (disk->features, sb->features);
  store_le32 (disk->pad0, sb->pad0);
  memcpy (disk->set_uuid, sb->set_uuid, sizeof disk->set_uuid);
  memcpy (disk->name, sb->name, sizeof disk->name);
  store_le64 (disk->ctime, sb->ctime);
  store_le32 (disk->level, (uint32_t)sb->level);
  store_le32 (disk->layout, sb->layout);
  store_le64 (disk->size, sb->size);
  store_le32 (disk->chunk, sb->chunk);
  store_le32 (disk->raid_disks, sb->raid_disks);
  store_le32 (disk->bitmap_offset, (uint32_t)sb->bitmap_offset);
  store_le32 (disk->new_level, (uint32_t)sb->new_level);
  store_le64 (disk->reshape_position, sb->reshape_position);
  store_le32 (disk->delta_disks, (uint32_t)sb->delta_disks);
  store_le32 (disk->new_layout, sb->new_layout);
  store_le32 (disk->new_chunk, sb->new_chunk);
  store_le32 (disk->new_offset, (uint32_t)sb->new_offset);
}

static void
encode_member (const struct sb1 *sb, struct sb1_disk *disk)
{
  store_le64 (disk->data_offset, sb->data_offset);
  store_le64 (disk->data_size, sb->data_size);
  store_le64 (disk->super_offset, sb->super_offset);
  store_le64 (disk->recovery_offset, sb->recovery_offset);
  store_le32 (disk->dev_number, sb->dev_number);
  store_le32 (disk->corrected_reads, sb->corrected_reads);
  memcpy (disk->device_uuid, sb->device_uuid, sizeof disk->device_uuid);
  disk->devflags = sb->devflags;
  disk->bblog_shift = sb->bblog_shift;
  store_le16 (disk->bblog_size, sb->bblog_size);
  store_le32 (disk->bblog_offset, (uint32_t)sb->bblog_offset);
}

void
sb1_encode (const struct sb1 *sb, uint8_t *block)
{
  struct sb1_disk *disk = (struct sb1_disk *)block;

  /* What sb1_check demands of what is read. */
  assert (sb->version != SB1_VERSION_0_90 && sb->major == 1 && sb->pad0 == 0);
  assert (sb->max_dev <= SB1_ROLES_MAX);
  assert ((sb->features & ~(uint32_t)SB1_FEATURES_OURS) == 0);

  encode_array (sb, disk);
  encode_member (sb, disk);
  /* Linux writes 0 as well when nothing is being rebuilt. */
  if (!(sb->features & SB1_FEATURE_RECOVERY_OFFSET))
    store_le64 (disk->recovery_offset, 0);
  store_le64 (disk->utime, sb->utime);
  store_le64 (disk->events, sb->events);
  store_le64 (disk->resync_offset, sb->resync_offset);
  store_le32 (disk->max_dev, sb->max_dev);
  store_le32 (disk->logical_block, sb->logical_block);
  for (unsigned i = 0; i < sb->max_dev; i++)
    store_le16 (disk->roles[i], sb->roles[i]);
  store_le32 (disk->checksum, sb1_checksum (block));
}

unsigned
sb1_written_bytes (const struct sb1 *sb, unsigned block_size)
{
  unsigned bytes = SB1_HEAD_SIZE + 2 * sb->max_dev;

  assert (sb->max_dev <= SB1_ROLES_MAX);
  assert (is_power_of_2 (block_size));
  return round_up (bytes, block_size);
}

uint16_t
sb1_role (const struct sb1 *sb, uint32_t dev_number)
{
  if (dev_number >= MIN (sb->max_dev, (uint32_t)SB1_ROLES_MAX))
    return SB1_ROLE_SPARE;
  return sb->roles[dev_number];
}

uint16_t
sb1_own_role (const struct sb1 *sb)
{
  return sb1_role (sb, sb->dev_number);
}

bool
sb1_slot_is_taken (const struct sb1 *sb, unsigned slot)
{
  assert (slot < SB1_ROLE_SLOTS);
  for (unsigned i = 0; i < sb->max_dev && i < SB1_ROLES_MAX; i++)
    if (sb->roles[i] == slot)
      return true;
  return false;
}

void
sb1_level_name (int32_t level, char *ret, size_t size)
{
  if (level == LEVEL_RAID1 || level == LEVEL_RAID10)
    snprintf (ret, size, "raid%d", level);
  else
    snprintf (ret, size, "level %d", level);
}

const char *
sb1_layout (const struct sb1 *sb, struct layout *ret)
{
  struct layout layout
    = { .level = sb->level, .slots = sb->raid_disks, .near = 1, .far = 1 };
  const char *wrong;
  uint64_t bytes;

  if (sb->level != LEVEL_RAID1 && sb->level != LEVEL_RAID10)
    return "is neither raid1 nor raid10";
  layout.chunk = (uint64_t)sb->chunk * SECTOR_SIZE;
  if (sb->level == LEVEL_RAID10) {
    wrong = layout_from_word (&layout, sb->layout);
    if (wrong != NULL)
      return wrong;
  }
  wrong = layout_check (&layout);
  if (wrong != NULL)
    return wrong;
  if (!mul_fits (sb->size, SECTOR_SIZE, &bytes) || bytes > INT64_MAX)
    return "is too large";
  layout_set_size (&layout, bytes);
  if (layout.array_size == 0)
    return "has no room for data";
  *ret = layout;
  return NULL;
}
