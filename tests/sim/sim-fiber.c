/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-fiber: stacks, and jumping between them. */

/* The checked longjmp takes a jump to another stack for an attack. */
#undef _FORTIFY_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ground/util.h"
#include "sim-fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK_SIZE (1024u * 1024u)
#else
#define STACK_SIZE (512u * 1024u)
#endif

static void
stack_allocate (struct fiber_stack *stack)
{
  size_t page = sysconf (_SC_PAGESIZE);
  char *memory = mmap (NULL, STACK_SIZE + page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED || mprotect (memory, page, PROT_NONE) == -1) {
    perror ("stack of a fiber");
    abort ();
  }
  stack->memory = memory + page;
  stack->bottom = stack->memory;
  stack->size = STACK_SIZE;
}

void
fiber_prepare (struct fiber_stack *stack, void (*entry) (void))
{
  int r;

  if (stack->memory == NULL)
    stack_allocate (stack);
#ifdef FIBER_ASAN
  /* An abandoned world leaves its frames marked. */
  __asan_unpoison_memory_region (stack->memory, stack->size);
#endif
  r = getcontext (&stack->context);
  assert (r == 0);
  stack->context.uc_stack.ss_sp = stack->memory;
  stack->context.uc_stack.ss_size = STACK_SIZE;
  stack->context.uc_link = NULL;
  makecontext (&stack->context, entry, 0);
  stack->is_fresh = true;
}

#ifdef FIBER_ASAN

void
fiber_entered (struct fiber_stack *from)
{
  const void *bottom;
  size_t size;

  __sanitizer_finish_switch_fiber (NULL, &bottom, &size);
  if (from->memory == NULL) {
    from->bottom = bottom;
    from->size = size;
  }
}

void
fiber_switch (struct fiber_stack *from, struct fiber_stack *to)
{
  __sanitizer_start_switch_fiber (&from->fake, to->bottom, to->size);
  to->is_fresh = false;
  swapcontext (&from->context, &to->context);
  __sanitizer_finish_switch_fiber (from->fake, NULL, NULL);
}

_Noreturn void
fiber_leave (struct fiber_stack *from, struct fiber_stack *to)
{
  (void)from;
  __sanitizer_start_switch_fiber (NULL, to->bottom, to->size);
  to->is_fresh = false;
  setcontext (&to->context);
  abort ();
}

#else /* !FIBER_ASAN */

void
fiber_entered (struct fiber_stack *from)
{
  (void)from;
}

static _Noreturn void
jump_to (struct fiber_stack *to)
{
  if (to->is_fresh) {
    to->is_fresh = false;
    setcontext (&to->context);
    abort ();
  }
  _longjmp (to->jump, 1);
}

void
fiber_switch (struct fiber_stack *from, struct fiber_stack *to)
{
  if (_setjmp (from->jump) == 0)
    jump_to (to);
}

_Noreturn void
fiber_leave (struct fiber_stack *from, struct fiber_stack *to)
{
  (void)from;
  jump_to (to);
}

#endif /* !FIBER_ASAN */
