/* SPDX-License-Identifier: BSD-3-Clause */
/* answer: why an order is refused. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/life/answer.h"
#include "ground/util.h"

int
change_refuse (struct array_answer *answer, int error, const char *reason,
               const char *format, ...)
{
  va_list args;

  assert (error < 0);
  answer->reason = reason;
  va_start (args, format);
  vsnprintf (answer->text, sizeof answer->text, format, args);
  va_end (args);
  return error;
}
