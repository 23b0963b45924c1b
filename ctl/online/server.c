/* SPDX-License-Identifier: BSD-3-Clause */
/* server: a server that runs, reached by its control socket.
 *
 * Each answer has a deadline, so a socket behind which nothing works any more
 * does not keep us.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/json.h"
#include "control/place.h"
#include "ctl/online/server.h"
#include "ground/log.h"

#define ANSWER_MS 10000
#define UUID_PREFIX_MIN 4
#define READ_SIZE 65536

static unsigned
answer_ms (void)
{
  return ctl_options.timeout_s == 0 ? ANSWER_MS : ctl_options.timeout_s * 1000;
}

void
server_free (struct server *server)
{
  if (server == NULL)
    return;
  close (server->fd);
  g_free (server->path);
  g_free (server->name);
  g_free (server->uuid);
  g_string_free (server->input, TRUE);
  g_free (server);
}

/* -------------------------------------------------------------- messages */

/* The first line of what has come.  NULL: none yet, or it is no JSON. */
static JsonNode *
take_line (struct server *server)
{
  char *end = memchr (server->input->str, '\n', server->input->len);
  size_t length;
  JsonNode *node;
  const char *why;

  if (end == NULL)
    return NULL;
  length = end - server->input->str;
  node = json_read_object (server->input->str, length, &why);
  g_string_erase (server->input, 0, length + 1);
  return node;
}

JsonNode *
server_receive (struct server *server, unsigned timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  g_autofree char *buffer = g_malloc (READ_SIZE);

  for (;;) {
    gint64 left = deadline - g_get_monotonic_time ();
    struct pollfd fd = { .fd = server->fd, .events = POLLIN };
    JsonNode *node = take_line (server);
    ssize_t n;

    if (node != NULL || left <= 0)
      return node;
    if (poll (&fd, 1, (int)(left / 1000) + 1) != 1)
      continue;
    n = recv (server->fd, buffer, READ_SIZE, MSG_DONTWAIT);
    if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
      return NULL;
    if (n > 0)
      g_string_append_len (server->input, buffer, n);
  }
}

static bool
send_all (int fd, const char *text)
{
  size_t left = strlen (text);

  while (left > 0) {
    ssize_t n = send (fd, text, left, MSG_NOSIGNAL);

    if (n == -1 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    text += n;
    left -= n;
  }
  return true;
}

JsonNode *
server_flag (const char *name, bool value)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_boolean_member (object, name, value);
  json_node_take_object (node, object);
  return node;
}

JsonNode *
server_ask (struct server *server, const char *cmd, JsonNode *args)
{
  JsonBuilder *builder = json_builder_new ();
  g_autofree char *line = NULL;
  g_autofree char *whole = NULL;

  json_builder_begin_object (builder);
  render_json_int (builder, "id", 1);
  render_json_string (builder, "cmd", cmd);
  if (args != NULL) {
    json_builder_set_member_name (builder, "args");
    json_builder_add_value (builder, args);
  }
  json_builder_end_object (builder);
  line = render_json_line (builder);
  whole = g_strconcat (line, "\n", NULL);
  if (!send_all (server->fd, whole))
    return NULL;
  return server_receive (server, server->answer_ms);
}

JsonObject *
server_result (const struct server *server, JsonNode *answer,
               int *ret_status)
{
  JsonObject *object = answer == NULL ? NULL : json_node_get_object (answer);
  JsonObject *error = json_read_member (object, "error");

  if (answer == NULL)
    *ret_status = ctl_fail (EXIT_UNREACHABLE, server->name, "no-answer",
                            "its server does not answer");
  else if (!json_read_bool (object, "ok"))
    *ret_status
      = ctl_fail (EXIT_REFUSED, server->name,
                  json_read_string (error, "code", "refused"), "%s",
                  json_read_string (error, "text", "the server gives no reason"));
  else
    return json_read_member (object, "result");
  return NULL;
}

/* --------------------------------------------------------------- finding */

/* 0, or -errno. */
static int
connect_to (const char *path, int *ret_fd)
{
  struct sockaddr_un address;
  int fd, r;

  if (!place_address (path, &address))
    return -ENAMETOOLONG;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd == -1)
    return -errno;
  r = connect (fd, (const struct sockaddr *)&address, sizeof address);
  if (r == -1) {
    r = -errno;
    close (fd);
    return r;
  }
  *ret_fd = fd;
  return 0;
}

/* Where we may not give orders, perhaps we may ask. */
static int
connect_somehow (const char *path, int *ret_fd)
{
  g_autofree char *readonly = place_readonly (path);
  int r = connect_to (path, ret_fd);

  return r == -EACCES || r == -EPERM ? connect_to (readonly, ret_fd) : r;
}

/* What it says first.  0; -errno. */
static int
be_greeted (struct server *server)
{
  g_autoptr (JsonNode) node = server_receive (server, answer_ms ());
  JsonObject *greeting
    = node == NULL ? NULL
                   : json_read_member (json_node_get_object (node),
                                       "nbdmirror");

  if (greeting == NULL)
    return node == NULL ? -ETIMEDOUT : -EPERM;
  if (json_read_int (greeting, "control", 0) != 1)
    return -EPROTONOSUPPORT;
  server->name = g_strdup (json_read_string (greeting, "array", "?"));
  server->uuid = g_strdup (json_read_string (greeting, "uuid", ""));
  return 0;
}

