/* SPDX-License-Identifier: BSD-3-Clause */
/* holes: what a rebuild need not copy, because it reads as zeroes. */
#include "engine/array-internal.h"
#include "engine/io/extent-query.h"
#include "engine/sync/holes.h"
#include "ground/util.h"

static bool
can_tell (const struct array *array, const struct member *member)
{
  return array->layout.level == LEVEL_RAID1 && !array->has_bad_blocks
         && member->leg->caps.extents;
}

/* The place of the first current copy that can tell, or LEGS_MAX.  Range
 * locked.
 */
static unsigned
choose_source (struct request *request)
{
  uint32_t left;

  request_pin_newest (request);
  for (left = request_view (request)->in_sync; left != 0; left &= left - 1)
    if (can_tell (request->array,
                  request_member (request, __builtin_ctz (left))))
      return __builtin_ctz (left);
  return LEGS_MAX;
}

/* Is it there still? */
static bool
is_target (const struct request *request, const struct member *member)
{
  return request_member (request, member->place) == member;
}

/* How many bytes from @at on read as zeroes.  *@ret_known: so much is known
 * of them, whatever they are.
 */
static uint64_t
zero_length (const struct extents *extents, uint64_t begin, uint64_t at,
             uint64_t *ret_known)
{
  uint64_t end = begin, zeroes = at;

  for (unsigned i = 0; i < extents->count; i++) {
    end += extents->entry[i].length;
    if (zeroes < end && zeroes >= end - extents->entry[i].length
        && (extents->entry[i].flags & EXTENT_ZERO))
      zeroes = end;
  }
  *ret_known = at >= begin && at < end ? end - at : 0;
  return *ret_known > 0 ? zeroes - at : 0;
}

/* Range locked. */
static void
ask_both (struct holes *holes, struct request *request,
          const struct member *member, uint64_t at, uint64_t length)
{
  struct array *array = request->array;
  unsigned source = choose_source (request);
  struct extents target;

  if (source == LEGS_MAX || !is_target (request, member))
    return;

  extent_query (request, &array->resync.pool, source, at, length,
                &holes->source);
  extents_align (&holes->source, array->leg_block);
  holes->both = holes->source;
  extents_init (&target, length, 0);
  if (can_tell (array, member))
    extent_query (request, &array->resync.pool, member->place, at, length,
                  &target);
  extents_merge (&holes->both, &target);
  extents_align (&holes->both, array->leg_block);
}

/* After an answer that ends early the next spans are taken for data: to ask
 * before each of them would take longer than to copy it.
 */
static void
lengthen (struct extents *extents, uint64_t length)
{
  uint64_t total = 0;

  for (unsigned i = 0; i < extents->count; i++)
    total += extents->entry[i].length;
  if (total < length)
    extents_append (extents, length - total, 0);
}

static void
look (struct holes *holes, struct request *request,
      const struct member *member, uint64_t at, uint64_t length)
{
  struct array *array = request->array;

  holes->at = at;
  extents_init (&holes->source, length, 0);
  holes->both = holes->source;
  length = MIN (length, (uint64_t)SYNC_LOOK);
  range_lock (&array->ranges, &request->range, at, length);
  ask_both (holes, request, member, at, length);
  range_unlock (&array->ranges, &request->range);
  length = MIN (length, SYNC_SPANS * (uint64_t)array->resync.span);
  lengthen (&holes->source, length);
  lengthen (&holes->both, length);
}

uint64_t
holes_skip (struct holes *holes, struct request *request,
            const struct member *member, uint64_t at, uint64_t length,
            uint64_t span, bool *ret_zero)
{
  uint64_t known, skip = zero_length (&holes->both, holes->at, at, &known);

  if (known == 0) {
    look (holes, request, member, at, length);
    skip = zero_length (&holes->both, holes->at, at, &known);
  }
  *ret_zero = zero_length (&holes->source, holes->at, at, &known) >= span;
  return MIN (skip, length);
}

static void
issue_zero (struct request *request, const struct member *member,
            uint64_t offset, uint64_t length)
{
  uint64_t most = member->leg->caps.zero_max;
  struct child_spec what = { .op = CHILD_ZERO, .flags = CHILD_MAY_TRIM };

  for (uint64_t done = 0; done < length; done += what.length) {
    what.offset = offset + done;
    what.length = MIN (length - done, most);
    request_issue (request, member->place, &what);
  }
}

bool
holes_zero (struct request *request, const struct member *member,
            uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  struct leg *leg = member->leg;
  unsigned source = choose_source (request);
  struct extents extents;
  uint64_t known;

  if (source == LEGS_MAX || !is_target (request, member)
      || !leg->ops->can_zero (leg, CHILD_MAY_TRIM))
    return false;
  extent_query (request, &array->resync.pool, source, offset, length,
                &extents);
  if (zero_length (&extents, 0, 0, &known) < length)
    return false;
  request_arm (request, &array->resync.pool);
  issue_zero (request, member, offset, length);
  request_finish (request);
  /* What an error means is found out by copying it. */
  return request->failed == 0;
}
