/* SPDX-License-Identifier: BSD-3-Clause */
/* view: the members of one moment, with their legs, as requests see them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/view.h"
#include "ground/util.h"

/* ------------------------------------------------------------------ a view */

static void
add_member (struct view *view, const struct roster_member *entry,
            struct member *member)
{
  uint32_t bit = 1u << member->place;

  assert (member->leg != NULL && view->member[member->place] == NULL);
  view->member[member->place] = member;
  view->targets |= bit;
  view->of_rank[member->leg->rank] |= bit;
  if (member->leg->caps.fua)
    view->with_fua |= bit;
  if (entry->flags & MEMBER_WRITE_MOSTLY)
    view->write_mostly |= bit;
  if (entry->state == MEMBER_IN_SYNC)
    view->in_sync |= bit;
  if (member->unfinished)
    view->unfinished |= bit;
  if (entry->state == MEMBER_REPLACING)
    view->heir[entry->slot] = member->place;
  else
    view->occupant[entry->slot] = member->place;
}

static void
add_spare (struct view *view, struct member *member)
{
  assert (member->leg != NULL && view->member[member->place] == NULL);
  view->member[member->place] = member;
  view->spares |= 1u << member->place;
}

static void
add_place (struct view *view, int place, bool mostly)
{
  if (place >= 0 && ((view->write_mostly >> place & 1) != 0) == mostly)
    view->place[view->count++] = place;
}

/* In the order of reading. */
static void
add_places (struct view *view)
{
  for (unsigned mostly = 0; mostly <= 1; mostly++)
    for (unsigned slot = 0; slot < LEGS_MAX; slot++) {
      add_place (view, view->occupant[slot], mostly);
      add_place (view, view->heir[slot], mostly);
    }
}

/* The roster's, in places. */
static void
add_groups (struct view *view, const struct roster *roster)
{
  view->groups = roster->groups;
  for (unsigned i = 0; i < roster->groups; i++) {
    view->group[i] = 0;
    for (uint32_t left = roster->group[i]; left != 0; left &= left - 1) {
      unsigned slot = __builtin_ctz (left);

      if (view->occupant[slot] >= 0)
        view->group[i] |= 1u << view->occupant[slot];
      if (view->heir[slot] >= 0)
        view->group[i] |= 1u << view->heir[slot];
    }
  }
}

static bool
is_target (const struct roster_member *entry)
{
  return entry->state == MEMBER_RECOVERING || entry->state == MEMBER_REPLACING
         || entry->state == MEMBER_IN_SYNC;
}

static void
fill (const struct array *array, struct view *view, uint64_t number)
{
  const struct roster *roster = &array->roster;
  struct roster_sets sets;

  *view = (struct view){ .number = number,
                         .layout = array->layout,
                         .mark_size = array->mark_size };
  memset (view->occupant, -1, sizeof view->occupant);
  memset (view->heir, -1, sizeof view->heir);
  for (unsigned i = 0; i < roster->members; i++) {
    const struct roster_member *entry = &roster->member[i];

    if (is_target (entry))
      add_member (view, entry, view_find_member (array, entry->id));
    else if (entry->state == MEMBER_SPARE)
      add_spare (view, view_find_member (array, entry->id));
  }
  add_places (view);
  add_groups (view, roster);
  roster_sets (roster, &sets);
  view->is_complete = sets.lacking == 0;
  view->is_occupied
    = (sets.in_sync | sets.recovering) == layout_all_slots (&view->layout);
}

/* ----------------------------------------------------- pinned and retired */

static unsigned
standing_in (const struct view *view, const struct member *member)
{
  if (view->member[member->place] != member
      || (view->spares & 1u << member->place))
    return STANDING_OUT;
  return view->in_sync & 1u << member->place ? STANDING_READ
                                             : STANDING_WRITTEN;
}

/* What is to be known when it comes back. */
static void
note_leaving (const struct array *array, struct member *member,
              unsigned before, uint64_t number)
{
  if (before == STANDING_READ)
    member->known_until = atomic_load (&array->missed.is_kept) ? number : 0;
  else if (before == STANDING_WRITTEN)
    member->was_marked = true;
}

/* After the view is there: who finds a member gone answers without it, and the
 * next reader must not go there.
 */
static void
set_standings (const struct array *array, const struct view *view)
{
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];
    unsigned now = standing_in (view, member);
    unsigned before = atomic_exchange (&member->standing, now);

    if (now == STANDING_OUT)
      note_leaving (array, member, before, view->number);
  }
}

static void
make_newest (struct array *array, struct view *view)
{
  atomic_store (&array->view, view);
  atomic_store (&array->epoch, view->number);
  atomic_store (&array->has_remote, view->of_rank[LEG_REMOTE] != 0);
  set_standings (array, view);
}

