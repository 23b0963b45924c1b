/* SPDX-License-Identifier: BSD-3-Clause */
/* superblocks: what the members' superblocks say next.  Decides no order and
 * does no I/O: metadata.c does.
 *
 * Caller has the turn.
 */
#ifndef MIRROR_SUPERBLOCKS_H
#define MIRROR_SUPERBLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"

struct array;
struct view;

/* What is known of un-protecting facts, from before the last flush. */
struct checkpoint {
  uint64_t resync_offset;         /* sectors; SB1_CLEAN */
  uint64_t recovered[LEGS_MAX];   /* bytes of each member, by place */
};

/* Does the role table have to change when @view's targets are all there is? */
bool superblocks_roles_change (const struct array *array,
                               const struct view *view);

/* One update: events up, roles, times; @dirty or where it was clean up to.
 * Into the blocks of all targets and the head of the bitmap.
 */
void superblocks_next (struct array *array, const struct view *view, bool dirty,
                       const struct checkpoint *checkpoint);

/* The last update, for those who wait at @places. */
void superblocks_spares (struct array *array, const struct view *view,
                         uint32_t places);

/* The last update once more, for @places. */
void superblocks_again (struct array *array, const struct view *view,
                        uint32_t places);

#endif /* MIRROR_SUPERBLOCKS_H */
