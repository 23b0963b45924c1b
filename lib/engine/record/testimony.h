/* SPDX-License-Identifier: BSD-3-Clause */
/* testimony: what the witness knows, on record.
 *
 * Stored before bits are cleared, and when the array is clean: what is flushed,
 * and of what was on record before what was not written since.  So at any time
 * a sample on record is right if its region has no bit, or if nothing was
 * written since.
 */
#ifndef MIRROR_TESTIMONY_H
#define MIRROR_TESTIMONY_H

#include <stdint.h>

struct array;

/* All for who has the turn.  0, also without a witness, or -errno.  Block on the
 * store.
 */

/* What is right now, on all targets. */
int testimony_store (struct array *array);

/* Of the disks at @places nothing is known any more; or of none. */
int testimony_forget (struct array *array, uint32_t places);
int testimony_forget_all (struct array *array);

#endif /* MIRROR_TESTIMONY_H */
