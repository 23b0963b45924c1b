/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-plant-power: bugs in the engine that matter when legs lose their power
 * and come back, for the tests of the tests.  See crash-plant-engine.c.
 */
#include "crash-plant.h"
#include "crash-world.h"
#include "engine/array-internal.h"
#include "ground/util.h"

#define WRAP(type, name, ...)                                                 \
  type __real_##name (__VA_ARGS__);                                           \
  type __wrap_##name (__VA_ARGS__);                                           \
  type __wrap_##name (__VA_ARGS__)

/* What an old server may still do is not waited for. */
WRAP (int, mark_quarantine, struct array *array, struct member *member)
{
  if (crash_plant != PLANT_NO_QUARANTINE)
    return __real_mark_quarantine (array, member);
  atomic_store (&member->quarantine_ns, 0);
  return 0;
}

/* A last copy may have lost something: forgotten. */
WRAP (bool, view_flush_is_lost_on, const struct view *view, uint32_t places)
{
  return crash_plant != PLANT_BELIEVED
         && __real_view_flush_is_lost_on (view, places);
}

/* Who comes back gets only what was written since it lost its power, as if it
 * had kept all that it was sent before.
 */
#define BEGUN_MAX 1024

static struct {
  uint64_t offset, length;
} begun[BEGUN_MAX];
static unsigned count;
static uint32_t cuts; /* of this life, when it was begun */

static uint32_t
cuts_now (void)
{
  return crash_world.life->record.cuts_count;
}

void
crash_plant_begun (uint64_t offset, uint64_t length)
{
  if (crash_plant != PLANT_TRUSTED)
    return;
  if (cuts != cuts_now ())
    count = 0;
  cuts = cuts_now ();
  if (count < BEGUN_MAX) {
    begun[count].offset = offset;
    begun[count++].length = length;
  }
}

bool
crash_plant_trusts (uint64_t offset, uint64_t length)
{
  if (crash_plant != PLANT_TRUSTED || cuts_now () == 0)
    return false;
  for (unsigned i = 0; i < count && cuts == cuts_now (); i++)
    if (ranges_overlap (offset, length, begun[i].offset, begun[i].length))
      return false;
  return true;
}
