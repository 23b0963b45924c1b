/* SPDX-License-Identifier: BSD-3-Clause */
/* closer: the thread that closes legs which no view names any more. */
#ifndef MIRROR_CLOSER_H
#define MIRROR_CLOSER_H

struct array;

/* 0 or -errno. */
int closer_start (struct array *array);

/* When no request begins any more; blocks for a close that is under way. */
void closer_stop (struct array *array);

#endif /* MIRROR_CLOSER_H */
