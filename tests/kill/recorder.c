/* SPDX-License-Identifier: BSD-3-Clause */
/* recorder: see recorder.h. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "choose.h"
#include "recorder.h"

#define FAULTS 16u

struct fault {
  unsigned leg;
  enum event_kind kind;
  uint64_t after, times;
};

struct reclog *reclog;
static uint8_t *durable, *scratch;
static struct cache caches[RECLOG_LEGS];
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER; /* new generation */
static uint64_t generation;
static unsigned connections;
static unsigned jitter;
static struct random_stream chance;
static pid_t victim;
static uint64_t victim_events;
static struct fault faults[FAULTS];
static uint64_t planted; /* counts down to the write that is not done */

/* ------------------------------------------------------------------ loading */

int
recorder_map (const char *log_file)
{
  int fd = open (log_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat status;

  if (fd == -1 || fstat (fd, &status) == -1
      || ftruncate (fd, RECLOG_SIZE) == -1)
    return -errno;
  reclog = mmap (NULL, RECLOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  durable = mmap (NULL, RECLOG_LEGS * LEG_SPAN, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  scratch = mmap (NULL, LEG_SPAN, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reclog == MAP_FAILED || durable == MAP_FAILED || scratch == MAP_FAILED)
    return -errno;
  if (reclog->magic != RECLOG_MAGIC)
    reclog_init (reclog);
  return 0;
}

/* Only what is not zero is written: images are sparse. */
static int
load_leg (unsigned leg, const char *file)
{
  uint8_t *image = reclog_image (reclog, leg);
  int fd = open (file, O_RDONLY | O_CLOEXEC);
  static const uint8_t zeroes[4096];
  struct stat status;
  uint8_t *from;

  if (fd == -1 || fstat (fd, &status) == -1 || status.st_size > (off_t)LEG_SPAN
      || status.st_size % 4096 != 0)
    return -1;
  from = mmap (NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close (fd);
  if (from == MAP_FAILED)
    return -1;
  madvise (image, LEG_SPAN, MADV_REMOVE);
  madvise (durable + leg * LEG_SPAN, LEG_SPAN, MADV_DONTNEED);
  for (off_t at = 0; at < status.st_size; at += 4096)
    if (memcmp (from + at, zeroes, 4096) != 0) {
      memcpy (image + at, from + at, 4096);
      memcpy (durable + leg * LEG_SPAN + at, from + at, 4096);
    }
  munmap (from, status.st_size);
  reclog->size[leg] = status.st_size;
  cache_close (&caches[leg]);
  cache_open (&caches[leg], status.st_size, image, durable + leg * LEG_SPAN);
  return 0;
}

int
recorder_load (const char *const *files, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (load_leg (i, files[i]) == -1)
      return -EINVAL;
  reclog->legs = count;
  reclog_clear (reclog);
  memset (faults, 0, sizeof faults);
  victim = 0;
  planted = 0;
  generation++;
  return 0;
}

/* ----------------------------------------------------------- killing, faults */

static void
tick (void)
{
  struct event event = { .kind = EVENT_KILL };

  if (victim == 0 || --victim_events > 0)
    return;
  kill (victim, SIGKILL);
  victim = 0;
  reclog->killed = true;
  reclog_append (reclog, event, NULL);
}

static bool
fails (unsigned leg, enum event_kind kind)
{
  for (unsigned i = 0; i < FAULTS; i++) {
    struct fault *fault = &faults[i];

    if (fault->times == 0 || fault->leg != leg || fault->kind != kind)
      continue;
    if (fault->after > 0) {
      fault->after--;
      continue;
    }
    fault->times--;
    return true;
  }
  return false;
}

struct crash {
  unsigned leg;
  bool power;
};

static void
log_set (void *opaque, uint64_t offset, uint32_t length, const uint8_t *data)
{
  const struct crash *crash = opaque;
  struct event event = { .kind = EVENT_SET,
                         .leg = crash->leg,
                         .offset = offset,
                         .length = length,
                         .payload = length };
  const struct event *logged = reclog_append (reclog, event, data);

  cache_set (&caches[crash->leg], logged->sequence, offset, length,
             event_payload (logged), crash->power);
}

void
recorder_crash (bool power, uint64_t seed)
{
  struct crash crash = { .power = power };
  struct event event = { .kind = EVENT_CRASH,
                         .flags = power ? EVENT_POWER : 0 };

  random_init (&chance, seed, 1);
  for (crash.leg = 0; crash.leg < reclog->legs; crash.leg++) {
    enum style style = random_below (&chance, STYLES);

    choose_state (&caches[crash.leg], power, style, &chance, scratch, log_set,
                  &crash);
  }
  event.sequence = reclog_append (reclog, event, NULL)->sequence;
  for (unsigned leg = 0; leg < reclog->legs; leg++)
    cache_crashed (&caches[leg], power);
  reclog->killed = false;
  generation++;
  pthread_cond_broadcast (&settled);
}

/* ----------------------------------------------------------------- requests */

/* Somewhere between now and jitter from now.  Locked; lets go of the lock. */
static void
linger (const struct connection *connection)
{
  struct timespec moment = { 0 };

  if (jitter > 0)
    moment.tv_nsec = random_below (&chance, jitter) * 1000;
  if (moment.tv_nsec > 0) {
    pthread_mutex_unlock (&reclog->lock);
    nanosleep (&moment, NULL);
    pthread_mutex_lock (&reclog->lock);
  }
  while (reclog->killed && connection->generation == generation)
    pthread_cond_wait (&settled, &reclog->lock);
}

static bool
is_planted (const struct event *submit)
{
  return submit->kind == EVENT_WRITE && planted > 0 && --planted == 0;
}

/* Locked.  The request has become part of the disk, or not. */
static int
complete (const struct connection *connection, const struct event *submit)
{
  struct event event = *submit;
  struct cache *cache = &caches[connection->leg];
  bool failed = fails (connection->leg, submit->kind);
  bool applied = !failed || random_one_in (&chance, 2);

  event.phase = PHASE_COMPLETE;
  event.request = submit->sequence;
  event.payload = 0;
  event.error = failed ? -EIO : 0;
  if (failed && applied)
    event.flags |= EVENT_APPLIED;
  event.sequence = reclog_append (reclog, event, NULL)->sequence;
  if (submit->kind == EVENT_FLUSH)
    cache_flush (cache, submit->sequence, failed);
  else
    cache_complete (cache, submit->sequence, event.sequence,
                    !failed && submit->flags & EVENT_FUA,
                    applied && !is_planted (submit));
  tick ();
  return event.error;
}

static int
locked_request (const struct connection *connection, struct event event,
                const void *data)
{
  const struct event *submit;

  if (connection->generation != generation)
    return -EIO;
  event.phase = PHASE_SUBMIT;
  event.leg = connection->leg;
  event.connection = connection->number;
  event.payload = data == NULL ? 0 : event.length;
  submit = reclog_append (reclog, event, data);
  if (event.kind != EVENT_FLUSH)
    cache_submit (&caches[event.leg], submit->sequence, event.offset,
                  event.length, data == NULL ? NULL : event_payload (submit));
  tick ();
  linger (connection);
  if (connection->generation != generation)
    return -EIO;
  return complete (connection, submit);
}

int
recorder_request (const struct connection *connection, struct event event,
                  const void *data)
{
  int r;

  pthread_mutex_lock (&reclog->lock);
  r = locked_request (connection, event, data);
  pthread_mutex_unlock (&reclog->lock);
  return r;
}

int
recorder_read (const struct connection *connection, void *buffer,
               uint32_t count, uint64_t offset)
{
  struct event event = { .kind = EVENT_READ,
                         .phase = PHASE_SUBMIT,
                         .leg = connection->leg,
                         .connection = connection->number,
                         .offset = offset,
                         .length = count };
  int r = -EIO;

  pthread_mutex_lock (&reclog->lock);
  if (connection->generation == generation) {
    reclog_append (reclog, event, NULL);
    linger (connection);
    if (connection->generation == generation
        && !fails (connection->leg, EVENT_READ))
      r = 0;
  }
  if (r == 0)
    memcpy (buffer, reclog_image (reclog, connection->leg) + offset, count);
  pthread_mutex_unlock (&reclog->lock);
  return r;
}

void
recorder_connect (struct connection *connection)
{
  pthread_mutex_lock (&reclog->lock);
  connection->generation = generation;
  connection->number = ++connections;
  pthread_mutex_unlock (&reclog->lock);
}

/* ------------------------------------------------------- what is to happen */

void
recorder_jitter (unsigned usec)
{
  jitter = usec;
}

void
recorder_kill (pid_t pid, uint64_t events)
{
  victim = pid;
  victim_events = events;
}

void
recorder_plant (uint64_t writes)
{
  planted = writes;
}

int
recorder_fail (unsigned leg, enum event_kind kind, uint64_t after,
               uint64_t times)
{
  for (unsigned i = 0; i < FAULTS; i++)
    if (faults[i].times == 0) {
      faults[i] = (struct fault){ leg, kind, after, times };
      return 0;
    }
  return -EBUSY;
}

void
recorder_heal (void)
{
  memset (faults, 0, sizeof faults);
}
