/* SPDX-License-Identifier: BSD-3-Clause */
/* scrape: the metrics, for whoever asks by HTTP.
 *
 * As little of HTTP as Prometheus and curl need: GET, one answer, and the
 * connection ends.  Like all of the control thread it waits for nobody: who
 * does not ask, or does not read, in time is sent away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/scrape.h"
#include "control/source.h"
#include "ground/log.h"
#include "ground/util.h"

#define UNIX_PREFIX "unix:"
#define REQUEST_BYTES_MAX 8192
#define READERS_MAX 16
#define READER_LIMIT_S 10

struct scrape {
  struct control *control;
  struct door door; /* of a port: without a file */
  GList *readers; /* struct reader */
};

struct reader {
  struct scrape *scrape;
  int fd;
  GSource *ready, *limit;
  GString *input, *output; /* no output yet: it has not asked */
};

/* ------------------------------------------------------------------- place */

static int
refuse (const char *place, int error, char *why)
{
  snprintf (why, MESSAGE_MAX, "metrics=%.300s: the socket cannot be made: %s",
            place, log_strerror (error));
  return error;
}

static int
refuse_place (const char *place, char *why)
{
  snprintf (why, MESSAGE_MAX, "metrics=%.300s: use unix:/PATH, "
            "127.0.0.1:PORT or [::1]:PORT", place);
  return -EINVAL;
}

/* 0: it is none. */
static in_port_t
parse_port (const char *text)
{
  size_t digits = strspn (text, "0123456789");
  unsigned long port = digits > 0 && digits <= 5 && text[digits] == '\0'
                         ? strtoul (text, NULL, 10) : 0;

  return port > 65535 ? 0 : htons ((in_port_t)port);
}

