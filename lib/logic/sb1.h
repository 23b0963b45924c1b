/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1: the md superblock: where it is, bytes <-> struct, is it to be trusted.
 *
 * Pure.  Source of the facts: the md superblock format, versions 0.90 and
 * 1.x, checked against members made by Linux 6.1.  sb1.c finds and names,
 * sb1-codec.c translates, sb1-check.c judges.
 *
 *   version  byte offset of the superblock on a member of N bytes
 *   0.90     round_down (N, 65536) - 65536
 *   1.0      round_down (N / 512 - 16, 8) * 512
 *   1.1      0
 *   1.2      4096
 *
 * 0.90 is in the byte order of the host that made it, 1.x little-endian.
 *
 * Numbers of the struct are as on disk: sectors of 512 bytes, offsets of
 * bitmap and bad block log relative to the superblock.
 */
#ifndef MIRROR_SB1_H
#define MIRROR_SB1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has to be read to recognise any superblock. */
#define SB1_PROBE_SIZE 512

/* In the order in which they are looked for. */
enum sb1_version {
  SB1_VERSION_1_0,
  SB1_VERSION_1_1,
  SB1_VERSION_1_2,
  SB1_VERSION_0_90,
  SB1_VERSIONS,
};

/* "1.0", "1.1", "1.2", "0.90". */
const char *sb1_version_name (enum sb1_version version);

/* A UUID as mdadm writes it. */
#define SB1_UUID_TEXT 36
void sb1_uuid_text (const uint8_t uuid[16], char ret[SB1_UUID_TEXT]);

/* The version of that name.  False: there is none. */
bool sb1_version_by_name (const char *name, enum sb1_version *ret);

/* Where a superblock of @version would start, in *@ret.  False: the member
 * is too small for SB1_PROBE_SIZE bytes there.
 */
bool sb1_offset (enum sb1_version version, uint64_t member_bytes,
                 uint64_t *ret);

/* Is @block (SB1_PROBE_SIZE bytes read there) an md superblock of
 * @version?  Magic and major version decide; a damaged one counts too, since
 * a member of some array must not be written to by a wrong guess.
 */
bool sb1_recognise (enum sb1_version version, const uint8_t *block);

/* -------------------------------------------------------- the whole of it */

/* What is read at once; what lies behind the role table in it is kept. */
#define SB1_BLOCK_SIZE 4096
#define SB1_HEAD_SIZE 256
#define SB1_ROLES_MAX ((SB1_BLOCK_SIZE - SB1_HEAD_SIZE) / 2)

#define SB1_MAGIC UINT32_C (0xa92b4efc)

enum {
  SB1_FEATURE_BITMAP = 0x1,
  SB1_FEATURE_RECOVERY_OFFSET = 0x2,
  SB1_FEATURE_RESHAPE = 0x4,
  SB1_FEATURE_BAD_BLOCKS = 0x8,
  SB1_FEATURE_REPLACEMENT = 0x10,
  SB1_FEATURE_RESHAPE_BACKWARDS = 0x20,
  SB1_FEATURE_NEW_OFFSET = 0x40,
  SB1_FEATURE_RECOVERY_BITMAP = 0x80,
  SB1_FEATURE_CLUSTERED = 0x100,
  SB1_FEATURE_JOURNAL = 0x200,
  SB1_FEATURE_PPL = 0x400,
  SB1_FEATURE_MULTIPLE_PPLS = 0x800,
  SB1_FEATURE_RAID0_LAYOUT = 0x1000,
  SB1_FEATURES_OURS = 0x9b,
};

/* Flags of a member. */
enum {
  SB1_WRITE_MOSTLY = 1,
  SB1_FAILFAST = 2,
};

/* Roles: below ROLE_SLOTS a slot. */
enum {
  SB1_ROLE_SLOTS = 0xff00,
  SB1_ROLE_JOURNAL = 0xfffd,
  SB1_ROLE_FAULTY = 0xfffe,
  SB1_ROLE_SPARE = 0xffff, /* or an unused entry */
};

/* resync_offset of a clean array. */
#define SB1_CLEAN UINT64_MAX

/* An array with more updates than this behind it is not written any more: the
 * count would come to its end.
 */
#define SB1_EVENTS_MAX (UINT64_MAX / 4)

/* Times: seconds since 1970 in the low 40 bits, microseconds above. */
#define SB1_TIME(seconds, microseconds)                                       \
  ((uint64_t)(microseconds) << 40 | ((seconds)&UINT64_C (0xffffffffff)))
#define SB1_TIME_SECONDS(time) ((time)&UINT64_C (0xffffffffff))
#define SB1_TIME_MICROSECONDS(time) ((time) >> 40)

#define SB1_NAME_SIZE 32

struct sb1 {
  enum sb1_version version; /* where it was found */

