/* SPDX-License-Identifier: BSD-3-Clause */
/* unfinished: what a disk begins with while a plain array is copied to it.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <string.h>

#include "logic/unfinished.h"

/* The rest is zeroes. */
static const char mark[]
  = "mirror: THIS DISK IS NOT A COPY\n\n"
    "A mirror without metadata was being copied to it, and the server stopped\n"
    "before that was finished.  What follows is a part of the mirror's data\n"
    "and of what was here before.  Copy a good disk over this one whole.\n";

const char unfinished_text[]
  = "is NOT A COPY: the mirror was still copying to it when it stopped";
const char unfinished_advice[]
  = "copy a good disk of the mirror over it whole";

void
unfinished_encode (uint8_t ret[UNFINISHED_SIZE])
{
  _Static_assert (sizeof mark <= UNFINISHED_SIZE, "it has room");
  memset (ret, 0, UNFINISHED_SIZE);
  memcpy (ret, mark, sizeof mark);
}

bool
unfinished_is (const uint8_t head[UNFINISHED_SIZE])
{
  return memcmp (head, mark, strcspn (mark, "\n")) == 0;
}
