/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: what can be wrong with the members, and what they allow. */
#ifndef MIRROR_EXAMINE_H
#define MIRROR_EXAMINE_H

struct array;
struct leg;
struct members;

/* Refuse one disk given twice; @legs that could not be opened are NULL.  0, or
 * -errno and @why (MESSAGE_MAX bytes).
 */
int examine_twins (struct leg **legs, unsigned count, char *why);

/* With array->layout and the legs in array->members: gather what all of them
 * allow into array->limits, decide the size (of a plain array in
 * array->layout, too).  0, or -errno and @why.
 */
int examine_plain (struct array *array, char *why);
void examine_md (struct array *array, const struct members *members);

#endif /* MIRROR_EXAMINE_H */
