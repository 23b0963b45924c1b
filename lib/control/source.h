/* SPDX-License-Identifier: BSD-3-Clause */
/* source: what the control thread waits for, and how it stops waiting. */
#ifndef MIRROR_SOURCE_H
#define MIRROR_SOURCE_H

#include <glib-unix.h>

/* From now on @function is called with @data, in @context: when @fd is in that
 * condition, or after so many milliseconds, again and again.  What *@source was
 * before (NULL: nothing) is let go of.
 */
void source_watch_fd (GSource **source, GMainContext *context, int fd,
                      GIOCondition condition, GUnixFDSourceFunc function,
                      void *data);
void source_watch_time (GSource **source, GMainContext *context, unsigned ms,
                        GSourceFunc function, void *data);

/* And no more.  *@source may be NULL, and is afterwards. */
void source_drop (GSource **source);

#endif /* MIRROR_SOURCE_H */
