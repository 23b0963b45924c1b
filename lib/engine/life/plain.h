/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: a disk that is to join an array without metadata.
 *
 * Nothing on it says what it is, so all data is copied to it, and what it holds
 * is lost; and nothing says that it has joined: the next start is given the
 * disks anew.
 */
#ifndef MIRROR_LIFE_PLAIN_H
#define MIRROR_LIFE_PLAIN_H

struct array;
struct array_answer;
struct array_order;
struct member;
struct newcomer;

/* May it join?  0 and newcomer->fit, or -errno and *@answer. */
int plain_judge (struct array *array, const struct array_order *order,
                 struct newcomer *newcomer, struct array_answer *answer);

/* What is said of one that does: *@answer. */
void plain_tell (const struct array *array, const struct array_order *order,
                 const struct newcomer *newcomer, struct array_answer *answer);

/* To follow what is said of an order: it lasts until the server stops. */
extern const char plain_not_durable[];

#endif /* MIRROR_LIFE_PLAIN_H */
