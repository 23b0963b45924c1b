/* SPDX-License-Identifier: BSD-3-Clause */
/* ring: one io_uring for all local legs of an array that are O_DIRECT.
 *
 * Any thread queues and submits; one thread of the ring's own reaps and
 * completes the children, so the engine sees these legs like remote ones.
 * The only file that includes liburing.  Without liburing at build time
 * ring_probe answers "not-built" and ring_create -ENOSYS.
 */
#ifndef MIRROR_RING_H
#define MIRROR_RING_H

#include "legs/leg.h"

struct ring;

/* "yes", "no-kernel", "no-permission" or "not-built"; safe before a fork. */
const char *ring_probe (void);

/* After the fork.  Starts the reaping thread.  0 or -errno. */
int ring_create (struct ring **ret);

/* Queue @child, a READ or a WRITE without CHILD_FUA, on @fd; full: submit first,
 * then wait for room.  @child->done comes from the ring's thread.  Short
 * transfers are continued inside.
 */
void ring_queue (struct ring *ring, int fd, struct child *child);

/* Submit what any thread has queued. */
void ring_submit (struct ring *ring);

/* Nothing is in flight. */
void ring_destroy (struct ring *ring);

#endif /* MIRROR_RING_H */
