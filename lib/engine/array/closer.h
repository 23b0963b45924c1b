/* SPDX-License-Identifier: BSD-3-Clause */
/* closer: the thread that closes legs which no view names any more. */
#ifndef MIRROR_CLOSER_H
#define MIRROR_CLOSER_H

#include <stdbool.h>

struct array;
struct member;

/* May its server, or an earlier one, still do what it did not answer?  Who has
 * ended in order, or was healthy, owes nothing.  state_lock held.
 */
bool closer_is_doubtful (const struct member *member);

/* 0 or -errno. */
int closer_start (struct array *array);

/* When no request begins any more; blocks for a close that is under way. */
void closer_stop (struct array *array);

#endif /* MIRROR_CLOSER_H */
