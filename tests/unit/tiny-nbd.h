/* SPDX-License-Identifier: BSD-3-Clause */
/* tiny-nbd: an NBD server of a few lines that can misbehave in any way.
 *
 * It serves zeroes over a Unix socket, or TCP, a thread for each connection.
 * Calls nothing of what is tested but the ground.
 */
#ifndef MIRROR_TINY_NBD_H
#define MIRROR_TINY_NBD_H

#include <endian.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ground/ground.h"
#include "tests/unit/unit.h"

#define TINY_CONNECTIONS 8

enum tiny_manner {
  TINY_GOOD,

  /* While connecting. */
  TINY_CLOSES,
  TINY_CLOSES_LATER, /* after its magic */
  TINY_WRONG_MAGIC,
  TINY_SILENT,
  TINY_BABBLES, /* random bytes for each answer */

  /* When idle. */
  TINY_LEAVES,        /* connected, and off */
  TINY_LEAVES_SECOND, /* the second connection is */

  /* When asked. */
  TINY_IGNORES,
  TINY_HANGS_UP,
  TINY_RESETS,          /* hangs up without the end of a conversation */
  TINY_HANGS_UP_SECOND, /* the second connection does, the others ignore */
  TINY_HALF,            /* half an answer, then hangs up */
  TINY_GARBAGE,         /* random bytes */
  TINY_WRONG_COOKIE,
  TINY_TWICE,        /* each answer twice */
  TINY_HOLES,        /* only the first half of what was read */
  TINY_OUTSIDE,      /* data for where nobody asked */
  TINY_ENDLESS,      /* a chunk of 4 GiB */
  TINY_UNSUPPORTED,  /* "not supported" to everything */
  TINY_ODD_ERROR,    /* an error number that does not exist */
  TINY_ODD_STATUS,   /* extents that are empty, too long, of odd kinds */
  TINY_NO_STATUS,    /* success without extents */
  TINY_OTHER_STATUS, /* extents of a context nobody wanted */
  TINY_LATE_STATUS,  /* extents of one byte, not before late_ns */
  TINY_MANNERS,
};

struct tiny {
  enum tiny_manner manner;
  uint64_t size;
  uint16_t flags;     /* transmission flags */
  uint32_t blocks[3]; /* minimum, preferred, maximum; 0: not told */
  uint64_t late_ns;   /* of ground_now */
  bool tcp;           /* on a port of localhost */
  _Atomic uint64_t chance;

  char path[108];
  char uri[200];
  int listener;
  struct ground_thread acceptor;
  struct {
    struct ground_thread thread;
    struct tiny *tiny;
    int socket;
    unsigned number;
  } connection[TINY_CONNECTIONS];
  _Atomic unsigned accepted, asked, goodbyes;
};

/* Transmission flags. */
enum {
  TINY_HAS_FLAGS = 1,
  TINY_READ_ONLY = 2,
  TINY_FLUSH = 4,
  TINY_FUA = 8,
  TINY_ROTATIONAL = 16,
  TINY_ZERO = 64,
  TINY_MULTI_CONN = 256,
  TINY_CACHE = 1024,
  TINY_TRIM = 32,
  TINY_FAST_ZERO = 2048,
};

struct tiny_request {
  uint32_t magic;
  uint16_t flags, type;
  uint64_t cookie, offset;
  uint32_t length;
} __attribute__ ((packed));

struct tiny_chunk {
  uint32_t magic;
  uint16_t flags, type;
  uint64_t cookie;
  uint32_t length;
} __attribute__ ((packed));

static inline bool
tiny_send (int socket, const void *buffer, size_t length)
{
  for (size_t done = 0; done < length;) {
    ssize_t n
      = send (socket, (const char *)buffer + done, length - done, MSG_NOSIGNAL);

    if (n <= 0)
      return false;
    done += n;
  }
  return true;
}

static inline bool
tiny_receive (int socket, void *buffer, size_t length)
{
  return length == 0
         || recv (socket, buffer, length, MSG_WAITALL) == (ssize_t)length;
}

static inline bool
tiny_random (struct tiny *tiny, int socket, size_t length)
{
  /* Each connection has a thread. */
  uint64_t chance = atomic_fetch_add (&tiny->chance, 1);
  char bytes[4096];

  ck_assert_uint_le (length, sizeof bytes);
  chance = unit_random (&chance);
  for (size_t i = 0; i < length; i++)
    bytes[i] = unit_random (&chance);
  return tiny_send (socket, bytes, length);
}

static inline bool
tiny_option_reply (int socket, uint32_t option, uint32_t type, const void *data,
                   uint32_t length)
{
  struct {
    uint64_t magic;
    uint32_t option, type, length;
  } __attribute__ ((packed)) reply
    = { htobe64 (UINT64_C (0x3e889045565a9)), htobe32 (option), htobe32 (type),
        htobe32 (length) };

  return tiny_send (socket, &reply, sizeof reply)
         && tiny_send (socket, data, length);
}

