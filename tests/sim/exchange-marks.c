/* SPDX-License-Identifier: BSD-3-Clause */
/* exchange-marks: what was reached, in all worlds. */
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "ground/log.h"

unsigned reached[MARKS];

static const char *const mark_names[MARKS] = {
  "fail",
  "remove",
  "add",
  "readd",
  "write-mostly",
  "read-as-others",
  "replace",
  "grow --size",
  "grow --legs",
  "another bitmap",
  "spare",
  "a spare steps in",
  "a disk breaks",
  "the last copy is refused",
  "a replacement ends",
  "back by bitmap",
  "all are in sync at the end",
  "an old member at the restart",
  "a plain array",
  "a replacement ends there",
  "a disk there is not finished",
  "raid10, near",
  "raid10, far",
  "raid10, offset",
  "raid10, far sets",
  "a member with bad blocks",
  "it comes back",
  "a remote disk is cut off",
  "and gets what it missed",
  "its old server is late",
  "and spoils what is newer",
  "it comes back by itself",
  "it answers and stays out",
  "it stays out as itself",
  "it stays out, empty",
  "it stays out, an older image",
  "of another array",
  "a copy of another disk",
  "smaller",
  "without flush",
  "read-only",
  "an older image is taken",
  "one request at a time",
  "as few children as may be",
  "the last copy is cut off",
  "and is reached again",
  "and has lost something",
  "a client gets an error",
  "a flush fails",
  "a source is lost",
  "that is called a split brain",
  "a copy of another is taken",
};

void
marks_count_event (const struct log_event *event, const char *message)
{
  bool is_refused = strcmp (event->kind, "ReconnectRefused") == 0;

  if (is_refused)
    reached[MARK_SWAPPED + disks[disk_number (event->disk)].swap]++;
  reached[MARK_ITSELF] += strcmp (event->kind, "Reconnected") == 0;
  reached[MARK_REATTACHED] += strcmp (event->kind, "Reconnected") == 0
                              && strstr (message, "the last copy") != NULL;
  reached[MARK_STAYS_OUT] += is_refused;
}

bool
marks_tell (void)
{
  bool all = true;

  reached[MARK_LATE] = disks_late_done;
  reached[MARK_NEWER] = disks_late_newer;
  reached[MARK_TAKEN] = disks_taken[SWAP_OLDER];
  reached[MARK_TAKEN_TWIN] = disks_taken[SWAP_TWIN];
  for (unsigned i = 0; i < MARKS; i++) {
    printf ("%-28s %u\n", mark_names[i], reached[i]);
    all &= reached[i] > 0 || i >= MARK_RARE;
  }
  return all;
}
