/* SPDX-License-Identifier: BSD-3-Clause */
/* extent-query: what is a hole, or reads as zeroes, on every current copy.
 *
 * Piece by piece; a reply may end early (NBD allows it as long as the first
 * extent is there), so the number of legs asked is bounded.  An answer about
 * a range that is being written may be old: so says NBD, too.
 *
 * Locks held on entry: none.  May block on: a request descriptor, a child,
 * the disks.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/io/extent-query.h"
#include "ground/util.h"
#include "logic/extents.h"

/* Pieces asked about for one client request. */
#define PIECES_MAX 64

void
extent_query (struct request *request, struct pool *pool, unsigned place,
              uint64_t offset, uint64_t length, struct extents *ret)
{
  struct extent answer[EXTENTS_ROUND];
  uint64_t most = request_member (request, place)->leg->caps.zero_max;
  const struct child_spec what = { .op = CHILD_EXTENTS,
                                   .offset = offset,
                                   .length = MIN (length, most),
                                   .extents = answer,
                                   .extents_max = EXTENTS_ROUND };

  /* A leg that stops early says nothing of the rest: an entry of length 0
   * ends the answer.
   */
  for (unsigned i = 0; i < EXTENTS_ROUND; i++)
    answer[i].length = 0;
  request_arm (request, pool);
  request_issue (request, place, &what);
  request_finish (request);

  ret->count = 0;
  if (request->failed == 0)
    for (unsigned i = 0; i < EXTENTS_ROUND && answer[i].length > 0; i++)
      if (!extents_append (ret, answer[i].length, answer[i].flags))
        break;
  if (ret->count == 0)
    extents_init (ret, length, 0);
}

/* All current copies of the piece at array @offset, ANDed. */
static void
ask_copies (struct request *request, uint64_t offset, uint64_t length,
            struct extents *ret)
{
  struct array *array = request->array;
  const struct view *view = request_view (request);
  struct view_copy copies[LEGS_MAX];
  unsigned count = view_copies (view, offset, copies);
  bool first = true;

  extents_init (ret, length, 0);
  for (unsigned i = 0; i < count; i++) {
    struct extents answer;

    if (!(view->in_sync & 1u << copies[i].place))
      continue;
    extent_query (request, &array->pool, copies[i].place, copies[i].offset,
                  length, &answer);
    if (first)
      *ret = answer;
    else
      extents_merge (ret, &answer);
    first = false;
  }
}

int
array_extents (struct array *array, uint64_t length, uint64_t offset,
               int (*add) (void *opaque, uint64_t offset, uint64_t length,
                           uint32_t flags),
               void *opaque)
{
  struct request *request;
  uint32_t block = array->limits.block_minimum;
  uint64_t done = 0;
  int r;

  if (!is_aligned (offset | length, block))
    return -EINVAL;
  r = request_begin (&array->readers, &request);
  if (r < 0)
    return r;

  for (unsigned n = 0; n < PIECES_MAX && done < length && r == 0; n++) {
    uint64_t piece
      = layout_piece (&request_view (request)->layout, offset + done, length - done);
    struct extents extents;

    ask_copies (request, offset + done, piece, &extents);
    /* A leg may end an extent anywhere; clients count in whole blocks. */
    extents_align (&extents, block);
    for (unsigned i = 0; i < extents.count && r == 0; i++) {
      r = add (opaque, offset + done, extents.entry[i].length,
               extents.entry[i].flags);
      done += extents.entry[i].length;
    }
  }

  request_end (&array->readers, request);
  return r;
}
