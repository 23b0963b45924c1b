/* SPDX-License-Identifier: BSD-3-Clause */
/* ring: io_uring for the local legs of an array that are O_DIRECT.
 *
 * What a thread has queued it carries out itself, on all legs at once, and
 * waits for it: so the engine sees legs that are busy while they are kicked off.
 * The only file that includes liburing.  Without liburing at build time
 * ring_probe answers "not-built" and ring_create -ENOSYS.
 */
#ifndef MIRROR_RING_H
#define MIRROR_RING_H

#include "legs/leg.h"

struct ring;

/* "yes", "no-kernel", "no-permission" or "not-built"; safe before a fork. */
const char *ring_probe (void);

/* After the fork.  0 or -errno. */
int ring_create (struct ring **ret);

/* Queue @child, a READ or a WRITE without CHILD_FUA, on @fd.  @child->done comes
 * from the ring_carry_out of this thread, or from another ring_queue of it that
 * finds no room.  False: too many threads do that just now, so do it without.
 */
bool ring_queue (struct ring *ring, int fd, struct child *child);

/* Do all that this thread has queued.  Blocks on the disks. */
void ring_carry_out (struct ring *ring);

/* Nothing is in flight. */
void ring_destroy (struct ring *ring);

#endif /* MIRROR_RING_H */
