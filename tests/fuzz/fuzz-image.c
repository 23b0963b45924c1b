/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-image: a disk in memory, filled as an input says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz-assemble.h"
#include "ground/util.h"
#include "logic/badblocks.h"
#include "logic/bitmap-disk.h"
#include "logic/bytes.h"

#define PAGE 4096u
#define IMAGE_BYTES (IMAGE_SECTORS * SECTOR_SIZE + PAGE)
#define BITMAP_PLACED (64u * 1024u) /* bytes that are filled in */

void
fuzz_fail (const char *format, ...)
{
  va_list list;

  va_start (list, format);
  fputs ("fuzz-assemble: ", stderr);
  vfprintf (stderr, format, list);
  fputc ('\n', stderr);
  va_end (list);
  abort ();
}

/* -------------------------------------------------------------- the bytes */

static void
clear (struct image *image)
{
  for (unsigned page = 0; page < ARRAY_LENGTH (image->dirty); page++)
    if (image->dirty[page])
      memset (image->bytes + (size_t)page * PAGE, 0, PAGE);
  memset (image->dirty, 0, sizeof image->dirty);
}

void
image_write (struct image *image, uint64_t offset, const void *from,
             uint64_t length)
{
  if (offset > image->size || length > image->size - offset)
    fuzz_fail ("a write beyond the end");
  /* What does not change stays clean: less to clear for the next one. */
  if (length == 0 || memcmp (image->bytes + offset, from, length) == 0)
    return;
  memcpy (image->bytes + offset, from, length);
  for (uint64_t page = offset / PAGE; page <= (offset + length - 1) / PAGE;
       page++)
    image->dirty[page] = true;
}

/* As much of it as there is room for. */
static void
place (struct image *image, uint64_t sector, const void *from, uint64_t length)
{
  uint64_t offset = sector * SECTOR_SIZE;

  if (sector < IMAGE_SECTORS + 1 && offset < image->size)
    image_write (image, offset, from, MIN (length, image->size - offset));
}

/* ------------------------------------------------------------ what it says */

static void
mend_super (uint8_t *block, uint64_t offset)
{
  store_le32 (block, SB1_MAGIC);
  store_le32 (block + 4, 1);
  store_le64 (block + 144, offset / SECTOR_SIZE);
  if (load_le32 (block + 220) <= SB1_ROLES_MAX)
    store_le32 (block + 216, sb1_checksum (block));
}

static void
mend_bitmap (uint8_t *bitmap, const struct sb1 *sb)
{
  struct layout layout;

  store_le32 (bitmap, BITMAP_MAGIC);
  store_le32 (bitmap + 4, BITMAP_VERSION);
  memcpy (bitmap + 8, sb->set_uuid, sizeof sb->set_uuid);
  if (sb1_layout (sb, &layout) == NULL)
    store_le64 (bitmap + 40, layout.array_size / SECTOR_SIZE);
}

static void
fill_bitmap (struct image *image, const struct input_member *member,
             const struct sb1 *sb)
{
  static uint8_t area[BITMAP_PLACED];

  memset (area, member->place & PLACE_BITS_SET ? 0xff : 0, sizeof area);
  memcpy (area, member->bitmap, sizeof member->bitmap);
  if (!(member->place & PLACE_BITMAP_AS_IT_IS))
    mend_bitmap (area, sb);
  place (image, sb->super_offset + (uint64_t)(int64_t)sb->bitmap_offset, area,
         sizeof area);
}

static void
fill_bad_blocks (struct image *image, const struct input_member *member,
                 const struct sb1 *sb)
{
  uint8_t log[BADBLOCKS_LOG_MAX];

  memset (log, 0xff, sizeof log);
  memcpy (log, member->bad, sizeof member->bad);
  place (image, sb->super_offset + (uint64_t)(int64_t)sb->bblog_offset, log,
         MIN (sb->bblog_size * SECTOR_SIZE, (unsigned)sizeof log));
}

