/* SPDX-License-Identifier: BSD-3-Clause */
/* job: one background loop over spans of the array.
 *
 *   job_run   begin
 *             hire      start hands up to the width of the pace
 *             take      wait for its time, choose the next span
 *             work_off  the supplier's handle, then the books
 *             tell_advanced
 *             end       after all hands were joined
 *
 * A hand is out of work when its number is not below the width; it waits, and
 * goes on when the width has grown.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/sync/job.h"
#include "ground/util.h"

/* The rate is measured over so long at least, and at most twice as long. */
#define RATE_NS (3 * GROUND_S)

/* More is no answer. */
#define LEFT_MAX_S (UINT64_C (1000000000))

void
job_init (struct job *job, const struct array *array,
          struct requests *requests)
{
  *job = (struct job){ .array = array, .requests = requests };
  ground_mutex_init (&job->lock);
  ground_cond_init (&job->changed);
  pace_init (&job->pace, requests->total);
  for (unsigned i = 0; i < SYNC_SPANS; i++) {
    job->hand[i].job = job;
    job->hand[i].number = i;
  }
}

void
job_destroy (struct job *job)
{
  assert (job->supply == NULL);
  ground_cond_destroy (&job->changed);
  ground_mutex_destroy (&job->lock);
}

/* ---------------------------------------------------------------- the books */

/* How many bytes a second, from the older mark on.  Lock held. */
static uint64_t
measure (const struct job *job, uint64_t now)
{
  uint64_t took = now - job->mark[0].ns;

  /* There may be more to do than there was. */
  if (job->left >= job->mark[0].left)
    return 0;
  return (job->mark[0].left - job->left) / (took / GROUND_MS + 1) * 1000;
}

/* Lock held. */
static void
note_left (struct job *job, uint64_t left)
{
  uint64_t now = ground_now ();

  job->left = left;
  job->total = MAX (job->total, left);
  if (now - job->mark[1].ns < RATE_NS)
    return;
  job->mark[0] = job->mark[1];
  job->mark[1].ns = now;
  job->mark[1].left = left;
}

/* The lowest position that is not done.  Lock held. */
static uint64_t
lowest (const struct job *job)
{
  uint64_t at = MIN (job->cursor, job->failed);

  for (unsigned i = 0; i < SYNC_SPANS; i++)
    if (job->hand[i].busy)
      at = MIN (at, job->hand[i].span.at);
  return at;
}

static unsigned
in_flight (const struct job *job)
{
  unsigned count = 0;

  for (unsigned i = 0; i < SYNC_SPANS; i++)
    count += job->hand[i].busy;
  return count;
}

/* ---------------------------------------------------------------- the hands */

/* There is one for each hand, and nobody closes them. */
static struct request *
begin_request (struct job *job)
{
  struct request *request;
  int r = request_begin (job->requests, &request);

  assert (r == 0);
  return request;
}

/* Lock held; it is released meanwhile.  False: there is no more. */
static bool
choose (struct job *job, struct job_hand *hand)
{
  uint64_t at = job->cursor;
  struct span span = { .zero = false };
  struct request *request;
  int r;

  job->choosing = true;
  ground_mutex_unlock (&job->lock);
  request = begin_request (job);
  r = job->supply->next (job->opaque, request, at, &span);
  request_end (job->requests, request);
  ground_mutex_lock (&job->lock);
  job->choosing = false;
  if (r <= 0) {
    job->over = true;
    if (r == 0)
      job->cursor = UINT64_MAX;
    else
      job->result = r;
  }
  else if (!job->over) {
    assert (span.at >= at && span.end > span.at);
    pace_begin (&job->pace, job->array, &hand->turn, span.length,
                in_flight (job) == 0);
    hand->span = span;
    hand->busy = true;
    job->cursor = span.end;
  }
  ground_cond_broadcast (&job->changed);
  return hand->busy;
}

/* May this hand take a span?  If only the clock says no, *@ret_due. */
static bool
may_take (const struct job *job, const struct job_hand *hand,
          uint64_t *ret_due)
{
  if (job->paused || job->choosing
      || hand->number >= pace_width (&job->pace, job->array))
    return false;
  *ret_due = pace_due (&job->pace, &hand->turn);
  return ground_now () >= *ret_due;
}

/* Lock held. */
static void
end_if_unwanted (struct job *job)
{
  if (job->supply->is_wanted == NULL || job->supply->is_wanted (job->opaque))
    return;
  job->over = true;
  job->result = -ENODEV;
  ground_cond_broadcast (&job->changed);
}

/* The next span.  False: no more are taken. */
static bool
take (struct job *job, struct job_hand *hand)
{
  bool taken = false;

  ground_mutex_lock (&job->lock);
  while (!job->over && !taken) {
    uint64_t due = GROUND_NEVER;

    end_if_unwanted (job);
    if (job->over)
      break;
    if (may_take (job, hand, &due))
      taken = choose (job, hand);
    /* Woken by the hand that chooses, at the end of each span, which changes
     * the width, by job_look, job_resume and the stop.  The first hand is always
     * within the width.
     */
    else
      ground_cond_wait (&job->changed, &job->lock, due);
  }
  ground_mutex_unlock (&job->lock);
  return taken;
}

static void
work_off (struct job *job, struct job_hand *hand)
{
  const struct job_supply *supply = job->supply;
  uint64_t moved = hand->span.length, left;
  struct request *request = begin_request (job);
  int r = supply->handle (job->opaque, request, &hand->span, &moved);

  request_end (job->requests, request);
  left = supply->left (job->opaque);

  ground_mutex_lock (&job->lock);
  hand->busy = false;
  if (r < 0) {
    job->failed = MIN (job->failed, hand->span.at);
    job->result = r;
    job->over |= supply->stops_at_error;
  }
  pace_end (&job->pace, job->array, &hand->turn, moved);
  note_left (job, left);
  ground_cond_broadcast (&job->changed);
  ground_mutex_unlock (&job->lock);
}

