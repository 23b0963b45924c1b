/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-spec: one disk= value -> what kind of leg it names.
 *
 * Pure: no I/O, no locks, no allocation.  Calls leg-uri.
 *
 * Whatever starts with a scheme and "://" is a URI, all else is a path.  But
 * what other programs write for a disk, and people by mistake, is refused
 * with the right form: taken for a path, it would be a file that is missing,
 * and an md array starts without those.  Where libnbd might read a query
 * differently from us, and find no certificates where we saw some, the value
 * is refused.
 */
#include <stddef.h>
#include <string.h>

#include "ground/util.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"

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

#define TCP_FORM "nbd://HOST:PORT/EXPORT"
#define UNIX_FORM "nbd+unix:///EXPORT?socket=PATH"
#define VSOCK_FORM "nbd+vsock://CID:PORT/EXPORT"
#define UNKNOWN \
  "unknown scheme, only nbd, nbds and either with +unix or +vsock are known"
#define SERVE_IT                                              \
  UNKNOWN "; serve it over NBD (nbdkit, qemu-nbd), and give " \
          "its NBD URI"

/* No schemes of ours, with or without "//". */
static const struct {
  const char *name;
  const char *wrong;
} strange[] = {
  { "file", UNKNOWN "; write the path alone, as in /srv/disk.img" },
  { "tcp", UNKNOWN "; write " TCP_FORM },
  { "unix", UNKNOWN "; write " UNIX_FORM },
  { "nbd+tcp", UNKNOWN "; write " TCP_FORM },
  { "vsock", UNKNOWN "; write " VSOCK_FORM },
  { "json", UNKNOWN "; write a path or an NBD URI" },
  { "http", SERVE_IT },
  { "https", SERVE_IT },
  { "ftp", SERVE_IT },
  { "ftps", SERVE_IT },
  { "ssh", SERVE_IT },
  { "sftp", SERVE_IT },
  { "iscsi", SERVE_IT },
  { "nfs", SERVE_IT },
  { "rbd", SERVE_IT },
};

/* Schemes of ours without "//": of the first that is how it begins. */
#define OLD_FORM "is no NBD URI; write "
#define IF_FILE "; if it is a file, write ./ before its name"
static const struct {
  const char *start;
  const char *wrong;
} old[] = {
  { "nbd:unix:", OLD_FORM UNIX_FORM IF_FILE },
  { "nbds:unix:", OLD_FORM UNIX_FORM IF_FILE },
  { "nbd:", OLD_FORM TCP_FORM IF_FILE },
  { "nbds:", OLD_FORM TCP_FORM IF_FILE },
  { "nbd+unix:", OLD_FORM UNIX_FORM IF_FILE },
  { "nbds+unix:", OLD_FORM UNIX_FORM IF_FILE },
  { "nbd+vsock:", OLD_FORM VSOCK_FORM IF_FILE },
  { "nbds+vsock:", OLD_FORM VSOCK_FORM IF_FILE },
};

/* What the query of a URI holds. */
struct query {
  bool socket;
  bool psk;
  bool certificates;
};

/* Does @text begin with @start, in small letters or capitals? */
static bool
begins (const char *text, const char *start)
{
  size_t n = 0;

  while (start[n] != '\0' && uri_lower (text[n]) == start[n])
    n++;
  return start[n] == '\0';
}

static bool
is_scheme_character (char c)
{
  c = uri_lower (c);
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

    while (n < length && uri_lower (value[n]) == name[n])
      n++;
    if (n == length && name[n] == '\0')
      return &schemes[i];
  }
  return NULL;
}

/* NULL, or what is wrong with a value that looks like another program's. */
static const char *
look_for_strange (const char *value)
{
  for (size_t i = 0; i < ARRAY_LENGTH (strange); i++)
    if (begins (value, strange[i].name)
        && value[strlen (strange[i].name)] == ':')
      return strange[i].wrong;
  for (size_t i = 0; i < ARRAY_LENGTH (old); i++)
    if (begins (value, old[i].start))
      return old[i].wrong;
  return NULL;
}

/* Take note of the one parameter at @text. */
static const char *
parse_parameter (const char *text, struct query *query)
{
  const char *value;

  query->socket |= uri_is_parameter (text, "socket", &value);
  query->psk |= uri_is_parameter (text, "tls-psk-file", &value);
  query->certificates |= uri_is_parameter (text, "tls-certificates", &value);
  if (uri_is_parameter (text, "tls-verify-peer", &value))
    return "tls-verify-peer= is not supported: servers are always verified";
  return uri_check_path (text);
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

/* @rest: what follows the scheme.  The host may be left out, but libnbd then
 * asks this machine for an export that is most likely the host.
 */
static bool
has_export_only (const char *rest)
{
  return strncmp (rest, ":///", 4) == 0 && rest[4] != '\0' && rest[4] != '?'
         && rest[4] != '#';
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
parse_uri (const char *value, const struct scheme *scheme, size_t length,
           struct leg_spec *ret)
{
  struct query query = { .socket = false };
  const char *wrong;

  wrong = parse_query (value, &query);
  if (wrong != NULL)
    return wrong;
  if (scheme->transport == TRANSPORT_UNIX && !query.socket)
    return "a Unix socket needs socket=: " UNIX_FORM;
  if (scheme->transport != TRANSPORT_UNIX && query.socket)
    return "socket= is for Unix sockets: " UNIX_FORM;
  if (scheme->transport == TRANSPORT_TCP && has_export_only (value + length))
    return "the URI names no host; write " TCP_FORM;
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
  const struct scheme *scheme;
  const char *wrong;
  size_t length;

  if (value[0] == '\0')
    return "the value is empty";
  length = scheme_length (value);
  scheme = length > 0 ? find_scheme (value, length) : NULL;
  if (scheme != NULL)
    return parse_uri (value, scheme, length, ret);
  wrong = look_for_strange (value);
  if (wrong != NULL)
    return wrong;
  if (length > 0)
    return UNKNOWN;
  *ret = (struct leg_spec){ .kind = LEG_KIND_FILE };
  return NULL;
}
