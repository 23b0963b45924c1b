/* SPDX-License-Identifier: BSD-3-Clause */
/* signals: errors that the kernel also sends as a signal.
 *
 *   SIGXFSZ   a write beyond the limit of the process (ulimit -f): EFBIG
 *   SIGPIPE   a write to a socket or pipe that nobody reads: EPIPE
 *
 * By default both end the process, where all we want is the error that the call
 * returns anyway.
 *
 * A signal's disposition belongs to the whole process, so the doors decide
 * when to call this (nbdkit's plugin when it is loaded, before there is any
 * thread), and nothing is touched that the program or its caller has chosen:
 * only a default is changed.  The handler does nothing.  Ignoring would do the
 * same here, but would also be inherited by the programs that nbdkit runs
 * (--run), and they have not asked for it.
 *
 * Two relatives need nothing of the kind.  SIGBUS: no file is mapped, which
 * tests/layers.sh checks.  SIGSYS, a system call that a filter forbids: only
 * io_uring is optional, and ring.c finds out in a process of its own.
 */
#ifndef MIRROR_SIGNALS_H
#define MIRROR_SIGNALS_H

void signals_become_errors (void);

/* As it was before.  The handler is ours: it must not outlive the plugin. */
void signals_restore (void);

#endif /* MIRROR_SIGNALS_H */
