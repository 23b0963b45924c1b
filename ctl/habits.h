/* SPDX-License-Identifier: BSD-3-Clause */
/* habits: words that people bring from mdadm, and what they are called here. */
#ifndef MIRROR_HABITS_H
#define MIRROR_HABITS_H

/* What @word, a command or an option that does not exist, is here; NULL: no
 * habit.
 */
const char *habits_hint (const char *word);

#endif /* MIRROR_HABITS_H */
