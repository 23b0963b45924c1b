/* SPDX-License-Identifier: BSD-3-Clause */
/* streams: standard input, output and error of the tool. */
#ifndef MIRROR_STREAMS_H
#define MIRROR_STREAMS_H

#include <stdbool.h>

/* First of all, before anything is opened.  False: told; nothing may be done,
 * and the exit status is EXIT_REFUSED.
 */
bool streams_begin (void);

/* Is everything that was printed where it should be?  False: told, once, with
 * what that means for the user.
 */
bool streams_flush (const char *meaning);

#endif /* MIRROR_STREAMS_H */
