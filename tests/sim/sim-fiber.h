/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-fiber: stacks, and jumping between them.
 *
 * No scheduling here: ground-sim decides who runs.  Only the first entry of
 * a fiber uses ucontext (each costs system calls); afterwards setjmp and
 * longjmp do.  With AddressSanitizer always ucontext, and the sanitizer is
 * told about every switch.
 */
#ifndef MIRROR_SIM_FIBER_H
#define MIRROR_SIM_FIBER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct fiber_stack {
  jmp_buf jump;
  ucontext_t context;
  bool is_fresh;      /* never entered since fiber_prepare */
  void *memory;       /* NULL: the real thread's own stack */
  const void *bottom; /* for the sanitizer */
  size_t size;
  void *fake;
};

/* The next switch to @stack begins @entry, which must never return.  Stack
 * memory is allocated once and kept.
 */
void fiber_prepare (struct fiber_stack *stack, void (*entry) (void));

/* To be called first thing in @entry; @from is the stack left behind. */
void fiber_entered (struct fiber_stack *from);

/* Leave @from, which somebody may switch back to, for @to. */
void fiber_switch (struct fiber_stack *from, struct fiber_stack *to);

/* Leave @from for good. */
_Noreturn void fiber_leave (struct fiber_stack *from, struct fiber_stack *to);

#endif /* MIRROR_SIM_FIBER_H */