static inline bool
tiny_go (const struct tiny *tiny, int socket, uint32_t option)
{
  struct {
    uint16_t type;
    uint64_t size;
    uint16_t flags;
  } __attribute__ ((packed)) export
    = { 0, htobe64 (tiny->size), htobe16 (tiny->flags | TINY_HAS_FLAGS) };
  struct {
    uint16_t type;
    uint32_t blocks[3];
  } __attribute__ ((packed)) blocks
    = { htobe16 (3),
        { htobe32 (tiny->blocks[0]), htobe32 (tiny->blocks[1]),
          htobe32 (tiny->blocks[2]) } };

  if (!tiny_option_reply (socket, option, 3, &export, sizeof export))
    return false;
  if (tiny->blocks[0] != 0
      && !tiny_option_reply (socket, option, 3, &blocks, sizeof blocks))
    return false;
  return tiny_option_reply (socket, option, 1, NULL, 0);
}

/* True: transmission begins. */
static inline bool
tiny_handshake (struct tiny *tiny, int socket)
{
  static const char context[] = "\0\0\0\7base:allocation";
  char data[4096];
  uint32_t client_flags;
  struct {
    char magic[8];
    uint32_t option, length;
  } option;

  if (!tiny_send (socket,
                  tiny->manner == TINY_WRONG_MAGIC ? "HTTP/1.0 404 no\r\n\0"
                                                   : "NBDMAGICIHAVEOPT\0\3",
                  18)
      || tiny->manner == TINY_CLOSES_LATER
      || !tiny_receive (socket, &client_flags, 4))
    return false;
  while (tiny_receive (socket, &option, sizeof option)) {
    uint32_t number = be32toh (option.option);
    bool good;

    if (be32toh (option.length) > sizeof data
        || !tiny_receive (socket, data, be32toh (option.length)))
      return false;
    if (tiny->manner == TINY_BABBLES)
      good = tiny_random (tiny, socket, 512);
    else if (number == 7) {
      return tiny_go (tiny, socket, number);
    } else if (number == 8)
      good = tiny_option_reply (socket, number, 1, NULL, 0);
    else if (number == 10)
      good = tiny_option_reply (socket, number, 4, context, sizeof context - 1)
             && tiny_option_reply (socket, number, 1, NULL, 0);
    else
      good = tiny_option_reply (socket, number, 0x80000001, NULL, 0);
    if (!good)
      return false;
  }
  return false;
}

static inline bool
tiny_chunk (int socket, const struct tiny_request *request, uint16_t type,
            uint32_t length)
{
  const struct tiny_chunk chunk
    = { htobe32 (0x668e33ef), htobe16 (1), htobe16 (type), request->cookie,
        htobe32 (length) };

  return tiny_send (socket, &chunk, sizeof chunk);
}

static inline bool
tiny_answer_read (struct tiny *tiny, int socket,
                  const struct tiny_request *request)
{
  uint32_t length = be32toh (request->length);
  uint64_t offset = be64toh (request->offset);
  char *data = calloc (1, length);
  bool good;

  if (tiny->manner == TINY_HOLES)
    length /= 2;
  if (tiny->manner == TINY_OUTSIDE)
    offset += length - 1;
  offset = htobe64 (offset);
  good = tiny_chunk (socket, request, 1,
                     tiny->manner == TINY_ENDLESS ? UINT32_MAX : 8 + length)
         && tiny_send (socket, &offset, 8)
         && tiny_send (socket, data,
                       tiny->manner == TINY_HALF ? length / 2 : length);
  free (data);
  return good && tiny->manner != TINY_HALF;
}

static inline bool
tiny_answer_status (struct tiny *tiny, int socket,
                    const struct tiny_request *request)
{
  uint32_t id = htobe32 (tiny->manner == TINY_OTHER_STATUS ? 8 : 7);
  uint32_t good[] = { id, request->length, htobe32 (3) };
  uint32_t odd[] = { id, 0, htobe32 (3), htobe32 (4096), UINT32_MAX,
                     0,  0, UINT32_MAX,  htobe32 (1) };

  if (tiny->manner == TINY_LATE_STATUS) {
    while (ground_now () < tiny->late_ns)
      poll (NULL, 0, 1);
    good[1] = htobe32 (1);
  }
  if (tiny->manner == TINY_NO_STATUS)
    return tiny_chunk (socket, request, 0, 0);
  if (tiny->manner == TINY_ODD_STATUS)
    return tiny_chunk (socket, request, 5, sizeof odd)
           && tiny_send (socket, odd, sizeof odd);
  return tiny_chunk (socket, request, 5, sizeof good)
         && tiny_send (socket, good, sizeof good);
}

/* True: goes on. */
static inline bool
tiny_answer (struct tiny *tiny, int socket, const struct tiny_request *request)
{
  const struct {
    uint32_t error;
    uint16_t length;
  } __attribute__ ((packed)) error
    = { htobe32 (tiny->manner == TINY_UNSUPPORTED ? 95 : 123456789), 0 };

  switch (tiny->manner) {
  case TINY_IGNORES:
  case TINY_HANGS_UP_SECOND:
    return true;
  case TINY_HANGS_UP:
  case TINY_RESETS:
    return false;
  case TINY_GARBAGE:
    return tiny_random (tiny, socket, 1024);
  case TINY_UNSUPPORTED:
  case TINY_ODD_ERROR:
    return tiny_chunk (socket, request, 0x8001, sizeof error)
           && tiny_send (socket, &error, sizeof error);
  default:
    break;
  }
  switch (be16toh (request->type)) {
  case 0:
    return tiny_answer_read (tiny, socket, request);
  case 7:
    return tiny_answer_status (tiny, socket, request);
  default:
    return tiny_chunk (socket, request, 0, 0);
  }
}

