/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-uri: the paths in the query of an NBD URI.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/leg-uri.h"

/* Parameters whose value is a path. */
static const struct path_parameter {
  const char *name;
  const char *empty, *wrong;
} path_parameters[] = {
  { "socket", "the socket= path is empty",
    "the socket= path has a % that is no code of a byte; write it as %25" },
  { "tls-psk-file", "the tls-psk-file= path is empty",
    "the tls-psk-file= path has a % that is no code of a byte; write it as "
    "%25" },
  { "tls-certificates", "the tls-certificates= path is empty",
    "the tls-certificates= path has a % that is no code of a byte; write it "
    "as %25" },
};

char
uri_lower (char c)
{
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool
uri_is_parameter (const char *text, const char *name, const char **ret_value)
{
  size_t length = strlen (name);

  if (strncmp (text, name, length) != 0 || text[length] != '=')
    return false;
  *ret_value = text + length + 1;
  return true;
}

/* The slash may be percent-encoded, libnbd decodes it. */
static bool
is_absolute (const char *path)
{
  return path[0] == '/'
         || (path[0] == '%' && path[1] == '2' && uri_lower (path[2]) == 'f');
}

/* Of a parameter's value. */
static bool
is_end (char c)
{
  return c == '\0' || c == '&' || c == '#';
}

/* -1: no digit. */
static int
hex_digit (char c)
{
  c = uri_lower (c);
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *@text, which moves behind it; -1: a wrong code, or a NUL. */
static int
decode (const char **text)
{
  const char *t = *text;
  int byte = (unsigned char)*t;

  if (*t != '%')
    *text = t + 1;
  else if (hex_digit (t[1]) == -1 || hex_digit (t[2]) == -1)
    return -1;
  else {
    byte = hex_digit (t[1]) * 16 + hex_digit (t[2]);
    *text = t + 3;
  }
  return byte == 0 ? -1 : byte;
}

/* NULL: the parameter at @text is no path; else *@ret_value follows "=". */
static const struct path_parameter *
find_path_parameter (const char *text, const char **ret_value)
{
  for (size_t i = 0; i < ARRAY_LENGTH (path_parameters); i++)
    if (uri_is_parameter (text, path_parameters[i].name, ret_value))
      return &path_parameters[i];
  return NULL;
}

const char *
uri_check_path (const char *text)
{
  const char *value;
  const struct path_parameter *parameter = find_path_parameter (text, &value);

  if (parameter == NULL)
    return NULL;
  if (is_end (*value))
    return parameter->empty;
  while (!is_end (*value))
    if (decode (&value) == -1)
      return parameter->wrong;
  return NULL;
}

/* Cut where the buffer ends, and counted on. */
struct output {
  char *text;
  size_t size, length;
};

static void
put (struct output *output, char c)
{
  if (output->length + 1 < output->size)
    output->text[output->length] = c;
  output->length++;
}

static void
put_text (struct output *output, const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    put (output, text[i]);
}

/* As a part of a query. */
static void
put_directory (struct output *output, const char *directory)
{
  static const char digits[] = "0123456789ABCDEF";

  for (const char *c = directory; *c != '\0'; c++)
    if ((*c >= '0' && *c <= '9')
        || (uri_lower (*c) >= 'a' && uri_lower (*c) <= 'z')
        || strchr ("/-._", *c) != NULL)
      put (output, *c);
    else {
      put (output, '%');
      put (output, digits[(unsigned char)*c / 16]);
      put (output, digits[(unsigned char)*c % 16]);
    }
  put (output, '/');
}

size_t
uri_absolute (const char *uri, const char *directory, char *ret, size_t size)
{
  struct output output = { .text = ret, .size = size };
  const char *p = uri + strcspn (uri, "?#"), *value = NULL;

  put_text (&output, uri, p - uri);
  while (*p == '?' || *p == '&') {
    size_t length = 1 + strcspn (p + 1, "&#");

    if (find_path_parameter (p + 1, &value) != NULL && !is_absolute (value)) {
      put_text (&output, p, value - p);
      put_directory (&output, directory);
      put_text (&output, value, p + length - value);
    }
    else
      put_text (&output, p, length);
    p += length;
  }
  put_text (&output, p, strlen (p));
  if (size > 0)
    ret[MIN (output.length, size - 1)] = '\0';
  return output.length;
}

bool
uri_path (const char *uri, const char *name, char *ret, size_t size)
{
  struct output output = { .text = ret, .size = size };
  const char *p = uri + strcspn (uri, "?#"), *value;

  while (*p == '?' || *p == '&') {
    if (uri_is_parameter (p + 1, name, &value)) {
      while (!is_end (*value))
        put (&output, (char)decode (&value));
      if (output.length >= size)
        return false;
      ret[output.length] = '\0';
      return true;
    }
    p += 1 + strcspn (p + 1, "&#");
  }
  return false;
}
