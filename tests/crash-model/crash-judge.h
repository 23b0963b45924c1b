/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-judge: what must hold at the end of a life that was not cut short.
 *
 *   O3b  current copies are alike; after a rest in which all was brought
 *        together, everything is current, clean, and no bit is set
 *   O6   a life in which nobody wrote changed nothing but what was marked
 *   O7   all of it after a second and third crash, too
 */
#ifndef MIRROR_CRASH_JUDGE_H
#define MIRROR_CRASH_JUDGE_H

#include <stdbool.h>

#include "crash-life.h"

/* @waited: until everything was in sync. */
bool judge_life (const struct crash_life *life, bool waited, char *why);

#endif /* MIRROR_CRASH_JUDGE_H */
