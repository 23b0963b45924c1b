/* SPDX-License-Identifier: BSD-3-Clause */
/* event-line: one event as people see it. */
#ifndef MIRROR_EVENT_LINE_H
#define MIRROR_EVENT_LINE_H

#include <json-glib/json-glib.h>

/* On one line, with its time, severity and kind. */
void event_line_print (JsonNode *event);

#endif /* MIRROR_EVENT_LINE_H */
