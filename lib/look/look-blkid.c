/* SPDX-License-Identifier: BSD-3-Clause */
/* look-blkid: what libblkid finds in a view of a disk. */
#include <blkid.h>
#include <errno.h>
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "look/look.h"

static const char *
value (blkid_probe probe, const char *name)
{
  const char *found;

  return blkid_probe_lookup_value (probe, name, &found, NULL) == 0 ? found
                                                                   : NULL;
}

static void
report (blkid_probe probe, look_signature_fn *found, void *opaque)
{
  struct look_signature signature = { .type = value (probe, "TYPE") };

  if (signature.type != NULL) {
    signature.uuid = value (probe, "UUID");
    signature.device_uuid = value (probe, "UUID_SUB");
    found (opaque, &signature);
  }
  signature = (struct look_signature){ .type = value (probe, "PTTYPE"),
                                       .uuid = value (probe, "PTUUID"),
                                       .is_table = true };
  if (signature.type != NULL)
    found (opaque, &signature);
}

static blkid_probe
new_probe (const struct look_view *view)
{
  blkid_probe probe = blkid_new_probe ();

  if (probe == NULL)
    return NULL;
  if (blkid_probe_set_device (probe, view->fd, 0, (blkid_loff_t)view->size)
      == 0)
    return probe;
  blkid_free_probe (probe);
  return NULL;
}

int
look_signatures (const struct look_view *view, look_signature_fn *found,
                 void *opaque)
{
  blkid_probe probe = new_probe (view);
  int r;

  if (probe == NULL)
    return -EIO;
  blkid_probe_enable_superblocks (probe, 1);
  blkid_probe_set_superblocks_flags (
    probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions (probe, 1);
  while ((r = blkid_do_probe (probe)) == 0)
    report (probe, found, opaque);
  blkid_free_probe (probe);
  return r == 1 ? 0 : -EIO;
}

/* -------------------------------------------------------------- partitions */

/* FNV-1a. */
static uint64_t
add_to_sum (uint64_t sum, const void *bytes, size_t length)
{
  const uint8_t *byte = bytes;

  for (size_t i = 0; i < length; i++)
    sum = (sum ^ byte[i]) * UINT64_C (0x100000001b3);
  return sum;
}

static uint64_t
add_text (uint64_t sum, const char *text)
{
  return text == NULL ? sum : add_to_sum (sum, text, strlen (text) + 1);
}

/* libblkid counts in sectors of 512 bytes, whatever the table's are. */
static struct look_partition
partition_of (blkid_partition partition)
{
  struct look_partition ret = { .sum = UINT64_C (0xcbf29ce484222325) };
  int number = blkid_partition_get_partno (partition);
  int type = blkid_partition_get_type (partition);

  ret.number = number > 0 ? (unsigned)number : 0;
  if (!mul_fits ((uint64_t)blkid_partition_get_start (partition), SECTOR_SIZE,
                 &ret.offset)
      || !mul_fits ((uint64_t)blkid_partition_get_size (partition), SECTOR_SIZE,
                    &ret.size))
    ret.offset = ret.size = 0;
  ret.sum = add_to_sum (ret.sum, &ret.number, sizeof ret.number);
  ret.sum = add_to_sum (ret.sum, &ret.offset, sizeof ret.offset);
  ret.sum = add_to_sum (ret.sum, &ret.size, sizeof ret.size);
  ret.sum = add_to_sum (ret.sum, &type, sizeof type);
  ret.sum = add_text (ret.sum, blkid_partition_get_uuid (partition));
  ret.sum = add_text (ret.sum, blkid_partition_get_type_string (partition));
  return ret;
}

static unsigned
list_partitions (const struct look_view *view, unsigned sector,
                 struct look_partition *ret)
{
  blkid_probe probe = new_probe (view);
  blkid_partlist list = NULL;
  unsigned count = 0;

  if (probe == NULL)
    return 0;
  blkid_probe_enable_superblocks (probe, 0);
  blkid_probe_enable_partitions (probe, 1);
  if (blkid_probe_set_sectorsize (probe, sector) == 0)
    list = blkid_probe_get_partitions (probe);
  for (int i = 0; list != NULL && i < blkid_partlist_numof_partitions (list)
                  && count < LOOK_PARTITIONS_MAX;
       i++)
    ret[count++] = partition_of (blkid_partlist_get_partition (list, i));
  blkid_free_probe (probe);
  return count;
}

/* --------------------------------------------- logical partitions of an MBR */

#define MBR_ENTRIES 446
#define MBR_ENTRY 16

static bool
is_extended (const uint8_t *entry)
{
  return entry[4] == 0x05 || entry[4] == 0x0f || entry[4] == 0x85;
}

/* In bytes, where the extended partition in this table begins; 0: there is
 * none.
 */
static uint64_t
extended_start (const uint8_t *table)
{
  if (table[510] != 0x55 || table[511] != 0xaa)
    return 0;
  for (unsigned i = 0; i < 4; i++) {
    const uint8_t *entry = table + MBR_ENTRIES + (size_t)i * MBR_ENTRY;

    if (is_extended (entry))
      return (uint64_t)load_le32 (entry + 8) * SECTOR_SIZE;
  }
  return 0;
}

/* Each logical partition has a table of its own, somewhere on the disk, which
 * names the next; a chain may be a circle.
 */
static void
copy_logical_tables (const struct look_disk *disk, const struct look_view *view)
{
  uint8_t table[SECTOR_SIZE];
  uint64_t extended, next;

  if (look_view_read (view, table, sizeof table, 0) < 0)
    return;
  extended = extended_start (table);
  next = extended;
  for (unsigned i = 0; i < LOOK_PARTITIONS_MAX && next != 0; i++) {
    if (look_view_copy (disk, view, next, SECTOR_SIZE) < 0
        || look_view_read (view, table, sizeof table, next) < 0)
      return;
    next = extended_start (table);
    if (next != 0)
      next += extended;
  }
}

unsigned
look_partitions (const struct look_disk *disk, const struct look_view *view,
                 struct look_partition ret[LOOK_PARTITIONS_MAX])
{
  unsigned count, large;
  struct look_partition in_large[LOOK_PARTITIONS_MAX];

  copy_logical_tables (disk, view);
  count = list_partitions (view, SECTOR_SIZE, ret);
  /* One that protects a GPT of larger sectors is all of an MBR's. */
  if (count > 1)
    return count;
  large = list_partitions (view, 4096, in_large);
  if (large <= count)
    return count;
  memcpy (ret, in_large, large * sizeof *ret);
  return large;
}
