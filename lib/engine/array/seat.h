/* SPDX-License-Identifier: BSD-3-Clause */
/* seat: the disks of the start become members, in their slots.
 *
 * In this order: seat_plain or seat_md, the limits are found (examine), md
 * arrays: seat_metadata, seat_roster.
 */
#ifndef MIRROR_SEAT_H
#define MIRROR_SEAT_H

struct array;
struct members;

/* Everybody is in sync: a plain array has no other memory of its past.  0 or
 * -ENOMEM; array->members are freed with the array in any case.
 */
int seat_plain (struct array *array, const struct members *members);

/* Those that have a seat, by the verdict.  Likewise. */
int seat_md (struct array *array, struct members *members);

/* What they say of themselves, with the limits known.  0 or -ENOMEM. */
int seat_metadata (struct array *array, struct members *members);

/* With the size known: which slots hold something together depends on it. */
void seat_roster (struct array *array, const struct members *members);

#endif /* MIRROR_SEAT_H */
