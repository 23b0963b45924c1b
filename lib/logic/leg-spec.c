/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-spec: one disk= value -> what kind of leg it names.
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 *
 * Whatever starts with a scheme and "://" is a URI, all else is a path.
 * Where libnbd might read a query differently from us, and find no
 * certificates where we saw some, the value is refused.
 */
#include <stddef.h>
#include <string.h>

#include "ground/util.h"
#include "logic/leg-spec.h"

enum transport {
  TRANSPORT_TCP,
  TRANSPORT_UNIX,
  TRANSPORT_VSOCK,
};

struct scheme {
  const char *name;
  enum transport transport;
  bool tls;
};

static const struct scheme schemes[] = {
  { "nbd", TRANSPORT_TCP, false },
  { "nbds", TRANSPORT_TCP, true },
  { "nbd+unix", TRANSPORT_UNIX, false },
  { "nbds+unix", TRANSPORT_UNIX, true },
  { "nbd+vsock", TRANSPORT_VSOCK, false },
  { "nbds+vsock", TRANSPORT_VSOCK, true },
};

/* What the query of a URI holds. */
struct query {
  bool socket;
  bool psk;
  bool certificates;
};

/* The C library's are the locale's. */
static char
lower (char c)
{
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool
is_scheme_character (char c)
{
  c = lower (c);
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+'
         || c == '-' || c == '.';
}

/* How long the scheme of @value is; 0: it is no URI. */
static size_t
scheme_length (const char *value)
{
  size_t length = 0;

  while (is_scheme_character (value[length]))
    length++;
  return strncmp (value + length, "://", 3) == 0 ? length : 0;
}

static const struct scheme *
find_scheme (const char *value, size_t length)
{
  for (size_t i = 0; i < ARRAY_LENGTH (schemes); i++) {
    const char *name = schemes[i].name;
    size_t n = 0;

    while (n < length && lower (value[n]) == name[n])
      n++;
    if (n == length && name[n] == '\0')
      return &schemes[i];
  }
  return NULL;
}

/* Is the parameter at @text called @name?  Then *@ret_value follows "=". */
static bool
is_parameter (const char *text, const char *name, const char **ret_value)
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
         || (path[0] == '%' && path[1] == '2' && lower (path[2]) == 'f');
}

/* Take note of the one parameter at @text. */
static const char *
parse_parameter (const char *text, struct query *query)
{
  const char *value;

  if (is_parameter (text, "socket", &value)) {
    query->socket = true;
    if (!is_absolute (value))
      return "the socket= path must be absolute";
  }
  else if (is_parameter (text, "tls-psk-file", &value)) {
    query->psk = true;
    if (!is_absolute (value))
      return "the tls-psk-file= path must be absolute";
  }
  else if (is_parameter (text, "tls-certificates", &value)) {
    query->certificates = true;
    if (!is_absolute (value))
      return "the tls-certificates= path must be absolute";
  }
  else if (is_parameter (text, "tls-verify-peer", &value))
    return "tls-verify-peer= is not supported: servers are always verified";
  return NULL;
}

/* The query stands between the first "?" and a "#". */
static const char *
parse_query (const char *uri, struct query *query)
{
  const char *p = uri + strcspn (uri, "?#");
  const char *wrong = NULL;

  /* libnbd takes ";" for a separator in the last parameter only. */
  if (*p == '?' && p[strcspn (p, ";#")] == ';')
    return "parameters must be separated by &, and a ; be written as %3B";
  while (wrong == NULL && (*p == '?' || *p == '&')) {
    wrong = parse_parameter (p + 1, query);
    p += 1 + strcspn (p + 1, "&#");
  }
  return wrong;
}

static const char *
check_tls (enum transport transport, const struct query *query)
{
  if (query->psk || (query->certificates && transport == TRANSPORT_TCP))
    return NULL;
  if (query->certificates)
    return "certificates verify the server over TCP only, here "
           "tls-psk-file= is needed";
  if (transport == TRANSPORT_TCP)
    return "TLS needs tls-certificates= or tls-psk-file= to verify the "
           "server";
  return "TLS needs tls-psk-file= to verify the server";
}

static const char *
parse_uri (const char *value, size_t length, struct leg_spec *ret)
{
  const struct scheme *scheme = find_scheme (value, length);
  struct query query = { .socket = false };
  const char *wrong;

  if (scheme == NULL)
    return "unknown scheme, only nbd, nbds and either with +unix or +vsock "
           "are known";
  wrong = parse_query (value, &query);
  if (wrong != NULL)
    return wrong;
  if (scheme->transport == TRANSPORT_UNIX && !query.socket)
    return "a Unix socket needs socket=";
  if (scheme->tls) {
    wrong = check_tls (scheme->transport, &query);
    if (wrong != NULL)
      return wrong;
  }
  *ret = (struct leg_spec){ .kind = LEG_KIND_NBD, .tls = scheme->tls };
  return NULL;
}

const char *
leg_spec_parse (const char *value, struct leg_spec *ret)
{
  size_t length;

  if (value[0] == '\0')
    return "the value is empty";
  length = scheme_length (value);
  if (length > 0)
    return parse_uri (value, length, ret);
  *ret = (struct leg_spec){ .kind = LEG_KIND_FILE };
  return NULL;
}
