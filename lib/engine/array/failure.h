/* SPDX-License-Identifier: BSD-3-Clause */
/* failure: take members out that failed, and tell people once, loudly.
 *
 * Reports an event to logic/roster and publishes what comes of it.  Many
 * requests fail at once when a leg dies: the first one here does the work,
 * the others find it done.
 *
 * Locks: array->state_lock, never held across I/O.  Does not block.
 */
#ifndef MIRROR_FAILURE_H
#define MIRROR_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

struct array;
struct leg;
struct member;
struct request;

/* @what ("a write", "a flush"; NULL: nothing was asked) failed with @error on
 * @member, over the connection @generation.  True: the member is out of the
 * array (now, or it was before).  False: it stays, as the last copy of
 * something, or the error came from a connection that is history.
 */
bool failure_report (struct array *array, struct member *member,
                     uint64_t generation, const char *what, int error);

/* @leg, which some member has, is gone; the watcher of all legs.  Runs in the
 * leg's thread.
 */
void failure_gone (struct leg *leg, int error);

/* roster_excused of what all members were to do and some of @request's children
 * could not.
 */
uint32_t failure_excused (const struct request *request);

/* All children of a round of @request have answered (request_finish).  The
 * places to send them to once more: those that failed with a harmless error,
 * while others did it.  Not those of @excused; nor those of @stable, whose
 * children were to be stable when done, unless the error only says "try again":
 * else it may be all that is ever heard of something else that was lost.
 */
uint32_t failure_again (const struct request *request, uint32_t excused,
                        uint32_t stable);

/* After that: each member that failed is out, but for those of @excused, which
 * failed what no other current copy could do.  0 if every member that is still
 * current did its part; else the error that the client must see, -errno.
 */
int failure_settle (struct request *request, const char *what,
                    uint32_t excused);

/* @member was rebuilt: it may be read from now on.  False: it has failed
 * meanwhile.
 */
bool failure_recovered (struct array *array, const struct member *member);

/* A read of @request at @place failed.  The member stays unless its leg is
 * gone; said once.
 */
void failure_read (const struct request *request, unsigned place);

#endif /* MIRROR_FAILURE_H */
