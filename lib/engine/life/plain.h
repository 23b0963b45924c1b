/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: a disk that is to join an array without metadata.
 *
 * Nothing on it says what it is, so all data is copied to it, and what it holds
 * is lost, unless it is one that comes back (comeback.h); and nothing says that
 * it has joined: the next start is given the disks anew.
 */
#ifndef MIRROR_LIFE_PLAIN_H
#define MIRROR_LIFE_PLAIN_H

struct array;
struct array_answer;
struct array_order;
struct leg;
struct member;
struct newcomer;
struct request;

/* May it join?  0 and newcomer->fit, or -errno and *@answer.  @request has no
 * round and no range.  Blocks on what comeback_judge does.
 */
int plain_judge (struct request *request, const struct array_order *order,
                 struct newcomer *newcomer, struct array_answer *answer);

/* Before a disk of @leg's kind is a member: from now on it is written down what
 * it may miss.  0, or -errno and *@answer.  Blocks on the range lock.
 */
int plain_prepare (struct request *request, const struct leg *leg,
                   struct array_answer *answer);

/* What is said of one that does: *@answer. */
void plain_tell (const struct array_order *order,
                 const struct newcomer *newcomer, struct array_answer *answer);

/* To follow what is said of an order: it lasts until the server stops. */
extern const char plain_not_durable[];

#endif /* MIRROR_LIFE_PLAIN_H */
