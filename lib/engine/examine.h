/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: what can be wrong with the members, and what they allow. */
#ifndef MIRROR_EXAMINE_H
#define MIRROR_EXAMINE_H

struct array;
struct leg;

/* Refuse one disk given twice and members of md arrays; gather what all
 * @legs allow into array->limits, decide the size (array->layout, too).  0,
 * or -errno and @why (MESSAGE_MAX bytes).  Blocks on reads, each with the
 * leg's deadline.
 */
int examine_members (struct array *array, struct leg **legs, char *why);

#endif /* MIRROR_EXAMINE_H */
