/* SPDX-License-Identifier: BSD-3-Clause */
/* reattach: the last copy of some data, whose connection was lost, by another
 * connection.
 */
#ifndef MIRROR_REATTACH_H
#define MIRROR_REATTACH_H

#include <stdint.h>

struct array;
struct array_answer;
struct newcomer;

/* @newcomer is what answers where member @id was, which stays in sync although
 * its connection is lost; that owes nothing since @heard_ns at least.  0 and
 * newcomer->leg is NULL, or -errno and *@answer.  Blocks on the turn.
 */
int reattach (struct array *array, uint32_t id, uint64_t heard_ns,
              struct newcomer *newcomer, struct array_answer *answer);

#endif /* MIRROR_REATTACH_H */
