/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1: where md superblocks lie, and what one is recognised by.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 *
 * Members that Linux would call too small are looked at as well, as far as a
 * block can be read at all: a wrong "no superblock" costs somebody's data, a
 * wrong "too small" only a message.
 */
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/sb1.h"

#define MAGIC_OFFSET 0
#define MAJOR_OFFSET 4

#define SB_1_0_FROM_END 16 /* sectors */
#define SB_1_0_ALIGNMENT 8 /* sectors */
#define SB_1_2_OFFSET 4096
#define SB_0_90_ALIGNMENT 65536

const char *
sb1_version_name (enum sb1_version version)
{
  static const char *const names[] = {
    [SB1_VERSION_1_0] = "1.0",
    [SB1_VERSION_1_1] = "1.1",
    [SB1_VERSION_1_2] = "1.2",
    [SB1_VERSION_0_90] = "0.90",
  };

  static_assert (ARRAY_LENGTH (names) == SB1_VERSIONS, "a name for each");
  assert (version < SB1_VERSIONS);
  return names[version];
}

void
sb1_uuid_text (const uint8_t uuid[16], char ret[SB1_UUID_TEXT])
{
  size_t used = 0;

  for (unsigned i = 0; i < 16; i++)
    used += snprintf (ret + used, SB1_UUID_TEXT - used, "%s%02x",
                      i > 0 && i % 4 == 0 ? ":" : "", uuid[i]);
}

bool
sb1_version_by_name (const char *name, enum sb1_version *ret)
{
  for (enum sb1_version version = 0; version < SB1_VERSIONS; version++)
    if (strcmp (name, sb1_version_name (version)) == 0) {
      *ret = version;
      return true;
    }
  return false;
}

bool
sb1_offset (enum sb1_version version, uint64_t member_bytes, uint64_t *ret)
{
  uint64_t sectors = member_bytes / SECTOR_SIZE;
  uint64_t offset = 0;

  assert (version < SB1_VERSIONS);
  switch (version) {
  case SB1_VERSION_1_0:
    if (sectors < SB_1_0_FROM_END)
      return false;
    offset = round_down (sectors - SB_1_0_FROM_END, SB_1_0_ALIGNMENT)
             * SECTOR_SIZE;
    break;
  case SB1_VERSION_1_2:
    offset = SB_1_2_OFFSET;
    break;
  case SB1_VERSION_0_90:
    if (member_bytes < SB_0_90_ALIGNMENT)
      return false;
    offset = round_down (member_bytes, SB_0_90_ALIGNMENT) - SB_0_90_ALIGNMENT;
    break;
  case SB1_VERSION_1_1:
  case SB1_VERSIONS:
    break;
  }
  if (member_bytes < SB1_PROBE_SIZE
      || offset > member_bytes - SB1_PROBE_SIZE)
    return false;
  *ret = offset;
  return true;
}

bool
sb1_recognise (enum sb1_version version, const uint8_t *block)
{
  uint32_t magic = load_le32 (block + MAGIC_OFFSET);
  uint32_t major = load_le32 (block + MAJOR_OFFSET);

  assert (version < SB1_VERSIONS);
  /* 0.90 is in the byte order of the host that made it; its major version,
   * 0, reads the same in both.
   */
  if (version == SB1_VERSION_0_90)
    return (magic == SB1_MAGIC || magic == __builtin_bswap32 (SB1_MAGIC))
           && major == 0;
  return magic == SB1_MAGIC && major == 1;
}
