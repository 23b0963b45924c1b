/* SPDX-License-Identifier: BSD-3-Clause */
/* histories: the sides of a split brain, none of them before the others.
 *
 * The verdict over a split brain looks at everybody from one side, that of the
 * most events.  Who has to choose wants to know what each choice would make of
 * them, so the verdict is asked once for each.  Two members whose choice has
 * the same authority are of the same history.  Who was merely left behind is of
 * the only history in which it is no stranger, or, from before the split, of
 * none.
 */
#include <stdio.h>

#include "ctl/assemble.h"

static unsigned
find_by_authority (const struct dry_run *run, unsigned authority)
{
  unsigned h = 0;

  while (h < run->histories && run->history[h].made.authority != authority)
    h++;
  return h;
}

/* One that is whole in its history is better to name it by. */
static void
choose (struct dry_run *run, unsigned j)
{
  struct history history = { .leg = run->verdict.number[j] };
  unsigned h;

  if (run->verdict.given[j].sb == NULL)
    return;
  assemble (run->verdict.given, run->verdict.count, (int)j, &history.made);
  run->choice[j] = history.made.result;
  if (history.made.result == ASSEMBLE_SPLIT)
    return;
  h = find_by_authority (run, history.made.authority);
  run->side[j] = h + 1;
  history.by = history.made.part[j].part;
  if (h == run->histories)
    run->histories++;
  else if (run->history[h].by == PART_IN_SYNC || history.by != PART_IN_SYNC)
    return;
  run->history[h] = history;
}

static unsigned
only_side (const struct dry_run *run, unsigned j)
{
  unsigned only = 0;

  for (unsigned h = 0; h < run->histories; h++) {
    enum part part = run->history[h].made.part[j].part;

    if (part == PART_SPLIT || part == PART_SPARE || part == PART_UNUSABLE)
      continue;
    if (only != 0)
      return 0;
    only = h + 1;
  }
  return only;
}

/* The server names one side, with the events of both; here all are shown. */
static void
say_why (struct dry_run *run)
{
  struct assembly *assembly = &run->verdict.assembly;

  if (run->histories < 2)
    return;
  assembly->culprit = run->verdict.count;
  snprintf (assembly->why, sizeof assembly->why, "split brain: %u histories, "
            "each written without the other%s; they cannot be merged",
            run->histories, run->histories > 2 ? "s" : "");
}

void
histories_find (struct dry_run *run)
{
  if (run->verdict.assembly.result != ASSEMBLE_SPLIT)
    return;
  for (unsigned j = 0; j < run->verdict.count; j++)
    run->choice[j] = ASSEMBLE_SPLIT;
  for (unsigned j = 0; j < run->verdict.count; j++)
    choose (run, j);
  for (unsigned j = 0; j < run->verdict.count; j++)
    if (run->side[j] == 0)
      run->side[j] = only_side (run, j);
  say_why (run);
}

struct assemble_part
histories_part (const struct dry_run *run, unsigned j)
{
  struct assemble_part part = run->verdict.assembly.part[j];

  if (run->side[j] != 0)
    return run->history[run->side[j] - 1].made.part[j];
  /* Its bitmap is of use to one side, perhaps. */
  if (run->verdict.assembly.result == ASSEMBLE_SPLIT
      && part.part == PART_STALE_BITMAP)
    part.part = PART_STALE;
  return part;
}
