/* SPDX-License-Identifier: BSD-3-Clause */
/* reclog: the one memory that the recorder (reclegs.c, inside nbdkit) and the
 * driver (rounds.c) share, and in it the log of everything that happened.
 *
 *   0            struct reclog: lock, sequence number, what is going on
 *   IMAGES_AT    what the legs hold now, LEG_SPAN bytes for each
 *   EVENTS_AT    the log: struct event after struct event, each followed by
 *                its payload, filled up to a multiple of 8 bytes
 *
 * It is a file, mapped by both; sparse, native byte order, of use only to
 * programs that were built together.  Whoever writes holds the lock, so
 * there is one sequence of events over all legs and all clients, and it is
 * exact: a leg's completion is in the log in the instant in which its image
 * changes; a client's request is there before it is sent, and its reply after
 * it has come.
 */
#ifndef MIRROR_RECLOG_H
#define MIRROR_RECLOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ground/util.h"

#define RECLOG_MAGIC UINT64_C (0x31676f6c636572)
#define RECLOG_LEGS 8u

#define SECTOR 512u
#define LEG_SPAN (UINT64_C (16) << 20)
#define IMAGES_AT (UINT64_C (1) << 20)
#define EVENTS_AT (IMAGES_AT + RECLOG_LEGS * LEG_SPAN)
#define EVENTS_SPAN (UINT64_C (512) << 20)
#define RECLOG_SIZE (EVENTS_AT + EVENTS_SPAN)

enum event_kind {
  EVENT_READ,
  EVENT_WRITE,
  EVENT_ZERO,
  EVENT_TRIM,
  EVENT_FLUSH,
  EVENT_BEGIN,  /* a server is about to be started */
  EVENT_KILL,   /* the recorder has sent SIGKILL */
  EVENT_SET,    /* a leg was changed by a crash: offset, length, payload */
  EVENT_CRASH,  /* the crash is over: everything is as it will be found */
  EVENT_END,    /* the server has ended by itself, with success */
  EVENT_KINDS,
};

enum event_phase {
  PHASE_NONE,
  PHASE_SUBMIT,   /* of a leg's request; writes have a payload */
  PHASE_COMPLETE,
  PHASE_INVOKE,   /* of a client's request */
  PHASE_RETURN,
};

#define EVENT_FUA 1u
#define EVENT_APPLIED 2u /* of a request that failed: it changed the leg */
#define EVENT_POWER 4u   /* of a crash: what was not durable may be gone */
#define EVENT_SETTLED 8u /* of an end: everything should be clean and equal */

struct event {
  uint64_t sequence; /* 1, 2, 3, ... */
  uint64_t request;  /* what an end belongs to: the sequence number of the
                        leg's submit; of a client's: its operation; of a
                        begin: the mask of legs that are there */
  uint64_t offset;
  uint32_t length;
  uint32_t payload;  /* bytes that follow */
  uint8_t kind;      /* enum event_kind */
  uint8_t phase;
  uint16_t leg;      /* or the client's connection */
  uint32_t connection;
  uint32_t flags;
  int32_t error;     /* -errno */
};

struct reclog {
  uint64_t magic;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* something was logged */
  uint64_t sequence;
  uint64_t used;          /* bytes of the log */
  unsigned legs;
  uint64_t size[RECLOG_LEGS];
  bool killed;            /* since the last crash: nothing completes */
};

static inline uint8_t *
reclog_image (struct reclog *log, unsigned leg)
{
  return (uint8_t *)log + IMAGES_AT + leg * LEG_SPAN;
}

static inline const struct event *
reclog_first (const struct reclog *log)
{
  return (const struct event *)((const uint8_t *)log + EVENTS_AT);
}

static inline const void *
event_payload (const struct event *event)
{
  return event + 1;
}

static inline const struct event *
event_next (const struct event *event)
{
  return (const struct event *)((const uint8_t *)(event + 1)
                                + ((event->payload + 7u) & ~7u));
}

/* Whoever made the file calls this, once. */
static inline void
reclog_init (struct reclog *log)
{
  pthread_mutexattr_t mutex;
  pthread_condattr_t cond;

  memset (log, 0, sizeof *log);
  pthread_mutexattr_init (&mutex);
  pthread_mutexattr_setpshared (&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init (&log->lock, &mutex);
  pthread_mutexattr_destroy (&mutex);
  pthread_condattr_init (&cond);
  pthread_condattr_setpshared (&cond, PTHREAD_PROCESS_SHARED);
  pthread_cond_init (&log->changed, &cond);
  pthread_condattr_destroy (&cond);
  log->magic = RECLOG_MAGIC;
}

/* Locked.  Fills in the sequence number; @payload has event.payload bytes,
 * or is NULL.  A full log is a test that wants too much.
 */
static inline const struct event *
reclog_append (struct reclog *log, struct event event, const void *payload)
{
  struct event *at = (struct event *)((uint8_t *)log + EVENTS_AT + log->used);

  assert (log->used + sizeof event + event.payload + 8 <= EVENTS_SPAN);
  event.sequence = ++log->sequence;
  *at = event;
  if (payload != NULL)
    memcpy (at + 1, payload, event.payload);
  log->used += (const uint8_t *)event_next (at) - (const uint8_t *)at;
  pthread_cond_broadcast (&log->changed);
  return at;
}

/* Locked: nothing has happened yet. */
static inline void
reclog_clear (struct reclog *log)
{
  log->sequence = log->used = 0;
  log->killed = false;
}

#endif /* MIRROR_RECLOG_H */
