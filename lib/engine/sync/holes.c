/* SPDX-License-Identifier: BSD-3-Clause */
/* holes: what a rebuild need not copy, because it reads as zeroes. */
#include "engine/array-internal.h"
#include "engine/io/extent-query.h"
#include "engine/sync/holes.h"
#include "ground/util.h"

/* Members that are copied from at the same time: in most layouts two. */
#define ANSWERS 4

/* What a member says of its data. */
struct answer {
  unsigned place;
  uint64_t begin;
  struct extents extents;
};

/* A look at some of a member that is rebuilt.  Range locked. */
struct survey {
  struct request *request;
  const struct holes *holes;
  unsigned answers;
  struct answer answer[ANSWERS];
};

static bool
can_tell (const struct member *member)
{
  return member->leg->caps.extents;
}

/* The copy of the byte at array @offset that is asked: the first current one
 * that can tell.
 */
static bool
choose_source (const struct request *request, uint64_t offset,
               struct view_copy *ret)
{
  const struct view *view = request_view (request);
  struct view_copy copies[LEGS_MAX];
  unsigned count = view_copies (view, offset, copies);

  for (unsigned i = 0; i < count; i++)
    if ((view->in_sync & 1u << copies[i].place)
        && can_tell (view->member[copies[i].place])) {
      *ret = copies[i];
      return true;
    }
  return false;
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

/* @length bytes of the member from @offset on, as far as it has said. */
static bool
append_answer (struct extents *to, const struct answer *answer,
               uint64_t offset, uint64_t length)
{
  uint64_t at = offset, end = answer->begin;

  for (unsigned i = 0; i < answer->extents.count && at >= answer->begin
                       && at < offset + length; i++) {
    const struct extent *entry = &answer->extents.entry[i];
    uint64_t part;

    end += entry->length;
    if (end <= at)
      continue;
    part = MIN (end, offset + length) - at;
    if (!extents_append (to, part, entry->flags))
      return false;
    at += part;
  }
  return extents_append (to, offset + length - at, 0);
}

/* The same, but of what is on record as bad nothing is believed. */
static bool
append_good (struct extents *to, struct request *request,
             const struct answer *answer, uint64_t offset, uint64_t length)
{
  const struct member *member = request_member (request, answer->place);
  uint64_t part;

  for (uint64_t done = 0; done < length; done += part) {
    bool appended;

    part = member_good_length (member, offset + done, length - done);
    if (part > 0)
      appended = append_answer (to, answer, offset + done, part);
    else {
      part = MIN (length - done, (uint64_t)SECTOR_SIZE);
      appended = extents_append (to, part, 0);
    }
    if (!appended)
      return false;
  }
  return true;
}

static void
ask (struct request *request, unsigned place, uint64_t begin, uint64_t length,
     struct answer *ret)
{
  ret->place = place;
  ret->begin = begin;
  extent_query (request, &request->array->resync.pool, place, begin, length,
                &ret->extents);
}

/* What the member at @copy says, asked once, of all that is looked at from
 * there on: @length bytes.  NULL: too many would have to be asked.
 */
static const struct answer *
find_answer (struct survey *survey, const struct view_copy *copy,
             uint64_t length)
{
  struct answer *answer = survey->answer;
  uint64_t size = survey->holes->layout->member_size;

  while (answer < survey->answer + survey->answers)
    if (answer->place == copy->place)
      return answer;
    else
      answer++;
  if (survey->answers == ANSWERS)
    return NULL;
  survey->answers++;
  ask (survey->request, copy->place, copy->offset,
       MIN (length, size - copy->offset), answer);
  return answer;
}

/* What lies whole on its copies, of @length bytes of the member from @at on. */
static uint64_t
piece_at (const struct layout *layout, uint64_t at, uint64_t length)
{
  return layout->chunk == 0 ? length
                            : MIN (length, layout->chunk - at % layout->chunk);
}

/* What the members that @length bytes from @at on are copied from say, in the
 * order of the one that is rebuilt.
 */
static void
ask_sources (struct survey *survey, uint64_t at, uint64_t length,
             struct extents *ret)
{
  const struct holes *holes = survey->holes;
  uint64_t piece, offset;
  bool fits = true;

