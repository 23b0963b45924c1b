/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-power: legs that lose their power while the array lives on, and come
 * back.
 *
 * From the cut on nothing of the old connection is carried out, but for what
 * was under way: that may be done late, up to the end of the quarantine.  What
 * was not flushed is there or not, as after any crash.  The array itself opens
 * the leg again when it answers.
 */
#ifndef MIRROR_CRASH_POWER_H
#define MIRROR_CRASH_POWER_H

#include "crash-leg-internal.h"

struct crash_script;

void power_begin_world (const struct crash_script *script);

/* When does this connection lose its power, now that a child more was sent on
 * it?  GROUND_NEVER: not yet.
 */
uint64_t power_plan (struct crash_leg_run *l);

/* Now.  How the connection has ended is in l->leg.end.  False (a bug on
 * purpose): nobody is to notice.
 */
bool power_cut (struct crash_leg_run *l);

/* Does somebody answer when @leg is opened? */
bool power_answers (unsigned leg);

/* It was opened. */
void power_opened (struct crash_leg_run *l);

/* What earlier connections had under way is carried out, if it is due. */
void power_do_late (struct crash_leg_run *l);

/* A write is sent to it: it is back, if it was away. */
void power_written (struct crash_leg_run *l);

/* The engine thinks that these legs are in sync. */
void power_look (uint32_t in_sync);

/* Was there a moment since the beginning in which some data had no copy in sync
 * that could be reached, though only power was lost?
 */
bool power_was_out (void);

#endif /* MIRROR_CRASH_POWER_H */