  /* The array. */
  uint32_t major;
  uint32_t features; /* those of this member */
  uint32_t pad0;
  uint8_t set_uuid[16];
  char name[SB1_NAME_SIZE + 1]; /* NUL-terminated; any bytes before */
  uint64_t ctime;
  int32_t level;
  uint32_t layout;
  uint64_t size; /* used of each member; raid10: or a little more */
  uint32_t chunk;
  uint32_t raid_disks;
  int32_t bitmap_offset;

  /* A change of shape. */
  int32_t new_level;
  uint64_t reshape_position;
  int32_t delta_disks;
  uint32_t new_layout;
  uint32_t new_chunk;
  int32_t new_offset;

  /* This member. */
  uint64_t data_offset;
  uint64_t data_size; /* room for data, at least size */
  uint64_t super_offset;
  uint64_t recovery_offset;
  uint32_t dev_number; /* its entry in roles */
  uint32_t corrected_reads;
  uint8_t device_uuid[16];
  uint8_t devflags;
  uint8_t bblog_shift;
  uint16_t bblog_size;
  int32_t bblog_offset;

  /* The array's state. */
  uint64_t utime;
  uint64_t events;
  uint64_t resync_offset;
  uint32_t checksum;      /* as found */
  uint32_t max_dev;       /* entries of roles that count */
  uint32_t logical_block; /* bytes; 0: not recorded */
  bool padding_used;      /* the reserved bytes behind it are not all 0 */
  uint16_t roles[SB1_ROLES_MAX]; /* entries from max_dev on: spare */
};

/* What a member's superblock is worth. */
enum sb1_verdict {
  SB1_GOOD,
  SB1_UNSUPPORTED, /* sound, but to be left to the software that made it */
  SB1_DAMAGED,     /* not to be believed; its member is not to be written */
  SB1_NONE,        /* no superblock of 1.x */
};

/* @block (SB1_BLOCK_SIZE bytes read where @version lies) -> *@ret, without
 * any judgement.  False, and *@ret untouched: sb1_recognise says no, or it
 * is 0.90.
 */
bool sb1_decode (enum sb1_version version, const uint8_t *block,
                 struct sb1 *ret);

/* What the checksum of @block should be.  Its max_dev must be at most
 * SB1_ROLES_MAX.
 */
uint32_t sb1_checksum (const uint8_t *block);

/* Judge @sb, decoded from @block on a member of @member_bytes.  Unless it is
 * SB1_GOOD, @why (MESSAGE_MAX bytes) says which field with which value is
 * wrong, to follow "disk NAME: ".
 */
enum sb1_verdict sb1_check (const struct sb1 *sb, const uint8_t *block,
                            uint64_t member_bytes, char *why);

/* Does the member of @sb, which is good, have room for @size sectors of data and
 * a bitmap's area of @bitmap_bytes (0: none) at @bitmap_offset?
 */
bool sb1_can_hold (const struct sb1 *sb, uint64_t size, int32_t bitmap_offset,
                   uint64_t bitmap_bytes);

/* What was read from the places of one member. */
struct sb1_places {
  bool readable[SB1_VERSIONS]; /* sb1_offset gave a place, and it was read */
  uint8_t block[SB1_VERSIONS][SB1_BLOCK_SIZE]; /* zeroes beyond the member */
};

/* The superblock of a member: the soundest of those in its places.  Two
 * sound ones of different arrays are not for us.  *@ret_version: where, if
 * not SB1_NONE.  *@ret: what was found there, but for 0.90.  @why as above.
 */
enum sb1_verdict sb1_choose (const struct sb1_places *places,
                             uint64_t member_bytes,
                             enum sb1_version *ret_version, struct sb1 *ret,
                             char *why);

/* Store @sb into @block: known fields, role table and checksum; all other
 * bytes stay as they are.  @sb is one that sb1_check finds good (its
 * checksum field is not used).
 */
void sb1_encode (const struct sb1 *sb, uint8_t *block);

/* How many bytes of the block are written on a member of such blocks. */
unsigned sb1_written_bytes (const struct sb1 *sb, unsigned block_size);

/* The role of this member by its own table, and of entry @dev_number in the
 * table of @sb: entries beyond max_dev are spare.
 */
uint16_t sb1_own_role (const struct sb1 *sb);
uint16_t sb1_role (const struct sb1 *sb, uint32_t dev_number);

/* Does any entry of the table hold @slot? */
bool sb1_slot_is_taken (const struct sb1 *sb, unsigned slot);

/* "raid1", "raid10"; others "level N" with their number. */
void sb1_level_name (int32_t level, char *ret, size_t size);

/* The geometry of an array, its sizes computed.  NULL, or why it is none
 * that can be served, to follow "the array ".
 */
struct layout;
const char *sb1_layout (const struct sb1 *sb, struct layout *ret);

#endif /* MIRROR_SB1_H */