static inline void
tiny_transmission (struct tiny *tiny, int socket, unsigned number)
{
  struct tiny_request request;
  bool good = true;

  while (good && tiny_receive (socket, &request, sizeof request)) {
    uint32_t length = be32toh (request.length);
    char *data;

    if (request.type == htobe16 (2)) {
      tiny->goodbyes++;
      return;
    }
    tiny->asked++;
    if (request.type == htobe16 (1)) {
      data = malloc (length);
      good = tiny_receive (socket, data, length);
      free (data);
    }
    if (tiny->manner == TINY_HANGS_UP_SECOND && number == 1)
      return;
    if (tiny->manner == TINY_WRONG_COOKIE)
      request.cookie ^= 0x55;
    good = good && tiny_answer (tiny, socket, &request);
    if (tiny->manner == TINY_TWICE)
      good = good && tiny_answer (tiny, socket, &request);
  }
}

static inline void
tiny_serve (void *argument)
{
  __typeof__ (&((struct tiny *)0)->connection[0]) connection = argument;
  struct tiny *tiny = connection->tiny;
  int socket = connection->socket;
  const struct linger no_end = { .l_onoff = 1, .l_linger = 0 };
  char byte;

  if (tiny->manner == TINY_RESETS)
    setsockopt (socket, SOL_SOCKET, SO_LINGER, &no_end, sizeof no_end);
  if (tiny->manner == TINY_CLOSES)
    ;
  else if (tiny->manner == TINY_SILENT)
    (void)!recv (socket, &byte, 1, 0);
  else if (tiny_handshake (tiny, socket) && tiny->manner != TINY_LEAVES
           && (tiny->manner != TINY_LEAVES_SECOND || connection->number != 1))
    tiny_transmission (tiny, socket, connection->number);
  close (socket);
}

static inline void
tiny_accept (void *argument)
{
  struct tiny *tiny = argument;
  int socket;

  while ((socket = accept4 (tiny->listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
    unsigned n = tiny->accepted;

    ck_assert_uint_lt (n, TINY_CONNECTIONS);
    tiny->connection[n].tiny = tiny;
    tiny->connection[n].socket = socket;
    tiny->connection[n].number = n;
    tiny->accepted++; /* before a client can know of it */
    ck_assert_int_eq (ground_thread_start (&tiny->connection[n].thread, "tiny",
                                           tiny_serve, &tiny->connection[n]),
                      0);
  }
}

/* A listening Unix socket at @path. */
static inline int
tiny_listen (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  ck_assert_int_ne (listener, -1);
  ck_assert_uint_lt (strlen (path), sizeof address.sun_path);
  strcpy (address.sun_path, path);
  unlink (path);
  ck_assert_int_eq (
    bind (listener, (struct sockaddr *)&address, sizeof address), 0);
  ck_assert_int_eq (listen (listener, 16), 0);
  return listener;
}

/* A port of localhost, that nobody else has. */
static inline int
tiny_listen_tcp (unsigned *ret_port)
{
  struct sockaddr_in address
    = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  ck_assert_int_ne (listener, -1);
  ck_assert_int_eq (bind (listener, (struct sockaddr *)&address, length), 0);
  ck_assert_int_eq (listen (listener, 16), 0);
  ck_assert_int_eq (
    getsockname (listener, (struct sockaddr *)&address, &length), 0);
  *ret_port = ntohs (address.sin_port);
  return listener;
}

/* @tiny->manner, size, flags, blocks, tcp are set. */
static inline void
tiny_start (struct tiny *tiny, const char *folder)
{
  unsigned port;

  if (tiny->tcp) {
    tiny->listener = tiny_listen_tcp (&port);
    snprintf (tiny->uri, sizeof tiny->uri, "nbd://127.0.0.1:%u", port);
  } else {
    snprintf (tiny->path, sizeof tiny->path, "%.80s/tiny", folder);
    tiny->listener = tiny_listen (tiny->path);
    snprintf (tiny->uri, sizeof tiny->uri, "nbd+unix:///?socket=%s",
              tiny->path);
  }
  tiny->accepted = tiny->asked = tiny->goodbyes = 0;
  ck_assert_int_eq (
    ground_thread_start (&tiny->acceptor, "tiny", tiny_accept, tiny), 0);
}

/* All clients have gone. */
static inline void
tiny_stop (struct tiny *tiny)
{
  shutdown (tiny->listener, SHUT_RDWR);
  ground_thread_join (&tiny->acceptor);
  close (tiny->listener);
  for (unsigned i = 0; i < tiny->accepted; i++)
    ground_thread_join (&tiny->connection[i].thread);
}

#endif /* MIRROR_TINY_NBD_H */
