/* SPDX-License-Identifier: BSD-3-Clause */
/* view-look: what a view says of places, slots and copies. */
#include "engine/array-internal.h"
#include "engine/array/view.h"
#include "ground/util.h"

static uint32_t
standing_at_least (const struct view *view, unsigned standing)
{
  uint32_t places = 0;

  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    if (atomic_load (&view->member[__builtin_ctz (left)]->standing)
        >= standing)
      places |= left & -left;
  return places;
}

uint32_t
view_targets_now (const struct array *array, const struct view *view)
{
  return view_is_old (array, view)
           ? standing_at_least (view, STANDING_WRITTEN)
           : view->targets;
}

uint32_t
view_in_sync_now (const struct array *array, const struct view *view)
{
  return view_is_old (array, view) ? standing_at_least (view, STANDING_READ)
                                   : view->in_sync;
}

struct view
view_look (struct array *array)
{
  struct view ret;

  ground_mutex_lock (&array->state_lock);
  ret = *atomic_load (&array->view);
  ground_mutex_unlock (&array->state_lock);
  return ret;
}

struct layout
array_get_layout (struct array *array)
{
  struct layout layout;

  ground_mutex_lock (&array->state_lock);
  layout = array->layout;
  ground_mutex_unlock (&array->state_lock);
  return layout;
}

int
view_free_place (const struct array *array)
{
  uint32_t taken = 0;

  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->leg != NULL)
      taken |= 1u << array->members[i]->place;
  return taken == UINT32_MAX ? -1 : __builtin_ctz (~taken);
}

unsigned
view_slot (const struct view *view, const struct member *member)
{
  for (unsigned slot = 0; slot < LEGS_MAX; slot++)
    if (view->occupant[slot] == (int)member->place
        || view->heir[slot] == (int)member->place)
      return slot;
  assert (!"a target has a slot");
  return 0;
}

bool
view_flush_is_lost_on (const struct view *view, uint32_t places)
{
  for (uint32_t left = places; left != 0; left &= left - 1)
    if (atomic_load (&view->member[__builtin_ctz (left)]->flush_lost))
      return true;
  return false;
}

static unsigned
add_copy (const struct view *view, int place, uint64_t offset, bool mostly,
          struct view_copy *ret)
{
  if (place < 0 || ((view->write_mostly >> place & 1) != 0) != mostly)
    return 0;
  *ret = (struct view_copy){ place, offset };
  return 1;
}

unsigned
view_copies_raid10 (const struct view *view, uint64_t offset,
                    struct view_copy *ret)
{
  unsigned copies = layout_copies (&view->layout), count = 0;
  struct copy copy[LEGS_MAX];

  layout_map (&view->layout, offset, copy);
  for (unsigned mostly = 0; mostly <= (view->write_mostly != 0); mostly++)
    for (unsigned i = 0; i < copies; i++) {
      int occupant = view->occupant[copy[i].slot];
      int heir = view->heir[copy[i].slot];

      count += add_copy (view, occupant, copy[i].offset, mostly, &ret[count]);
      count += add_copy (view, heir, copy[i].offset, mostly, &ret[count]);
    }
  return count;
}

/* ----------------------------------------------------- what is no copy yet */

unsigned
view_leave_unfinished (const struct view *view, struct view_copy *copies,
                       unsigned count)
{
  unsigned left = 0;

  for (unsigned i = 0; i < count; i++)
    if (!(view->unfinished & 1u << copies[i].place)
        || copies[i].offset >= view->mark_size)
      copies[left++] = copies[i];
  return left;
}

/* All copies of a byte are equally deep in a chunk. */
uint64_t
view_piece_unfinished (const struct view *view, uint64_t offset,
                       uint64_t length)
{
  uint64_t chunk = view->layout.chunk;
  uint64_t depth = chunk == 0 ? offset : offset % chunk;

  return depth < view->mark_size ? MIN (length, view->mark_size - depth)
                                 : length;
}
