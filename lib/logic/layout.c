/* SPDX-License-Identifier: BSD-3-Clause */
/* layout: which bytes of which member hold a range of the array.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 *
 * Array chunk c takes the places q = c * near ... c * near + near - 1 of a
 * table as wide as there are slots: slot q % slots, row q / slots.  The far
 * copies of a place lie @stride further down, each `near` slots further to
 * the right, wrapped inside the slot's far set (without far sets: the whole
 * row).  Layouts that mix near and far copies are refused by layout_check,
 * because some of them put two chunks on one place.
 */
#include <stdio.h>

#include "ground/util.h"
#include "logic/layout.h"

/* md's layout word. */
#define WORD_OFFSET (UINT32_C (1) << 16)
#define WORD_SETS_SHIFT 17
#define WORD_SETS_MASK 3
#define WORD_SETS_OLD 1
#define WORD_SETS 2
#define WORD_BITS 19
#define WORD_COPIES_MAX 255

/* Up to three digits without leading zero. */
static bool
parse_copies (const char *text, unsigned *ret)
{
  unsigned n = 0;

  if (text[0] == '0')
    return false;
  do {
    if (*text < '0' || *text > '9')
      return false;
    n = n * 10 + (*text - '0');
    if (n > WORD_COPIES_MAX)
      return false;
  } while (*++text != '\0');
  *ret = n;
  return true;
}

bool
layout_parse (struct layout *layout, const char *text)
{
  unsigned copies;

  if (text[0] != 'n' && text[0] != 'f' && text[0] != 'o')
    return false;
  if (!parse_copies (text + 1, &copies))
    return false;
  layout->near = text[0] == 'n' ? copies : 1;
  layout->far = text[0] == 'n' ? 1 : copies;
  layout->offset = text[0] == 'o';
  layout->far_sets = false;
  return true;
}

void
layout_name (const struct layout *layout, char *ret, size_t size)
{
  assert (size >= 16);
  if (layout->level == LEVEL_RAID1)
    snprintf (ret, size, "raid1");
  else if (layout->far == 1)
    snprintf (ret, size, "n%u", layout->near);
  else
    snprintf (ret, size, "%c%u%s", layout->offset ? 'o' : 'f', layout->far,
              layout->far_sets ? "-sets" : "");
}

/* What is wrong with a raid10's copies, whatever the number of slots. */
static const char *
check_copies (const struct layout *layout)
{
  if (layout->near == 0)
    return "counts no near copies";
  if (layout->far == 0)
    return "counts no far copies";
  if (layout->near > 1 && layout->far > 1)
    return "mixes near and far copies";
  if (layout->offset && layout->far == 1)
    return "is an offset layout without far copies";
  if (layout->far_sets && layout->far == 1)
    return "has far sets without far copies";
  if (layout->near * layout->far < 2)
    return "has only one copy of everything";
  return NULL;
}

const char *
layout_from_word (struct layout *layout, uint32_t word)
{
  unsigned sets = word >> WORD_SETS_SHIFT & WORD_SETS_MASK;
  struct layout result = *layout;
  const char *wrong;

  if (word >> WORD_BITS != 0)
    return "has unknown bits set";
  if (sets == WORD_SETS_OLD)
    return "is the old far-sets variant, which can put all copies of a "
           "chunk on one member";
  if (sets != 0 && sets != WORD_SETS)
    return "is an unknown far-sets variant";

  result.near = word & 0xff;
  result.far = word >> 8 & 0xff;
  result.offset = (word & WORD_OFFSET) != 0;
  result.far_sets = sets == WORD_SETS;
  wrong = check_copies (&result);
  if (wrong == NULL)
    *layout = result;
  return wrong;
}

uint32_t
layout_to_word (const struct layout *layout)
{
  if (layout->level == LEVEL_RAID1)
    return 0;
  assert (check_copies (layout) == NULL);
  assert (layout->near <= WORD_COPIES_MAX && layout->far <= WORD_COPIES_MAX);
  return layout->near | layout->far << 8 | (layout->offset ? WORD_OFFSET : 0)
         | (uint32_t)(layout->far_sets ? WORD_SETS : 0) << WORD_SETS_SHIFT;
}

