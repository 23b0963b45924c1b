/* SPDX-License-Identifier: BSD-3-Clause */
/* bytes: little-endian numbers in on-disk structures.
 *
 * Header only, pure.  On-disk structures are made of byte arrays, so that
 * they have no padding, no alignment and no byte order of the host.
 */
#ifndef MIRROR_BYTES_H
#define MIRROR_BYTES_H

#include <stdint.h>

static inline uint16_t
load_le16 (const uint8_t *bytes)
{
  return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t
load_le32 (const uint8_t *bytes)
{
  return load_le16 (bytes) | (uint32_t)load_le16 (bytes + 2) << 16;
}

static inline uint64_t
load_le64 (const uint8_t *bytes)
{
  return load_le32 (bytes) | (uint64_t)load_le32 (bytes + 4) << 32;
}

static inline void
store_le16 (uint8_t *bytes, uint16_t n)
{
  bytes[0] = n & 0xff;
  bytes[1] = n >> 8;
}

static inline void
store_le32 (uint8_t *bytes, uint32_t n)
{
  store_le16 (bytes, n & 0xffff);
  store_le16 (bytes + 2, n >> 16);
}

static inline void
store_le64 (uint8_t *bytes, uint64_t n)
{
  store_le32 (bytes, n & UINT32_MAX);
  store_le32 (bytes + 4, n >> 32);
}

#endif /* MIRROR_BYTES_H */
