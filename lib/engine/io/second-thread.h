/* SPDX-License-Identifier: BSD-3-Clause */
/* second-thread: the thread that does what others are stuck with. */
#ifndef MIRROR_SECOND_THREAD_H
#define MIRROR_SECOND_THREAD_H

struct array;

/* 0 or -errno.  It is woken by who looks for disks that hang (array/hung). */
int second_start (struct array *array);
void second_stop (struct array *array);

#endif /* MIRROR_SECOND_THREAD_H */
