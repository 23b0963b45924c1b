/* SPDX-License-Identifier: BSD-3-Clause */
/* health: which members can be trusted, and what an event makes of that.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 *
 * The array is complete if and only if every copy group keeps a member that
 * is in sync.  The groups come from the mapping itself: windows of
 * neighbouring slots, as Linux md tests them, are wrong for far sets.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/health.h"

void
health_init (struct health *health, unsigned slots, const uint32_t *group,
             unsigned groups, uint32_t in_sync, uint32_t recovering)
{
  uint32_t all = UINT32_MAX >> (32 - slots);

  assert (slots >= 1 && slots <= LEGS_MAX);
  assert (groups >= 1 && groups <= LEGS_MAX);
  assert (((in_sync | recovering) & ~all) == 0 && (in_sync & recovering) == 0);
  *health = (struct health){ .slots = slots,
                             .groups = groups,
                             .in_sync = in_sync,
                             .recovering = recovering };
  memcpy (health->group, group, groups * sizeof group[0]);
  assert (health_enough (health, health->in_sync));
}

bool
health_enough (const struct health *health, uint32_t in_sync)
{
  for (unsigned i = 0; i < health->groups; i++)
    if ((health->group[i] & in_sync) == 0)
      return false;
  return true;
}

uint32_t
health_excused (const struct health *health, uint32_t in_sync, uint32_t failed)
{
  uint32_t excused = 0;

  for (unsigned i = 0; i < health->groups; i++)
    if ((health->group[i] & in_sync & ~failed) == 0)
      excused |= health->group[i] & failed;
  return excused;
}

enum health_verdict
health_leg_failed (struct health *health, unsigned slot)
{
  uint32_t bit, rest;

  assert (slot < health->slots);
  assert (health_enough (health, health->in_sync));
  bit = UINT32_C (1) << slot;
  rest = health->in_sync & ~bit;
  if ((health->recovering & bit) != 0) {
    health->recovering &= ~bit;
    return HEALTH_FAILED;
  }
  if ((health->in_sync & bit) == 0)
    return HEALTH_ALREADY;
  if (!health_enough (health, rest))
    return HEALTH_LAST_COPY;
  health->in_sync = rest;
  return HEALTH_FAILED;
}

bool
health_leg_recovered (struct health *health, unsigned slot)
{
  uint32_t bit = UINT32_C (1) << slot;

  assert (slot < health->slots);
  if ((health->recovering & bit) == 0)
    return false;
  health->recovering &= ~bit;
  health->in_sync |= bit;
  return true;
}
