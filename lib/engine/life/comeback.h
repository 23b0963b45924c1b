/* SPDX-License-Identifier: BSD-3-Clause */
/* comeback: is a disk of a plain array that comes back the one that left, and
 * does it lack no more than array->missed has?
 *
 * Nothing on it says which disk it is, and whoever answers at its address now
 * may have another disk, or an older copy.  So it is compared with one that is
 * in sync (samples.h).  Where no bit is set they must be alike.  One place that
 * is no zeroes and is alike shows that it is the one, unless something speaks
 * against it.
 *
 * Locks held on entry: array->change_lock.  May block on: a buffer, a child of
 * the resync's own pool, the disks, that which comes included.
 */
#ifndef MIRROR_COMEBACK_H
#define MIRROR_COMEBACK_H

#include <stdbool.h>
#include <stdint.h>

struct array;
struct array_answer;
struct array_order;
struct leg;
struct member;
struct newcomer;
struct request;

/* Of a newcomer: the member that it was, as far as its name tells. */
struct comeback {
  bool is_known;      /* there is one */
  bool is_proven;     /* it is that disk; or it is blank, and nothing that was
                         compared is otherwise */
  bool was_marked, was_remote, flush_was_lost; /* as in struct member */
  uint64_t known_until, size;
  int left_error;
};

/* Is @leg that of the disk that @member was, as far as names tell? */
bool comeback_is_same (const struct member *member, const struct leg *leg);

/* newcomer->comeback, but for is_proven.  state_lock held. */
void comeback_look (const struct array *array, const struct array_order *order,
                    struct newcomer *newcomer);

/* What is to be copied to a disk that is known: newcomer->fit, and is_proven.
 * 0, or -errno and *@answer: it may not come.  @request has no round and no
 * range.
 */
int comeback_judge (struct request *request, const struct array_order *order,
                    struct newcomer *newcomer, struct array_answer *answer);

/* With a state file: its superblock says which member it was, but whether it is
 * that disk only its data tell, and what the file remembers of them.
 *
 * Before the turn: newcomer->samples.  0, or -errno and *@answer.  @request as
 * above.
 */
int comeback_compare (struct request *request, struct newcomer *newcomer,
                      struct array_answer *answer);

/* With the turn, when fit has said what it would be. */
int comeback_judge_beside (struct array *array, const struct array_order *order,
                           struct newcomer *newcomer,
                           struct array_answer *answer);

#endif /* MIRROR_COMEBACK_H */
