/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-now: what is asked of a remote leg before its start.
 *
 * One command at a time; the calling thread polls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "legs/leg-nbd-internal.h"

/* How many questions may be asked to find the end of the data. */
#define QUESTIONS_MAX 64

struct now {
  struct child child;
  bool over;
  int error;
};

static void
now_done (struct child *child, int error)
{
  struct now *now = container_of (child, struct now, child);

  now->over = true;
  now->error = error;
}

/* Each answer has its deadline; all of them together, too. */
static void
look_at_patience (struct leg_nbd *nbd)
{
  if (leg_nbd_is_canceled (nbd->canceled))
    leg_nbd_give_up (nbd, -ESHUTDOWN);
  else if (ground_now () >= nbd->look_until_ns)
    leg_nbd_give_up (nbd, -ETIMEDOUT);
}

/* There is no poller yet: this thread is it.  Ends by the deadline of the
 * command, since then the connection is shut down.
 */
static int
do_now (struct leg_nbd *nbd, struct now *now)
{
  assert (!nbd->started);
  now->child.done = now_done;
  leg_issue (&nbd->leg, &now->child);
  while (!now->over) {
    look_at_patience (nbd);
    leg_nbd_poll_once (nbd);
  }
  return now->error;
}

static int
read_blocks (struct leg_nbd *nbd, void *buffer, uint64_t length,
             uint64_t offset)
{
  struct now now = {
    .child
    = { .op = CHILD_READ, .offset = offset, .length = length, .buffer = buffer }
  };

  return do_now (nbd, &now);
}

int
leg_nbd_read_now (struct leg *leg, void *buffer, uint64_t length,
                  uint64_t offset)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);
  uint64_t block = leg->caps.block_minimum, step = leg->caps.request_max;
  uint64_t start = round_down (offset, block);
  uint64_t end = round_up (offset + length, block);
  char *bounce;
  int r = 0;

  assert (length > 0 && length <= REQUEST_MAX);
  if (offset > leg->caps.size || length > leg->caps.size - offset)
    return -EINVAL;
  bounce = malloc (end - start);
  if (bounce == NULL)
    return -ENOMEM;
  for (uint64_t at = start; r == 0 && at < end; at += step)
    r = read_blocks (nbd, bounce + (at - start), MIN (step, end - at), at);
  if (r == 0)
    memcpy (buffer, bounce + (offset - start), length);
  free (bounce);
  return r;
}

/* How many questions may be asked yet, and until when. */
struct patience {
  unsigned questions;
  uint64_t deadline_ns;
};

/* Where the data in that range ends, in *@ret: its start if it has none.
 * 0 or -errno.
 */
static int
find_data_end (struct leg_nbd *nbd, uint64_t start, uint64_t end,
               struct patience *patience, uint64_t *ret)
{
  struct extent extents[EXTENTS_ROUND];
  uint64_t found = start;

  for (uint64_t at = start; at < end;) {
    struct now now = { .child = { .op = CHILD_EXTENTS,
                                  .offset = at,
                                  .length = end - at,
                                  .extents = extents,
                                  .extents_max = EXTENTS_ROUND } };
    uint64_t before = at;
    int r;

    if (patience->questions == 0 || ground_now () >= patience->deadline_ns)
      return -ETIMEDOUT;
    patience->questions--;
    r = do_now (nbd, &now);
    if (r < 0)
      return r;
    for (unsigned i = 0; i < now.child.extents_count; i++) {
      at += extents[i].length;
      if (!(extents[i].flags & EXTENT_ZERO))
        found = at;
    }
    if (at == before)
      return -EIO;
  }
  *ret = MIN (found, end);
  return 0;
}

/* From the end on, range by range, each larger than the one before. */
uint64_t
leg_nbd_data_end_now (struct leg *leg, uint64_t deadline_ns)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);
  uint64_t span = 64u * 1024u * 1024u, end = leg->caps.size;
  struct patience patience
    = { .questions = QUESTIONS_MAX, .deadline_ns = deadline_ns };

  if (!leg->caps.extents)
    return end;
  while (end > 0) {
    uint64_t start
      = round_down (end - MIN (end, span), leg->caps.block_minimum);
    uint64_t found;

    if (find_data_end (nbd, start, end, &patience, &found) < 0)
      return leg->caps.size;
    if (found > start)
      return found;
    end = start;
    span = MIN (span * 2, (uint64_t)leg->caps.zero_max);
  }
  return 0;
}
