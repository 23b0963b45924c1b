/* SPDX-License-Identifier: BSD-3-Clause */
/* source: what the control thread waits for, and how it stops waiting. */
#include "control/source.h"

void
source_drop (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_source_unref (*source);
  *source = NULL;
}

static void
take (GSource **source, GSource *new, GMainContext *context,
      GSourceFunc function, void *data)
{
  source_drop (source);
  *source = new;
  g_source_set_callback (new, function, data, NULL);
  g_source_attach (new, context);
}

void
source_watch_fd (GSource **source, GMainContext *context, int fd,
                 GIOCondition condition, GUnixFDSourceFunc function, void *data)
{
  take (source, g_unix_fd_source_new (fd, condition), context,
        G_SOURCE_FUNC (function), data);
}

void
source_watch_time (GSource **source, GMainContext *context, unsigned ms,
                   GSourceFunc function, void *data)
{
  take (source, g_timeout_source_new (ms), context, function, data);
}