static int
server_connect (const char *path, struct server **ret)
{
  struct server *server;
  int fd, r = connect_somehow (path, &fd);

  if (r < 0)
    return r;
  server = g_new0 (struct server, 1);
  server->path = g_strdup (path);
  server->answer_ms = answer_ms ();
  server->fd = fd;
  server->input = g_string_new (NULL);
  r = be_greeted (server);
  if (r < 0)
    server_free (server);
  else
    *ret = server;
  return r;
}

static int
by_path (const void *a, const void *b)
{
  const struct server *const *one = a, *const *other = b;

  return strcmp ((*one)->path, (*other)->path);
}

static void
find_in (const char *directory, GPtrArray *servers)
{
  GDir *dir = g_dir_open (directory, 0, NULL);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (directory, file, NULL);
    struct server *server;

    if (g_str_has_suffix (file, PLACE_SOCKET)
        && server_connect (path, &server) == 0)
      g_ptr_array_add (servers, server);
  }
  if (dir != NULL)
    g_dir_close (dir);
}

GPtrArray *
servers_find (void)
{
  GPtrArray *servers
    = g_ptr_array_new_with_free_func ((GDestroyNotify)server_free);
  char **directories = place_directories ();

  for (char **at = directories; *at != NULL; at++)
    find_in (*at, servers);
  g_strfreev (directories);
  g_ptr_array_sort (servers, by_path);
  return servers;
}

/* ------------------------------------------------------------------- which */

/* Is it called so?  md says HOST:NAME. */
static bool
has_name (const struct server *server, const char *word)
{
  const char *behind = strchr (server->name, ':');
  g_autofree char *file = g_path_get_basename (server->path);
  g_autofree char *socket = g_strconcat (word, PLACE_SOCKET, NULL);

  return strcmp (server->name, word) == 0 || strcmp (file, socket) == 0
         || (behind != NULL && strcmp (behind + 1, word) == 0);
}

/* Colons do not count. */
static bool
has_uuid (const struct server *server, const char *word)
{
  const char *uuid = server->uuid;
  unsigned same = 0;

  for (; *word != '\0'; word++) {
    if (*word == ':' || *word == '-')
      continue;
    while (*uuid == ':')
      uuid++;
    if (g_ascii_tolower (*word) != *uuid)
      return false;
    uuid++;
    same++;
  }
  return same >= UUID_PREFIX_MIN;
}

static char *
list_names (const GPtrArray *servers)
{
  GString *names = g_string_new (NULL);

  for (unsigned i = 0; i < servers->len; i++) {
    const struct server *server = g_ptr_array_index (servers, i);

    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", server->name);
  }
  return g_string_free (names, FALSE);
}

static int
open_path (const char *path, struct server **ret)
{
  int r = server_connect (path, ret);

  if (r == 0)
    return EXIT_OK;
  return ctl_fail (EXIT_UNREACHABLE, path, "not-reachable",
                   "no server answers there: %s", log_strerror (r));
}

static int
none_matches (const char *word, const GPtrArray *servers)
{
  g_autofree char *names = NULL;

  if (servers == NULL || servers->len == 0)
    return ctl_fail (EXIT_UNREACHABLE, word == NULL ? "arrays" : word,
                     "no-server", "no server of this user runs, or none has a "
                     "control socket where they are looked for");
  names = list_names (servers);
  return ctl_fail (EXIT_UNREACHABLE, word, "no-such-array",
                   "no server serves such an array; there are: %s", names);
}

int
server_open (const char *word, struct server **ret)
{
  g_autoptr (GPtrArray) servers = NULL;
  g_autofree char *names = NULL;
  unsigned matches = 0, which = 0;

  if (word != NULL && strchr (word, '/') != NULL)
    return open_path (word, ret);
  servers = servers_find ();
  for (unsigned i = 0; i < servers->len; i++) {
    const struct server *server = g_ptr_array_index (servers, i);

    if (word == NULL || has_name (server, word) || has_uuid (server, word)) {
      matches++;
      which = i;
    }
  }
  if (matches == 0)
    return none_matches (word, servers);
  if (matches > 1) {
    names = list_names (servers);
    return ctl_fail (EXIT_USAGE, word == NULL ? "usage" : word, "which-array",
                     "that could be several; name one, or its socket: %s",
                     names);
  }
  *ret = g_ptr_array_steal_index (servers, which);
  return EXIT_OK;
}

int
server_of_words (int argc, char **argv, struct server **ret)
{
  if (argc > 2)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option",
                     "name one array, or none if there is only one");
  return server_open (argc == 2 ? argv[1] : NULL, ret);
}

int
server_of_command (int argc, char **argv, const GOptionEntry *entries,
                   struct server **ret)
{
  if (!ctl_parse (&argc, &argv, entries, "[ARRAY]"))
    return EXIT_USAGE;
  return server_of_words (argc, argv, ret);
}

int
servers_of_words (int argc, char **argv, GPtrArray **ret)
{
  int status;

  if (argc < 2)
    *ret = servers_find ();
  else
    *ret = g_ptr_array_new_with_free_func ((GDestroyNotify)server_free);
  for (int i = 1; i < argc; i++) {
    struct server *server;

    status = server_open (argv[i], &server);
    if (status != EXIT_OK) {
      g_ptr_array_unref (*ret);
      return status;
    }
    g_ptr_array_add (*ret, server);
  }
  if ((*ret)->len > 0)
    return EXIT_OK;
  g_ptr_array_unref (*ret);
  return none_matches (NULL, NULL);
}