static const char *
check_chunk (uint64_t chunk)
{
  static_assert (CHUNK_MIN == 4096 && CHUNK_MAX == 1024 * 1024 * 1024,
                 "the messages say so");
  if (chunk < CHUNK_MIN)
    return "has a chunk smaller than 4096 bytes";
  if (chunk > CHUNK_MAX)
    return "has a chunk larger than 1 GiB";
  if (!is_power_of_2 (chunk))
    return "has a chunk that is not a power of two";
  return NULL;
}

static const char *
check_raid1 (const struct layout *layout)
{
  if (layout->near != 1 || layout->far != 1 || layout->offset
      || layout->far_sets)
    return "is raid1 with near or far copies";
  if (layout->chunk != 0)
    return "is raid1 with a chunk size";
  return NULL;
}

static const char *
check_raid10 (const struct layout *layout)
{
  const char *wrong = check_copies (layout);

  if (wrong != NULL)
    return wrong;
  if (layout->near * layout->far > layout->slots)
    return "has more copies than members";
  return check_chunk (layout->chunk);
}

const char *
layout_check (const struct layout *layout)
{
  static_assert (LEGS_MAX == 32, "the message and the masks say so");
  if (layout->slots < 2)
    return "has fewer than 2 members";
  if (layout->slots > LEGS_MAX)
    return "has more than 32 members";

  switch (layout->level) {
  case LEVEL_RAID1:
    return check_raid1 (layout);
  case LEVEL_RAID10:
    return check_raid10 (layout);
  default:
    return "is neither raid1 nor raid10";
  }
}

static void
set_size_raid10 (struct layout *layout, uint64_t member_bytes)
{
  uint64_t chunks_max = INT64_MAX / layout->chunk;
  uint64_t rows_max = (layout->near * (chunks_max + 1) - 1) / layout->slots;
  uint64_t rows, chunks, used;

  rows = MIN (member_bytes / layout->chunk / layout->far, rows_max);
  chunks = rows * layout->slots / layout->near;
  used = div_round_up (chunks * layout->near * layout->far, layout->slots);

  layout->member_size = used * layout->chunk;
  layout->array_size = chunks * layout->chunk;
  if (layout->offset)
    layout->stride = layout->chunk;
  else
    layout->stride = used / layout->far * layout->chunk;
}

void
layout_set_size (struct layout *layout, uint64_t member_bytes)
{
  assert (layout_check (layout) == NULL);
  if (layout->level == LEVEL_RAID1) {
    layout->member_size = MIN (member_bytes, (uint64_t)INT64_MAX);
    layout->array_size = layout->member_size;
    layout->stride = 0;
  }
  else
    set_size_raid10 (layout, member_bytes);
  assert (layout->member_size <= member_bytes);
  assert (layout->array_size <= INT64_MAX);
}

unsigned
layout_copies (const struct layout *layout)
{
  return layout->level == LEVEL_RAID1 ? layout->slots
                                      : layout->near * layout->far;
}

/* The slots among which the far copies of @slot stay: @*ret_count from
 * @*ret_first on.  The last set takes in what is left over.
 */
static void
far_set (const struct layout *layout, unsigned slot, unsigned *ret_first,
         unsigned *ret_count)
{
  unsigned width = layout->near * layout->far;
  unsigned last;

  *ret_first = 0;
  *ret_count = layout->slots;
  if (!layout->far_sets)
    return;
  last = layout->slots / width - 1;
  *ret_first = MIN (slot / width, last) * width;
  *ret_count = slot / width < last ? width : layout->slots - *ret_first;
}

/* The slot of the @nth far copy of what lies first on @slot. */
static unsigned
far_slot (const struct layout *layout, unsigned slot, unsigned nth)
{
  unsigned first, count;

  far_set (layout, slot, &first, &count);
  return first + (slot - first + nth * layout->near) % count;
}