static void
use_members (const struct view *view, int users)
{
  for (uint32_t left = view->targets | view->spares; left != 0;
       left &= left - 1)
    view->member[__builtin_ctz (left)]->users += users;
}

/* Does some descriptor have it?  One that does will tell at its end.
 * state_lock held.
 */
static bool
is_pinned (struct array *array, const struct view *view)
{
  bool pinned = false;

  for (unsigned i = 0; i < array->groups; i++)
    pinned |= requests_release_view (array->group[i], view);
  return pinned;
}

void
view_collect (struct array *array)
{
  struct views *views = &array->views;
  struct view **at = &views->retired, *view;

  while ((view = *at) != NULL) {
    if (is_pinned (array, view)) {
      at = &view->next;
      continue;
    }
    *at = view->next;
    use_members (view, -1);
    view->next = views->free;
    views->free = view;
    atomic_fetch_sub (&views->retired_count, 1);
  }
}

/* Since when each slot has nobody; who lets spares step in looks again.
 * state_lock held.
 */
static void
note_empty (struct array *array, const struct view *view)
{
  uint64_t now = ground_now ();

  for (unsigned slot = 0; slot < LEGS_MAX; slot++)
    if (view->occupant[slot] >= 0 || slot >= view->layout.slots)
      array->empty_since_ns[slot] = 0;
    else if (array->empty_since_ns[slot] == 0)
      array->empty_since_ns[slot] = now;
  if (view->spares != 0 && !view->is_occupied)
    worker_wake (&array->resync.worker);
}

static bool
has_all_of (const struct view *view, const struct view *old)
{
  for (uint32_t left = old->targets; left != 0; left &= left - 1) {
    unsigned place = __builtin_ctz (left);

    if (view->member[place] != old->member[place])
      return false;
  }
  return true;
}

/* Whoever looks for disks that hang lets go of them.  state_lock held. */
static void
note_left (struct array *array, const struct view *view,
           const struct view *old)
{
  bool any = false;

  for (uint32_t left = old->targets | old->spares; left != 0;
       left &= left - 1) {
    unsigned place = __builtin_ctz (left);

    if (view->member[place] == old->member[place])
      continue;
    atomic_store (&old->member[place]->left, true);
    any = true;
  }
  if (any)
    worker_wake (&array->hung.worker);
}

/* There are more of them than can be pinned.  state_lock held. */
static struct view *
take_free (struct array *array)
{
  struct views *views = &array->views;
  struct view *view;

  if (views->free == NULL)
    view_collect (array);
  view = views->free;
  assert (view != NULL);
  views->free = view->next;
  return view;
}

void
view_publish (struct array *array)
{
  struct views *views = &array->views;
  struct view *old = atomic_load (&array->view);
  struct view *view = take_free (array);

  fill (array, view, old->number + 1);
  use_members (view, 1);
  /* Before anybody finds it without them: what depends on that waits until it
   * is on record.
   */
  if (!has_all_of (view, old))
    atomic_store (&array->shrunk, view->number);
  make_newest (array, view);
  note_left (array, view, old);
  old->next = views->retired;
  views->retired = old;
  atomic_fetch_add (&views->retired_count, 1);
  worker_wake (&views->closer);
  note_empty (array, view);
}

/* -------------------------------------------------------------- all of them */

static unsigned
descriptors (const struct array *array)
{
  unsigned total = 0;

  for (unsigned i = 0; i < array->groups; i++)
    total += array->group[i]->total;
  return total;
}

/* One for each descriptor, the published one, and one that is being made. */
static unsigned
views_wanted (unsigned descriptors)
{
  return descriptors + 2;
}

uint64_t
views_size (unsigned descriptors)
{
  return views_wanted (descriptors) * (uint64_t)sizeof (struct view);
}

int
views_init (struct array *array)
{
  struct views *views = &array->views;

  worker_init (&views->closer);
  views->total = views_wanted (descriptors (array));
  views->items = calloc (views->total, sizeof views->items[0]);
  if (views->items == NULL)
    return -ENOMEM;
  for (unsigned i = views->total; i-- > 1;) {
    views->items[i].next = views->free;
    views->free = &views->items[i];
  }
  fill (array, &views->items[0], 1);
  use_members (&views->items[0], 1);
  atomic_store (&array->shrunk,
                views->items[0].is_occupied ? 0 : 1);
  make_newest (array, &views->items[0]);
  note_empty (array, &views->items[0]);
  return 0;
}

void
views_destroy (struct array *array)
{
  worker_destroy (&array->views.closer);
  free (array->views.items);
}
