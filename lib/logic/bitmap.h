/* SPDX-License-Identifier: BSD-3-Clause */
/* bitmap: the write-intent bitmap while the array runs: which bits must be
 * stored before this write, which may be cleared now.
 *
 * Pure: no I/O, no locks, no allocation; the caller (engine/metadata) holds
 * the lock, gives the memory and does the storing.
 *
 * One bit per region says on the members that its copies may differ; here
 * each region has besides the number of writes under way and its age:
 *
 *              bitmap_begin                      all of its writes ended
 *     CLEAR ------------------> SET, writers > 0 ----------------------.
 *       ^                         ^                                    v
 *       |                         `---------- bitmap_begin ----  SET, 0 writers
 *       |                                                              |
 *       |  bitmap_clear_aged, after a flush                            |
 *       `------------------------- AGED <------------------------------'
 *                                         bitmap_age, after a whole period, and
 *                                         if enough others are younger
 *
 * A write to an AGED region makes it young again, so what was flushed between
 * bitmap_age and bitmap_clear_aged covers every write to the regions that
 * are cleared.
 *
 * The image is kept in pages.  A write that sets bits marks their pages and
 * takes the next sequence number, one for all of them; it may go out once all
 * sets up to its number are stored on every member.  A write that finds its
 * bits set waits for the last mark of their pages.  So many writers share one
 * store:
 *
 *   writer:  begin -> 7 ... waits until stored >= 7
 *   storer:  bitmap_take (all changed pages) -> covers 9; writes; stored = 9
 *
 * Clearing bits changes pages and takes a number, so that it is stored, too;
 * but it marks no page: no write to a region that is still SET waits for it.
 */
#ifndef MIRROR_BITMAP_H
#define MIRROR_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logic/bitmap-disk.h"

/* An age that is no number of periods: its bit may be cleared. */
#define BITMAP_AGED 255

struct bitmap_region {
  uint16_t writers; /* under way */
  uint8_t age;      /* periods without a write, or AGED */
};

struct bitmap {
  uint64_t size;        /* of the array, bytes */
  uint64_t regions;
  uint64_t region_size; /* bytes, a power of two */
  uint64_t area_size;   /* bytes of image: whole pages of BITMAP_PAGE_SIZE */
  uint8_t *image;       /* bitmap superblock and bits as they should be on
                           the members */
  struct bitmap_region *region; /* of each region */
  uint64_t *marked;     /* of each page: the set that marked it last */
  bool *changed;        /* of each page: not yet taken for storing */
  uint64_t sets;        /* the last sequence number given */
  uint64_t settled;     /* regions that are SET with no writers: what
                           bitmap_age could bring on */
};

/* How much memory bitmap_init needs for so many regions, bytes. */
size_t bitmap_memory (uint64_t regions);

/* @memory: bitmap_memory bytes aligned to BITMAP_PAGE_SIZE, the caller's,
 * until the bitmap is used no more.  @size is that of the array, bytes;
 * @region_size a power of two, 512 at least.  All bits clear, those past the
 * last region set; the head zero: the caller encodes it into image.
 */
void bitmap_init (struct bitmap *bitmap, uint64_t size, uint64_t region_size,
                  void *memory);

/* At the start: @bits (what follows the head; NULL: all ones) as found on a
 * member are in force, too.  No write is under way.  No page is changed by
 * this: where some member does not have all that is set now, the caller
 * stores everything (bitmap_untake) before the first write.
 */
void bitmap_load (struct bitmap *bitmap, const uint8_t *bits);

bool bitmap_is_set (const struct bitmap *bitmap, uint64_t region);

/* How many regions are. */
uint64_t bitmap_count_set (const struct bitmap *bitmap);

/* A write to [@offset, @offset + @length), bytes inside the array, never
 * empty, is to begin.
 * False: some region has as many writers as can be counted, and nothing was
 * changed.  Else *@ret_sequence: it may go out once everything up to that
 * number is stored (0: at once).
 */
bool bitmap_begin (struct bitmap *bitmap, uint64_t offset, uint64_t length,
                   uint64_t *ret_sequence);

/* The same write, with the same range, has ended, on all members or not. */
void bitmap_end (struct bitmap *bitmap, uint64_t offset, uint64_t length);

/* Copy all changed pages into @staging (area_size bytes, same places) and
 * call them taken.  *@ret_first, *@ret_count: the pages from the first to the
 * last changed one; those between are copied, too.  Returns the number of
 * the last set that this covers; *@ret_count 0: nothing changed, all up to
 * that number was taken before.
 */
uint64_t bitmap_take (struct bitmap *bitmap, uint8_t *staging,
                      uint64_t *ret_first, uint64_t *ret_count);

/* The store of what was taken failed: all pages are to be stored again. */
void bitmap_untake (struct bitmap *bitmap);

/* A period is over: every region that is SET without writers gets older.
 * With the second call since its last write ended it may be AGED, since only
 * between two calls lies a whole period; and it is, unless it belongs to those
 * @hot SET regions that were written to last.  (Exactly so many: of those with
 * one age the first ones.)  Returns how many are AGED.
 */
uint64_t bitmap_age (struct bitmap *bitmap, uint64_t hot);

/* All that are SET without writers are AGED, without waiting (at a stop). */
void bitmap_age_at_once (struct bitmap *bitmap);

/* Would bitmap_clear_aged clear anything now? */
bool bitmap_is_clearable (const struct bitmap *bitmap,
                          bool (*keep) (void *opaque, uint64_t offset,
                                        uint64_t length),
                          void *opaque);

/* Everything written before the last bitmap_age is on stable storage on every
 * member: clear the bits of AGED regions for which @keep (@opaque, offset,
 * length in bytes, cut to the array) is false; their pages are changed and
 * the next sequence number is taken.  Returns how many.  The others stay
 * AGED.  @keep must not change the bitmap.
 */
uint64_t bitmap_clear_aged (struct bitmap *bitmap,
                            bool (*keep) (void *opaque, uint64_t offset,
                                          uint64_t length),
                            void *opaque);

#endif /* MIRROR_BITMAP_H */