/* The slot where that lies first whose @nth far copy is on @slot. */
static unsigned
far_origin (const struct layout *layout, unsigned slot, unsigned nth)
{
  unsigned first, count, back;

  far_set (layout, slot, &first, &count);
  back = nth * layout->near % count;
  return first + (slot - first + count - back) % count;
}

static void
map_raid1 (const struct layout *layout, uint64_t offset,
           struct copy *ret_copies)
{
  for (unsigned slot = 0; slot < layout->slots; slot++)
    ret_copies[slot] = (struct copy){ .slot = slot, .offset = offset };
}

static void
map_raid10 (const struct layout *layout, uint64_t offset,
            struct copy *ret_copies)
{
  uint64_t first_place = offset / layout->chunk * layout->near;
  unsigned rows_apart = layout->offset ? layout->far : 1;
  struct copy *copy = ret_copies;

  for (unsigned j = 0; j < layout->near; j++) {
    uint64_t place = first_place + j;
    uint64_t row = place / layout->slots * rows_apart;
    unsigned slot = place % layout->slots;

    for (unsigned k = 0; k < layout->far; k++, copy++) {
      copy->slot = far_slot (layout, slot, k);
      copy->offset = row * layout->chunk + offset % layout->chunk
                     + k * layout->stride;
      assert (copy->offset < layout->member_size);
    }
  }
}

void
layout_map (const struct layout *layout, uint64_t offset,
            struct copy *ret_copies)
{
  assert (offset < layout->array_size);
  if (layout->level == LEVEL_RAID1)
    map_raid1 (layout, offset, ret_copies);
  else
    map_raid10 (layout, offset, ret_copies);
}

static bool
unmap_raid10 (const struct layout *layout, unsigned slot, uint64_t offset,
              uint64_t *ret)
{
  uint64_t row, nth, chunk;

  if (layout->offset) {
    row = offset / layout->chunk / layout->far;
    nth = offset / layout->chunk % layout->far;
  }
  else {
    row = offset % layout->stride / layout->chunk;
    nth = offset / layout->stride;
  }
  assert (nth < layout->far);

  chunk = (row * layout->slots + far_origin (layout, slot, nth))
          / layout->near;
  if (chunk * layout->chunk >= layout->array_size)
    return false;
  *ret = chunk * layout->chunk + offset % layout->chunk;
  return true;
}

bool
layout_map_slot (const struct layout *layout, uint64_t offset, unsigned slot,
                 uint64_t *ret)
{
  struct copy copies[LEGS_MAX];
  unsigned count = layout_copies (layout);

  layout_map (layout, offset, copies);
  for (unsigned i = 0; i < count; i++)
    if (copies[i].slot == slot) {
      *ret = copies[i].offset;
      return true;
    }
  return false;
}

bool
layout_unmap (const struct layout *layout, unsigned slot, uint64_t offset,
              uint64_t *ret)
{
  assert (slot < layout->slots);
  if (offset >= layout->member_size)
    return false;
  if (layout->level == LEVEL_RAID10)
    return unmap_raid10 (layout, slot, offset, ret);
  *ret = offset;
  return true;
}

/* The slots that hold the piece at @offset. */
static uint32_t
group_at (const struct layout *layout, uint64_t offset)
{
  struct copy copies[LEGS_MAX];
  uint32_t group = 0;

  layout_map (layout, offset, copies);
  for (unsigned i = 0; i < layout_copies (layout); i++)
    group |= UINT32_C (1) << copies[i].slot;
  return group;
}

unsigned
layout_groups (const struct layout *layout, uint32_t ret_groups[LEGS_MAX])
{
  uint64_t offset = 0;
  unsigned count = 0;

  assert (layout->array_size > 0);
  /* The first place of a chunk repeats after as many chunks as there are
   * slots, at the latest.
   */
  for (unsigned chunk = 0; chunk < layout->slots; chunk++) {
    uint32_t group = group_at (layout, offset);
    unsigned i = 0;

    while (i < count && ret_groups[i] != group)
      i++;
    if (i == count)
      ret_groups[count++] = group;
    offset += layout->chunk;
    if (offset >= layout->array_size)
      break;
  }
  assert (count >= 1 && count <= LEGS_MAX);
  return count;
}
