/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: may these disks be served as copies of one another?
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <stdio.h>
#include <string.h>

#include "logic/plain.h"

bool
plain_same (const struct layout *layout, unsigned i, unsigned j)
{
  if (layout->level == LEVEL_RAID1)
    return true;
  return layout->far == 1 && layout->slots % layout->near == 0
         && i / layout->near == j / layout->near;
}

static bool
are_alike (const struct plain_look *a, const struct plain_look *b)
{
  return strcmp (a->holds, b->holds) == 0
         && a->partitions_sum == b->partitions_sum;
}

static const char *
held (const struct plain_look *look)
{
  return look->holds[0] != '\0' ? look->holds : "nothing that is known";
}

static void
say_difference (const struct plain_look *a, const char *a_name,
                const struct plain_look *b, char *why)
{
  if (strcmp (a->holds, b->holds) == 0)
    snprintf (why, MESSAGE_MAX,
              "its partitions are not those of disk %.200s, "
              "so they are not copies of one another",
              a_name);
  else
    snprintf (why, MESSAGE_MAX,
              "holds %.250s, but disk %.200s holds %.250s, so "
              "they are not copies of one another",
              held (b), a_name, held (a));
}

/* One that the mirror itself has called no copy counts before others. */
static bool
is_no_member (const struct plain_look *looks, unsigned count, bool unfinished,
              struct plain_refusal *ret)
{
  for (unsigned i = 0; i < count; i++)
    if (looks[i].member[0] != '\0' && looks[i].unfinished == unfinished) {
      ret->culprit = i;
      snprintf (ret->why, MESSAGE_MAX, "%s", looks[i].member);
      ret->advice = looks[i].advice;
      ret->is_certain = unfinished;
      return false;
    }
  return true;
}

bool
plain_check (const struct plain_look *looks, const char *const *names,
             const struct layout *layout, struct plain_refusal *ret)
{
  *ret = (struct plain_refusal){ .is_certain = false };
  if (!is_no_member (looks, layout->slots, true, ret)
      || !is_no_member (looks, layout->slots, false, ret))
    return false;
  for (unsigned i = 0; i < layout->slots; i++)
    for (unsigned j = 0; j < i; j++)
      if (plain_same (layout, i, j) && looks[i].looked && looks[j].looked
          && !are_alike (&looks[i], &looks[j])) {
        ret->culprit = i;
        say_difference (&looks[j], names[j], &looks[i], ret->why);
        ret->advice = "copy the good disk over the other";
        return false;
      }
  return true;
}
