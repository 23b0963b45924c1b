/* SPDX-License-Identifier: BSD-3-Clause */
/* progress: every 20 percent of a resync or rebuild becomes an event, as md's
 * monitor has it.
 */
#include <stdio.h>

#include "control/internal.h"

#define LOOK_S 1
#define STEP 20 /* percent */

static GSource *source;
static unsigned reached; /* percent of this run that were told */

static gboolean
look (void *data)
{
  static const struct log_event event = { "RebuildProgress", EVENT_INFO, -1,
                                          NULL };
  struct control *control = data;
  struct array_snapshot snapshot;
  unsigned percent;
  char text[100];

  array_get_snapshot (control->config.array, &snapshot);
  percent = snapshot.progress.total == 0
              ? 0
              : (unsigned)((double)snapshot.progress.done * 100
                           / (double)snapshot.progress.total)
                  / STEP * STEP;
  if (percent > reached && percent < 100) {
    snprintf (text, sizeof text, "%u %% done", percent);
    events_tell (&event, text);
  }
  reached = percent;
  return G_SOURCE_CONTINUE;
}

void
progress_begin (struct control *control)
{
  reached = 0;
  source = g_timeout_source_new_seconds (LOOK_S);
  g_source_set_callback (source, look, control, NULL);
  g_source_attach (source, control->context);
}

void
progress_end (struct control *control)
{
  (void)control;
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
  source = NULL;
}