/* Nobody from outside reaches these.  False: it is no such address. */
static bool
parse_loopback (const char *place, struct sockaddr_storage *ret,
                socklen_t *ret_length)
{
  const char *colon = strrchr (place, ':');
  struct sockaddr_in *in = (struct sockaddr_in *)ret;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
  g_autofree char *host = NULL;
  in_port_t port;

  *ret = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
  if (colon == NULL)
    return false;
  host = g_strndup (place, colon - place);
  port = parse_port (colon + 1);
  if (strcmp (host, "[::1]") == 0) {
    in6->sin6_family = AF_INET6;
    in6->sin6_addr = in6addr_loopback;
    in6->sin6_port = port;
    *ret_length = sizeof *in6;
    return port != 0;
  }
  in->sin_family = AF_INET;
  in->sin_port = port;
  *ret_length = sizeof *in;
  return port != 0 && inet_pton (AF_INET, host, &in->sin_addr) == 1
         && ntohl (in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int
scrape_check (const char *place, char *why)
{
  struct sockaddr_storage address;
  socklen_t length;
  int r;

  if (g_str_has_prefix (place, UNIX_PREFIX "/")) {
    r = door_check (place + strlen (UNIX_PREFIX), why);
    return r == 0 ? 0 : refuse (place, r, why);
  }
  return parse_loopback (place, &address, &length) ? 0
                                                   : refuse_place (place, why);
}

/* --------------------------------------------------------------- a reader */

static void
reader_free (struct reader *reader)
{
  reader->scrape->readers = g_list_remove (reader->scrape->readers, reader);
  source_drop (&reader->ready);
  source_drop (&reader->limit);
  close (reader->fd);
  g_string_free (reader->input, TRUE);
  g_string_free (reader->output, TRUE);
  g_free (reader);
}

static void
answer (struct reader *reader, const char *status, const char *text)
{
  g_string_printf (reader->output,
                   "HTTP/1.1 %s\r\n"
                   "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                   "Content-Length: %zu\r\n"
                   "Connection: close\r\n\r\n%s",
                   status, strlen (text), text);
}

/* The whole of the request has come. */
static void
read_request (struct reader *reader)
{
  const char *line = reader->input->str;
  g_autofree char *text = NULL;

  if (!g_str_has_prefix (line, "GET "))
    answer (reader, "405 Method Not Allowed", "only GET\n");
  else if (!g_str_has_prefix (line + 4, "/metrics ")
           && !g_str_has_prefix (line + 4, "/ "))
    answer (reader, "404 Not Found", "see /metrics\n");
  else {
    text = metrics_text (reader->scrape->control);
    answer (reader, "200 OK", text);
  }
}

static void watch_reader (struct reader *reader, GIOCondition condition);

/* False: it is done with, or gone. */
static bool
take_input (struct reader *reader)
{
  char buffer[4096];
  ssize_t n = recv (reader->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n == -1)
    return errno == EAGAIN || errno == EINTR;
  if (n == 0 || reader->input->len + n > REQUEST_BYTES_MAX)
    return false;
  g_string_append_len (reader->input, buffer, n);
  if (strstr (reader->input->str, "\r\n\r\n") == NULL
      && strstr (reader->input->str, "\n\n") == NULL)
    return true;
  read_request (reader);
  watch_reader (reader, G_IO_OUT);
  return true;
}

static bool
push_output (struct reader *reader)
{
  ssize_t n = send (reader->fd, reader->output->str, reader->output->len,
                    MSG_NOSIGNAL | MSG_DONTWAIT);

  if (n == -1)
    return errno == EAGAIN || errno == EINTR;
  g_string_erase (reader->output, 0, n);
  return reader->output->len > 0;
}

static gboolean
on_ready (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
          void *data)
{
  struct reader *reader = data;

  if (reader->output->len == 0 ? !take_input (reader) : !push_output (reader))
    reader_free (reader);
  return G_SOURCE_CONTINUE; /* of one that may be destroyed by now */
}

static gboolean
on_limit (void *data)
{
  reader_free (data);
  return G_SOURCE_CONTINUE; /* of one that is destroyed by now */
}

static void
watch_reader (struct reader *reader, GIOCondition condition)
{
  source_watch_fd (&reader->ready, reader->scrape->control->context,
                   reader->fd, condition, on_ready, reader);
}

static void
reader_new (struct scrape *scrape, int fd)
{
  struct reader *reader = g_new0 (struct reader, 1);

  reader->scrape = scrape;
  reader->fd = fd;
  reader->input = g_string_new (NULL);
  reader->output = g_string_new (NULL);
  source_watch_time (&reader->limit, scrape->control->context,
                     READER_LIMIT_S * 1000, on_limit, reader);
  scrape->readers = g_list_prepend (scrape->readers, reader);
  watch_reader (reader, G_IO_IN);
}

/* One too many is sent away, so that no descriptor waits unseen. */
static void
let_in (void *opaque, int connection)
{
  struct scrape *scrape = opaque;

  if (g_list_length (scrape->readers) < READERS_MAX)
    reader_new (scrape, connection);
  else
    close (connection);
}

/* -------------------------------------------------------------------- life */

static int
listen_on_port (struct scrape *scrape, const char *place)
{
  struct sockaddr_storage address;
  const int one = 1;
  socklen_t length;
  int fd;

  if (!parse_loopback (place, &address, &length))
    return -EINVAL;
  fd = socket (address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
               0);
  scrape->door.fd = fd;
  if (fd == -1
      || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1
      || bind (fd, (const struct sockaddr *)&address, length) == -1
      || listen (fd, SOMAXCONN) == -1)
    return -errno;
  return 0;
}

int
scrape_new (struct control *control, const char *place, struct scrape **ret,
            char *why)
{
  struct scrape *scrape = g_new0 (struct scrape, 1);
  int r;

  scrape->control = control;
  scrape->door.fd = -1;
  r = g_str_has_prefix (place, UNIX_PREFIX)
        ? door_open (&scrape->door, place + strlen (UNIX_PREFIX), 0666, why)
        : listen_on_port (scrape, place);
  if (r < 0) {
    scrape_free (scrape);
    return refuse (place, r, why);
  }
  door_watch (&scrape->door, control->context, let_in, scrape);
  *ret = scrape;
  return 0;
}

void
scrape_free (struct scrape *scrape)
{
  if (scrape == NULL)
    return;
  while (scrape->readers != NULL)
    reader_free (scrape->readers->data);
  door_close (&scrape->door);
  g_free (scrape);
}

int
scrape_fd (const struct scrape *scrape)
{
  return scrape->door.fd;
}
