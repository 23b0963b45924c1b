/* SPDX-License-Identifier: BSD-3-Clause */
/* todo: which parts of the array still have to be brought together.
 *
 * Pure: no I/O, no locks, no allocation; the caller gives the memory and
 * holds the lock.
 *
 * The array is cut into windows; one bit per window says that its copies may
 * differ.  Windows are finer than the regions of a bitmap, so that a read
 * need not wait for a whole region.
 *
 * Offsets and lengths are bytes of the array; a range may be empty or reach
 * beyond its end.
 */
#ifndef MIRROR_TODO_H
#define MIRROR_TODO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct todo {
  uint64_t size;        /* of the array */
  uint64_t window;      /* bytes, a power of two */
  uint64_t windows;
  uint64_t left;        /* windows still to be done */
  uint64_t *bits;       /* one per window; 1: to be done */
};

/* The size of windows for an array of @size bytes whose bitmap has regions of
 * @region_size bytes (0: no bitmap): TODO_WINDOW, larger where there would be
 * more than TODO_WINDOWS_MAX windows, but never larger than a region; only
 * where regions are smaller than the @block bytes (a power of two) that some
 * disk reads and writes at least, that.
 */
uint64_t todo_window_size (uint64_t size, uint64_t region_size,
                           uint64_t block);

/* How much memory todo_init needs, bytes. */
size_t todo_memory (uint64_t size, uint64_t window);

/* Nothing to do.  @memory: todo_memory bytes aligned for uint64_t, the
 * caller's, until the list is used no more.  @size is that of the array, not
 * 0; @window a power of two.
 */
void todo_init (struct todo *todo, uint64_t size, uint64_t window,
                void *memory);

/* Every window that the range touches (cut to the array) is to be done. */
void todo_add (struct todo *todo, uint64_t offset, uint64_t length);

/* Every window that lies whole inside the range is done.  The last window of
 * the array may be short.
 */
void todo_done (struct todo *todo, uint64_t offset, uint64_t length);

/* Does the range touch a window to be done? */
bool todo_touches (const struct todo *todo, uint64_t offset, uint64_t length);

/* The first run of windows to be done at or behind the one that @from lies in:
 * where it begins (before @from, if @from lies inside its first window) and
 * how long it is, at most @most bytes in whole windows (at least one), cut to
 * the array.  False: none.
 */
bool todo_next (const struct todo *todo, uint64_t from, uint64_t most,
                uint64_t *ret_offset, uint64_t *ret_length);

#endif /* MIRROR_TODO_H */
