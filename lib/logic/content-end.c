/* SPDX-License-Identifier: BSD-3-Clause */
/* content-end: how large was the disk on which this was made?
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/content-end.h"

#define HEAD_MIN (128u * 1024u) /* all that is looked at below is in it */

static uint64_t
load_be (const uint8_t *bytes, unsigned count)
{
  uint64_t n = 0;

  for (unsigned i = 0; i < count; i++)
    n = n << 8 | bytes[i];
  return n;
}

/* Units and their size, or 0 if that is no number of bytes. */
static uint64_t
bytes_of (uint64_t count, uint64_t size)
{
  uint64_t bytes;

  return mul_fits (count, size, &bytes) ? bytes : 0;
}

static uint64_t
ext_end (const uint8_t *head)
{
  const uint8_t *super = head + 1024;
  uint32_t shift = load_le32 (super + 24);
  uint64_t blocks = load_le32 (super + 4);

  if (load_le16 (super + 56) != 0xef53 || shift > 6)
    return 0;
  if (load_le32 (super + 96) & 0x80) /* 64 bits */
    blocks |= (uint64_t)load_le32 (super + 0x150) << 32;
  return bytes_of (blocks, UINT64_C (1024) << shift);
}

static uint64_t
xfs_end (const uint8_t *head)
{
  if (memcmp (head, "XFSB", 4) != 0)
    return 0;
  return bytes_of (load_be (head + 8, 8), load_be (head + 4, 4));
}

/* The size of this device, in its own entry. */
static uint64_t
btrfs_end (const uint8_t *head)
{
  const uint8_t *super = head + 65536;

  if (memcmp (super + 64, "_BHRfS_M", 8) != 0)
    return 0;
  return load_le64 (super + 0xc9 + 8);
}

static uint64_t
swap_end (const uint8_t *head)
{
  if (memcmp (head + 4096 - 10, "SWAPSPACE2", 10) != 0)
    return 0;
  return bytes_of (UINT64_C (1) + load_le32 (head + 1028), 4096);
}

static uint64_t
lvm_end (const uint8_t *head)
{
  for (unsigned sector = 0; sector < 4; sector++) {
    const uint8_t *label = head + (size_t)sector * SECTOR_SIZE;
    uint32_t header = load_le32 (label + 20);

    if (memcmp (label, "LABELONE", 8) == 0
        && memcmp (label + 24, "LVM2 001", 8) == 0 && header <= 4096)
      return load_le64 (label + header + 32);
  }
  return 0;
}

/* The other copy of the table is in the last sector. */
static uint64_t
gpt_end (const uint8_t *head)
{
  for (unsigned sector = SECTOR_SIZE; sector <= 4096; sector *= 8) {
    uint64_t last = load_le64 (head + sector + 32);

    if (memcmp (head + sector, "EFI PART", 8) == 0 && last < UINT64_MAX)
      return bytes_of (last + 1, sector);
  }
  return 0;
}

static uint64_t
mbr_end (const uint8_t *head)
{
  uint64_t end = 0;

  if (head[510] != 0x55 || head[511] != 0xaa)
    return 0;
  for (unsigned i = 0; i < 4; i++) {
    const uint8_t *entry = head + 446 + (size_t)i * 16;

    if (entry[4] != 0)
      end = MAX (end, (uint64_t)load_le32 (entry + 8) + load_le32 (entry + 12));
  }
  return bytes_of (end, SECTOR_SIZE);
}

unsigned
content_ends (const uint8_t *head, uint64_t length,
              uint64_t ret[CONTENT_ENDS_MAX])
{
  static uint64_t (*const kinds[]) (const uint8_t *head)
    = { ext_end, xfs_end, btrfs_end, swap_end, lvm_end, gpt_end, mbr_end };
  unsigned count = 0;

  static_assert (ARRAY_LENGTH (kinds) <= CONTENT_ENDS_MAX, "room for each");
  if (length < HEAD_MIN)
    return 0;
  for (unsigned i = 0; i < ARRAY_LENGTH (kinds); i++) {
    uint64_t end = kinds[i](head);

    if (end != 0)
      ret[count++] = end;
  }
  return count;
}
