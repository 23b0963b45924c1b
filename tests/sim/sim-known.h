/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-known: seeds that failed once, out of a file.
 *
 * Header only.  A number at the beginning of each line, the rest is comment.
 */
#ifndef MIRROR_SIM_KNOWN_H
#define MIRROR_SIM_KNOWN_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* @run each of them, until one is not good.  False, too, if @path cannot be
 * read, which is said.
 */
static inline bool
sim_run_known (const char *path, bool (*run) (uint64_t seed))
{
  FILE *file = fopen (path, "r");
  char line[256];
  bool good = true;

  if (file == NULL) {
    fprintf (stderr, "%s: %s\n", path, strerror (errno));
    return false;
  }
  while (good && fgets (line, sizeof line, file) != NULL)
    if (line[0] >= '0' && line[0] <= '9')
      good = run (strtoull (line, NULL, 10));
  fclose (file);
  return good;
}

#endif /* MIRROR_SIM_KNOWN_H */
