/* SPDX-License-Identifier: BSD-3-Clause */
/* signals: errors that the kernel also sends as a signal. */
#include <signal.h>
#include <stddef.h>

#include "ground/signals.h"
#include "ground/util.h"

static const int signals[] = { SIGXFSZ, SIGPIPE };

static void
do_nothing (int number)
{
  (void)number;
}

/* Change what @before does to what @after does. */
static void
replace (int number, void (*before) (int), void (*after) (int))
{
  const struct sigaction wanted
    = { .sa_handler = after, .sa_flags = SA_RESTART };
  struct sigaction now;
  int r = sigaction (number, NULL, &now);

  assert (r == 0);
  if ((now.sa_flags & SA_SIGINFO) || now.sa_handler != before)
    return;
  r = sigaction (number, &wanted, NULL);
  assert (r == 0);
}

void
signals_become_errors (void)
{
  for (size_t i = 0; i < ARRAY_LENGTH (signals); i++)
    replace (signals[i], SIG_DFL, do_nothing);
}

void
signals_restore (void)
{
  for (size_t i = 0; i < ARRAY_LENGTH (signals); i++)
    replace (signals[i], do_nothing, SIG_DFL);
}
