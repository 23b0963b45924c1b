/* SPDX-License-Identifier: BSD-3-Clause */
/* screen: what "status" of a server says, laid out for people. */
#ifndef MIRROR_SCREEN_H
#define MIRROR_SCREEN_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

/* How wide the terminal is; 80 where there is none. */
unsigned screen_width (void);

/* The array in one line, what is wrong with it, and its members; or without
 * these if @brief.
 */
void screen_status (JsonObject *status, bool brief);

/* Words into lines, which begin behind the label. */
void screen_labelled (const char *label, const char *text);

/* Likewise, at that column, where the first line is already. */
void screen_words (unsigned column, const char *text);

/* What is being copied, with a bar, in two lines; nothing if nothing is. */
void screen_activity (JsonObject *status);

/* A line if something has changed since @*last, NULL at first and then a string
 * for g_free; of what is being copied every 5 percent.
 */
void screen_step (JsonObject *status, char **last);

/* As /proc/mdstat has it. */
void screen_mdstat (JsonObject *status);

/* "[UU_]"; for g_free. */
char *screen_slots (JsonObject *status);

/* Its slot, "-" if it has none; for g_free. */
char *screen_slot (JsonObject *member);

/* A disk and what comes behind it, at the end of a line that has so many
 * columns; on a line of its own if it has no room there.
 */
void screen_disk (unsigned columns, const char *disk, const char *behind);

/* Has the member this flag? */
bool screen_has_flag (JsonObject *member, const char *flag);

/* How much of what is being copied is done, in percent; 100: nothing is. */
double screen_percent (JsonObject *status);

/* EXIT_OK, EXIT_DEGRADED or EXIT_RECOVERING. */
int screen_exit_status (JsonObject *status);

#endif /* MIRROR_SCREEN_H */
