/* SPDX-License-Identifier: BSD-3-Clause */
/* sb1: recognise an md superblock on a member.
 *
 * Pure.  Where one would be and whether a block is one.  Source of the
 * facts: the md superblock format, versions 0.90 and 1.x, checked against
 * members made by Linux 6.1.
 *
 *   version  byte offset of the superblock on a member of N bytes
 *   0.90     round_down (N, 65536) - 65536
 *   1.0      round_down (N / 512 - 16, 8) * 512
 *   1.1      0
 *   1.2      4096
 *
 * 0.90 is in the byte order of the host that made it, 1.x little-endian.
 */
#ifndef MIRROR_SB1_H
#define MIRROR_SB1_H

#include <stdbool.h>
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

#endif /* MIRROR_SB1_H */
