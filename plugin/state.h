/* SPDX-License-Identifier: BSD-3-Clause */
/* state: the file that state= names, where an array without metadata on its
 * disks remembers who is in sync (the format: logic/state-file.h).
 *
 *   state_open        look at it, and lock it
 *     known           an array has written to it: state_check_disks,
 *                     then each disk that can be opened: state_join
 *     not known       there is none, or nobody has ever written to it:
 *                     state_make with all disks, state_join for each of them,
 *                     state_publish when the array has been made of them
 *   state_compare     then, in any case
 *   state_join        whenever a disk is opened while the array serves
 *   state_is_unstored while it serves; state_check_at_stop when it has stopped
 *   state_close       when all legs are closed
 */
#ifndef MIRROR_STATE_H
#define MIRROR_STATE_H

#include "control/control.h"
#include "engine/array.h"
#include "legs/leg.h"
#include "logic/evidence.h"
#include "plugin/options.h"

struct state;

/* 0 and *@ret, or -1 and said. */
int state_open (const char *path, struct state **ret);

bool state_is_known (const struct state *state);

/* Known, or made: disks can join. */
bool state_has_disks (const struct state *state);

/* Known: is every disk of @options one of its own?  0, or -1 and said. */
int state_check_disks (const struct state *state,
                       const struct options *options);

/* Not known: a new one for the disks of @options, which are all open, and good
 * for a plain array.  It is there under another name until it is published.  0,
 * or -1 and said.
 */
int state_make (struct state *state, const struct options *options,
                struct leg **disks);
int state_publish (struct state *state);

/* What disks are known by of which nothing was written: samples all over the
 * array that are alike on all copies.
 */
void state_sample (struct leg **disks, const struct layout *layout,
                   uint64_t image_size, struct evidence *ret);

/* Are those alike that are in sync, where nothing may differ?  0, or -1 and
 * said.  Before array_start.
 */
int state_compare (struct array *array);

/* @disk, which @text names, with what the file has of it.  Nothing is written
 * for a disk that is new before the array writes to it.  0 and *@ret, which owns
 * @disk, or -errno and @why (MESSAGE_MAX bytes), to follow "disk TEXT: ".
 */
int state_join (struct state *state, const char *text, struct leg *disk,
                struct leg **ret, char *why);

/* Is there anything that cannot be stored in the file, and why?  Waits for no
 * disk.
 */
bool state_is_unstored (struct state *state, struct control_unstored *ret);

/* All that was to be stored is where the next start looks for it; or it is said
 * that it is not.
 */
bool state_check_at_stop (struct state *state);

/* NULL is none. */
void state_close (struct state *state);

#endif /* MIRROR_STATE_H */