static void
help (void *argument)
{
  struct job_hand *hand = argument;

  while (take (hand->job, hand))
    work_off (hand->job, hand);
}

/* ------------------------------------------------------------------ the run */

static bool
is_wanted (struct job *job)
{
  bool wanted;

  ground_mutex_lock (&job->lock);
  wanted = !job->over && job->hands < pace_width (&job->pace, job->array);
  ground_mutex_unlock (&job->lock);
  return wanted;
}

/* As many as the pace has work for. */
static void
hire (struct job *job)
{
  while (is_wanted (job)) {
    struct job_hand *hand = &job->hand[job->hands];
    char name[16];

    snprintf (name, sizeof name, "mirror-sync-%u", hand->number);
    /* Without more threads those that are there do it all. */
    if (ground_thread_start (&hand->thread, name, help, hand) < 0)
      return;
    job->hands++;
  }
}

static void
begin (struct job *job, const struct job_supply *supply, void *opaque,
       uint64_t from)
{
  uint64_t left = supply->left (opaque);

  ground_mutex_lock (&job->lock);
  assert (job->supply == NULL);
  job->supply = supply;
  job->opaque = opaque;
  job->hands = 1;
  job->cursor = from;
  job->failed = UINT64_MAX;
  job->cancelled = job->over = job->stopping;
  job->result = 0;
  job->total = job->left = left;
  job->begun_ns = ground_now ();
  job->speed = 0;
  for (unsigned i = 0; i < 2; i++) {
    job->mark[i].ns = ground_now ();
    job->mark[i].left = left;
  }
  pace_restart (&job->pace);
  ground_mutex_unlock (&job->lock);
}

static void
tell_advanced (struct job *job)
{
  uint64_t at;

  ground_mutex_lock (&job->lock);
  at = lowest (job);
  ground_mutex_unlock (&job->lock);
  job->supply->advanced (job->opaque, at);
}

/* Lock held. */
static void
note_speed (struct job *job)
{
  uint64_t took_ms = (ground_now () - job->begun_ns) / GROUND_MS;

  if (took_ms >= SYNC_SPEED_RUN_MS && job->left < job->total)
    job->speed = (job->total - job->left) / took_ms * 1000;
}

static int
end (struct job *job)
{
  int r;

  ground_mutex_lock (&job->lock);
  note_speed (job);
  job->supply = NULL;
  r = job->result == 0 && job->cancelled ? -ECANCELED : job->result;
  ground_mutex_unlock (&job->lock);
  return r;
}

int
job_run (struct job *job, const struct job_supply *supply, void *opaque,
         uint64_t from)
{
  struct job_hand *first = &job->hand[0];

  begin (job, supply, opaque, from);
  hire (job);
  while (take (job, first)) {
    work_off (job, first);
    tell_advanced (job);
    hire (job);
  }
  for (unsigned i = 1; i < job->hands; i++)
    ground_thread_join (&job->hand[i].thread);
  tell_advanced (job);
  return end (job);
}

/* ------------------------------------------------------------------ control */

static void
set_paused (struct job *job, bool paused)
{
  ground_mutex_lock (&job->lock);
  job->paused = paused;
  ground_cond_broadcast (&job->changed);
  ground_mutex_unlock (&job->lock);
}

void
job_pause (struct job *job)
{
  set_paused (job, true);
}

void
job_resume (struct job *job)
{
  set_paused (job, false);
}

void
job_look (struct job *job)
{
  ground_mutex_lock (&job->lock);
  ground_cond_broadcast (&job->changed);
  ground_mutex_unlock (&job->lock);
}

/* Lock held. */
static void
cancel (struct job *job)
{
  /* One that has taken its last span is left to finish. */
  job->cancelled |= !job->over;
  job->over = true;
  ground_cond_broadcast (&job->changed);
}

void
job_cancel (struct job *job)
{
  ground_mutex_lock (&job->lock);
  cancel (job);
  ground_mutex_unlock (&job->lock);
}

void
job_stop (struct job *job)
{
  ground_mutex_lock (&job->lock);
  job->stopping = true;
  cancel (job);
  ground_mutex_unlock (&job->lock);
}

void
job_set_rates (struct job *job, uint64_t minimum, uint64_t maximum)
{
  ground_mutex_lock (&job->lock);
  pace_set_rates (&job->pace, minimum, maximum);
  for (unsigned i = 0; i < SYNC_SPANS; i++)
    job->hand[i].turn.rest_ns = 0;
  ground_cond_broadcast (&job->changed);
  ground_mutex_unlock (&job->lock);
}

void
job_fix_spans (struct job *job)
{
  ground_mutex_lock (&job->lock);
  job->pace.fixed = true;
  ground_mutex_unlock (&job->lock);
}

uint64_t
job_speed (const struct job *job)
{
  return job->speed;
}

void
job_get_progress (struct job *job, struct job_progress *ret)
{
  ground_mutex_lock (&job->lock);
  *ret = (struct job_progress){ .paused = job->paused,
                                .left_ns = UINT64_MAX,
                                .minimum = job->pace.minimum,
                                .maximum = job->pace.maximum };
  if (job->supply != NULL) {
    ret->total = job->total;
    ret->done = job->total - job->left;
    ret->in_flight = in_flight (job);
    if (!job->paused)
      ret->rate = measure (job, ground_now ());
    if (ret->rate > 0)
      ret->left_ns = MIN (job->left / ret->rate, LEFT_MAX_S) * GROUND_S;
  }
  ground_mutex_unlock (&job->lock);
}
