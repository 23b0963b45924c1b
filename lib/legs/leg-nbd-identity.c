/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-identity: which export of which server a connection leads to,
 * however its URI is spelled.
 *
 * A server is the address that was reached: host names, ports that are left
 * out and the like make no difference, nor do other names of a Unix socket.
 * What stays unnoticed: a server with several addresses, or several names of
 * one export.
 */
#include <arpa/inet.h>
#include <libnbd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "legs/leg-nbd-internal.h"

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
    return (c | 0x20) - 'a' + 10;
  return -1;
}

/* The value of socket= in @uri, with %XX decoded. */
static bool
find_socket_path (const char *uri, char *ret, size_t size)
{
  static const char key[] = "socket=";
  const char *at = strchr (uri, '?');
  size_t used = 0;

  while (at != NULL && strncmp (at + 1, key, sizeof key - 1) != 0)
    at = strpbrk (at + 1, "&;");
  if (at == NULL)
    return false;
  for (at += sizeof key; *at != '\0' && strchr ("&;#", *at) == NULL; at++) {
    if (used + 1 == size)
      return false;
    if (at[0] == '%' && hex_digit (at[1]) >= 0 && hex_digit (at[2]) >= 0) {
      ret[used++] = hex_digit (at[1]) * 16 + hex_digit (at[2]);
      at += 2;
    }
    else
      ret[used++] = *at;
  }
  ret[used] = '\0';
  return true;
}

/* False: unknown. */
static bool
find_server (int socket, const char *uri, char *ret, size_t size)
{
  struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
  const struct sockaddr_in *v4 = (const void *)&address;
  const struct sockaddr_in6 *v6 = (const void *)&address;
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = "", path[4096];
  struct stat st;

  if (getpeername (socket, (struct sockaddr *)&address, &length) == -1)
    return false;
  switch (address.ss_family) {
  case AF_INET:
    inet_ntop (AF_INET, &v4->sin_addr, text, sizeof text);
    snprintf (ret, size, "%s:%u", text, ntohs (v4->sin_port));
    return true;
  case AF_INET6:
    inet_ntop (AF_INET6, &v6->sin6_addr, text, sizeof text);
    snprintf (ret, size, "[%s%%%u]:%u", text, v6->sin6_scope_id,
              ntohs (v6->sin6_port));
    return true;
  case AF_UNIX:
    /* The path that the peer has bound may be relative to its folder. */
    if (!find_socket_path (uri, path, sizeof path) || stat (path, &st) == -1)
      return false;
    snprintf (ret, size, "socket:%ju:%ju", (uintmax_t)st.st_dev,
              (uintmax_t)st.st_ino);
    return true;
  default:
    return false;
  }
}

/* FNV-1a, since names may be longer than an identity. */
static uint64_t
hash (const char *text)
{
  uint64_t sum = UINT64_C (14695981039346656037);

  for (const char *c = text; *c != '\0'; c++)
    sum = (sum ^ (unsigned char)*c) * UINT64_C (1099511628211);
  return sum;
}

void
leg_nbd_identify (struct leg_nbd *nbd)
{
  struct leg *leg = &nbd->leg;
  char server[100];
  char *export = nbd_get_export_name (nbd->connection[0].handle);

  if (export != NULL
      && find_server (nbd->connection[0].socket, leg->name, server,
                      sizeof server))
    snprintf (leg->identity, sizeof leg->identity, "nbd:%s:%016jx:%.100s",
              server, (uintmax_t)hash (export), export);
  else
    snprintf (leg->identity, sizeof leg->identity, "nbd-uri:%016jx:%.200s",
              (uintmax_t)hash (leg->name), leg->name);
  free (export);
}