  ret->count = 0;
  for (uint64_t done = 0; done < length && fits; done += piece) {
    const struct answer *answer = NULL;
    struct view_copy copy;

    piece = piece_at (holes->layout, at + done, length - done);
    if (!layout_unmap (holes->layout, holes->slot, at + done, &offset)) {
      fits = extents_append (ret, piece, EXTENT_HOLE | EXTENT_ZERO);
      continue;
    }
    if (choose_source (survey->request, offset, &copy))
      answer = find_answer (survey, &copy, length - done);
    fits = answer == NULL
             ? extents_append (ret, piece, 0)
             : append_good (ret, survey->request, answer, copy.offset, piece);
  }
}

static void
ask_target (struct request *request, const struct member *member, uint64_t at,
            uint64_t length, struct extents *ret)
{
  struct answer answer;

  extents_init (ret, length, 0);
  if (!can_tell (member))
    return;
  ask (request, member->place, at, length, &answer);
  ret->count = 0;
  append_good (ret, request, &answer, at, length);
}

/* Range locked. */
static void
ask_both (struct holes *holes, struct request *request,
          const struct member *member, uint64_t at, uint64_t length)
{
  struct survey survey = { .request = request, .holes = holes };
  uint32_t block = request->array->leg_block;
  struct extents target;

  request_pin_newest (request);
  if (!is_target (request, member))
    return;
  ask_sources (&survey, at, length, &holes->source);
  extents_align (&holes->source, block);
  ask_target (request, member, at, length, &target);
  holes->both = holes->source;
  extents_merge (&holes->both, &target);
  extents_align (&holes->both, block);
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

/* Where in the array @length bytes of the member from @at on lie: from
 * *@ret_from up to *@ret_end.  As many of them as lie close together; how many.
 */
static uint64_t
bound (const struct holes *holes, uint64_t at, uint64_t length,
       uint64_t *ret_from, uint64_t *ret_end)
{
  const struct layout *layout = holes->layout;
  uint64_t from = UINT64_MAX, end = 0, done = 0, piece, offset;

  for (; done < length; done += piece) {
    piece = piece_at (layout, at + done, length - done);
    if (!layout_unmap (layout, holes->slot, at + done, &offset))
      continue;
    if (done > 0
        && MAX (end, offset + piece) - MIN (from, offset) > SYNC_LOOK)
      break;
    from = MIN (from, offset);
    end = MAX (end, offset + piece);
  }
  *ret_from = MIN (from, end);
  *ret_end = MIN (end, layout->array_size);
  return done;
}

static void
look (struct holes *holes, struct request *request,
      const struct member *member, uint64_t at, uint64_t length)
{
  struct array *array = request->array;
  uint64_t from, end;

  holes->at = at;
  extents_init (&holes->source, length, 0);
  holes->both = holes->source;
  length = bound (holes, at, MIN (length, (uint64_t)SYNC_LOOK), &from, &end);
  if (end > from) {
    range_lock (&array->ranges, &request->range, from, end - from);
    ask_both (holes, request, member, at, length);
    range_unlock (&array->ranges, &request->range);
  }
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

/* Does the first copy that can tell say that all of it is zeroes? */
static bool
is_zero_at_source (struct request *request, uint64_t offset, uint64_t length)
{
  struct view_copy copy;
  struct answer answer;
  struct extents known = { .count = 0 };
  uint64_t ignored;

  if (!choose_source (request, offset, &copy))
    return false;
  ask (request, copy.place, copy.offset, length, &answer);
  append_good (&known, request, &answer, copy.offset, length);
  return zero_length (&known, 0, 0, &ignored) >= length;
}

bool
holes_zero (struct request *request, const struct member *member,
            uint64_t at, uint64_t offset, uint64_t length)
{
  struct array *array = request->array;
  struct leg *leg = member->leg;

  request_pin_newest (request);
  if (!is_target (request, member)
      || !leg->ops->can_zero (leg, CHILD_MAY_TRIM)
      || !is_zero_at_source (request, offset, length))
    return false;
  request_arm (request, &array->resync.pool);
  issue_zero (request, member, at, length);
  request_finish (request);
  /* What an error means is found out by copying it. */
  return request->failed == 0;
}