void
image_fill (struct image *image, const struct input_member *member)
{
  uint64_t sectors = load_le16 (member->sectors) % IMAGE_SECTORS;
  enum sb1_version version = (member->place & 3) % 3;
  uint8_t block[SB1_BLOCK_SIZE];
  uint64_t offset, other;
  struct sb1 sb;

  if (image->bytes == NULL) {
    image->bytes = mmap (NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (image->bytes == MAP_FAILED)
      abort ();
  }
  clear (image);
  memset (image->area, 0, sizeof image->area);
  image->size = MAX (sectors, 1u) * SECTOR_SIZE + member->rest;
  if (!sb1_offset (version, image->size, &offset))
    return;
  memset (block, 0xff, sizeof block);
  memcpy (block, member->super, sizeof member->super);
  if (!(member->place & PLACE_AS_IT_IS))
    mend_super (block, offset);
  if (sb1_decode (version, block, &sb)) {
    if (sb.features & SB1_FEATURE_BAD_BLOCKS)
      fill_bad_blocks (image, member, &sb);
    if (sb.features & SB1_FEATURE_BITMAP)
      fill_bitmap (image, member, &sb);
  }
  if ((member->place & PLACE_TWICE)
      && sb1_offset ((version + 1) % 3, image->size, &other))
    place (image, other / SECTOR_SIZE, block, sizeof block);
  place (image, offset / SECTOR_SIZE, block, sizeof block);
}

/* --------------------------------------------------------- looking at it */

bool
image_super (const struct image *image, struct sb1 *ret)
{
  struct sb1_places *places = calloc (1, sizeof *places);
  enum sb1_version version;
  enum sb1_verdict verdict;
  char why[MESSAGE_MAX];
  uint64_t offset;

  for (version = 0; version < SB1_VERSIONS; version++)
    if (sb1_offset (version, image->size, &offset)) {
      memcpy (places->block[version], image->bytes + offset,
              MIN ((uint64_t)SB1_BLOCK_SIZE, image->size - offset));
      places->readable[version] = true;
    }
  verdict = sb1_choose (places, image->size, &version, ret, why);
  free (places);
  return verdict == SB1_GOOD;
}

static void
check_apart (const struct image *image)
{
  for (unsigned i = 0; i < AREAS; i++)
    for (unsigned j = i + 1; j < AREAS; j++) {
      const struct area *a = &image->area[i], *b = &image->area[j];

      if (a->length > 0 && b->length > 0
          && ranges_overlap (a->start, a->length, b->start, b->length))
        fuzz_fail ("areas %u and %u of a member overlap", i, j);
    }
}

/* Where a superblock was placed twice, for one. */
static void
clear_data (struct image *image)
{
  uint64_t start = image->area[AREA_DATA].start;
  uint64_t end = start + image->area[AREA_DATA].length;

  for (uint64_t page = start / PAGE; page * PAGE < end; page++) {
    uint64_t from = MAX (start, page * PAGE);

    if (image->dirty[page])
      memset (image->bytes + from, 0, MIN (end, (page + 1) * PAGE) - from);
  }
}

void
image_survey (struct image *image, uint64_t data, uint32_t block)
{
  const struct sb1 *sb = &image->sb;
  struct area *area = image->area;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];

  if (!image_super (image, &image->sb))
    fuzz_fail ("a member is used that has no good superblock");
  image->block = MAX (block, SECTOR_SIZE);
  area[AREA_SUPER]
    = (struct area){ sb->super_offset * SECTOR_SIZE,
                     sb1_written_bytes (sb, SECTOR_SIZE) };
  area[AREA_DATA] = (struct area){ sb->data_offset * SECTOR_SIZE, data };
  area[AREA_BITMAP] = area[AREA_BAD] = (struct area){ 0, 0 };
  if (sb->features & SB1_FEATURE_BITMAP) {
    uint64_t start = bitmap_offset_bytes (sb);

    bitmap_decode (image->bytes + start, &bitmap);
    if (bitmap_check (&bitmap, sb, image->size, why) <= BITMAP_OUTDATED)
      area[AREA_BITMAP]
        = (struct area){ start,
                         div_round_up (bitmap_area_bytes (bitmap.sync_size,
                                                          bitmap.chunk),
                                       SECTOR_SIZE)
                           * SECTOR_SIZE };
  }
  if (sb->features & SB1_FEATURE_BAD_BLOCKS)
    area[AREA_BAD]
      = (struct area){ (uint64_t)((int64_t)sb->super_offset + sb->bblog_offset)
                         * SECTOR_SIZE,
                       sb->bblog_size * SECTOR_SIZE };
  check_apart (image);
  clear_data (image);
  /* The table of roles may grow, where it meets nobody. */
  area[AREA_SUPER].length = SB1_BLOCK_SIZE;
}
