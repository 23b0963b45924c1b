/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-uri: the paths in the query of an NBD URI.
 *
 * Pure: looks at the text only.
 */
#ifndef MIRROR_LEG_URI_H
#define MIRROR_LEG_URI_H

#include <stdbool.h>
#include <stddef.h>

/* The C library's is the locale's. */
char uri_lower (char c);

/* Is the parameter at @text called @name?  Then *@ret_value follows "=". */
bool uri_is_parameter (const char *text, const char *name,
                       const char **ret_value);

/* If the parameter at @text is one whose value is a path: NULL, or what is
 * wrong with it.
 */
const char *uri_check_path (const char *text);

/* Both are for URIs that leg_spec_parse was content with.
 *
 * @uri, its relative paths (socket=, tls-psk-file=, tls-certificates=) taken
 * from @directory.  Like snprintf: the length of the whole, and @ret cut where
 * @size ends.
 */
size_t uri_absolute (const char *uri, const char *directory, char *ret,
                     size_t size);

/* The path that parameter @name has, decoded.  False: there is none, or it
 * does not fit.
 */
bool uri_path (const char *uri, const char *name, char *ret, size_t size);

#endif /* MIRROR_LEG_URI_H */
