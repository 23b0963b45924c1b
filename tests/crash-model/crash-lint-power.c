/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint-power: L8, and what a leg takes along when it loses its power. */
#include <string.h>

#include "crash-lint-internal.h"

/* --- L8 --- */

bool
lint_is_known (struct lint *lint, const struct record_io *io)
{
  const struct record_connection *connection
    = &lint->record->connections[io->connection];

  if (connection->looked < io->submitted)
    return true;
  return LINT_FAIL (lint, "L8: leg %u is written, and its superblock was not "
                    "read since it was opened", io->leg);
}

/* --- a cut --- */

/* What it was told to be stored and is not so for sure. */
void
lint_cut (struct lint *lint, const struct record_cut *cut)
{
  const struct replay_leg *replay = &lint->replay.leg[cut->leg];

  for (unsigned i = 0; i < replay->count; i++) {
    const struct record_io *io = &lint->record->ios[replay->pending[i].io];

    if (io->done <= lint->replay.at && !io->lost)
      lint->is_gone[replay->pending[i].io] = true;
  }
  memcpy (lint->before[cut->leg], replay->kept, sizeof replay->kept);
  lint->cut[cut->leg] = cut->event;
  replay_step (&lint->replay);
  lint->leg[cut->leg].known = false;
}

/* It is on record that it lacks something: what it lost does not matter. */
static void
forget (struct lint *lint, unsigned leg)
{
  for (uint32_t i = 0; i < lint->record->ios_count; i++)
    if (lint->record->ios[i].leg == leg)
      lint->is_gone[i] = false;
}

void
lint_look_at_record (struct lint *lint)
{
  for (uint32_t i = 0; i < lint->cuts_count; i++) {
    struct record_cut *cut = &lint->cuts[i];
    unsigned leg = cut->leg;

    if (cut->recorded != RECORD_NEVER || cut->event > lint->replay.at
        || (!lint_is_out (lint, lint_targets (lint) & ~(1u << leg), leg)
            && (lint->joined[leg] <= cut->event
                || !lint_is_rebuilt (lint, leg))))
      continue;
    cut->recorded = lint->replay.at;
    forget (lint, leg);
  }
}

const struct record_io *
lint_find_gone (const struct lint *lint, unsigned leg,
                bool (*is_vouched) (const struct lint *lint,
                                    const struct record_io *io,
                                    uint32_t number),
                uint32_t number)
{
  if (lint->cut[leg] == 0)
    return NULL;
  for (uint32_t i = 0; i < lint->record->ios_count; i++) {
    const struct record_io *io = &lint->record->ios[i];

    if (lint->is_gone[i] && io->leg == leg && lint_is_data (lint, io)
        && is_vouched (lint, io, number))
      return io;
  }
  return NULL;
}
