/* SPDX-License-Identifier: BSD-3-Clause */
/* settle: every member has answered a modification: which are out, and what is
 * the client told?
 *
 * A member that could not do what another current copy of the same piece did
 * is out.  Where no current copy could, none is worse than the others: none
 * is out, and the client gets the error.  "Try again", "invalid" and "not
 * supported" count only when they come a second time.
 *
 * Locks: those of failure.  May block: what was to be stable, on what ran beside
 * it (engine/stable).
 */
#ifndef MIRROR_SETTLE_H
#define MIRROR_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* What the children of the round were sent for: a range of the array. */
struct settle {
  const char *what; /* "a write", "a zero request" */
  uint64_t offset, length;
  bool stable;      /* with CHILD_FUA, to the legs that have it */
};

/* The places to send it to a second time. */
uint32_t settle_again (const struct request *request,
                       const struct settle *settle);

/* For good, with the range locked.  0: those that missed it are out; or what
 * the client must see, -errno.
 */
int settle (struct request *request, const struct settle *settle);

#endif /* MIRROR_SETTLE_H */
