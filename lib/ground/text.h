/* SPDX-License-Identifier: BSD-3-Clause */
/* text: what comes from outside, made fit to be shown.
 *
 * File names, array names on disks and the error texts of servers may hold any
 * bytes.  Shown to people as they are, they could start a new line of a log, or
 * tell a terminal what to do.  All that is shown goes through text_escape; all
 * texts for programs (JSON) through text_mend.  Pure: no locale, no allocation.
 */
#ifndef MIRROR_TEXT_H
#define MIRROR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one byte of a text becomes at most: "\x1b". */
#define TEXT_ESCAPE_MAX 4

/* In place of a character: this byte is none in UTF-8. */
#define TEXT_NO_CHARACTER UINT32_MAX

/* The first character of @text, which is not empty.  How many bytes it has. */
size_t text_character (const char *text, uint32_t *ret);

/* Can it be shown as it is?  Not control characters, line separators, what
 * turns the direction of writing, and TEXT_NO_CHARACTER.
 */
bool text_is_shown (uint32_t character);

/* Is all of @text such that it can be shown as it is? */
bool text_can_be_shown (const char *text);

/* One line for people: what cannot be shown becomes \n, \r, \t or \xNN.  A
 * second time changes nothing.  At most @size bytes with the final NUL; what
 * does not fit is cut off at a character.
 */
void text_escape (const char *text, char *buffer, size_t size);

/* The same, but only bytes that are no UTF-8 become \xNN. */
void text_mend (const char *text, char *buffer, size_t size);

#endif /* MIRROR_TEXT_H */
