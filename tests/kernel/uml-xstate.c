/* SPDX-License-Identifier: BSD-3-Clause */
/* uml-xstate: lets an older user-mode-linux run on a newer CPU.
 *
 * Preloaded into linux.uml.  Its kernel keeps a guest's vector registers in a
 * buffer of a fixed size, and the host refuses PTRACE_SETREGSET (EFAULT) unless
 * it gets the whole state, which is larger on a CPU with AMX.  So the state is
 * read, the caller's part laid over it, and the whole of it written.
 */

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long
ptrace_syscall (enum __ptrace_request request, pid_t pid, void *addr,
                void *data)
{
  return syscall (SYS_ptrace, request, pid, addr, data);
}

static long
set_whole_xstate (pid_t pid, const struct iovec *part)
{
  static char whole[65536] __attribute__ ((aligned (64)));
  struct iovec iov = { whole, sizeof whole };

  if (ptrace_syscall (PTRACE_GETREGSET, pid, (void *) NT_X86_XSTATE, &iov) < 0)
    return -1;
  if (part->iov_len > iov.iov_len) {
    errno = EFAULT;
    return -1;
  }
  memcpy (whole, part->iov_base, part->iov_len);
  return ptrace_syscall (PTRACE_SETREGSET, pid, (void *) NT_X86_XSTATE, &iov);
}

long
ptrace (enum __ptrace_request request, ...)
{
  long r;
  va_list args;

  va_start (args, request);
  pid_t pid = va_arg (args, pid_t);
  void *addr = va_arg (args, void *);
  void *data = va_arg (args, void *);
  va_end (args);

  if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA ||
      request == PTRACE_PEEKUSER) {
    /* The system call stores the word, the C library returns it. */
    long word = 0;
    r = ptrace_syscall (request, pid, addr, &word);
    return r < 0 ? r : (errno = 0, word);
  }
  r = ptrace_syscall (request, pid, addr, data);
  if (r < 0 && errno == EFAULT && request == PTRACE_SETREGSET &&
      addr == (void *) NT_X86_XSTATE)
    r = set_whole_xstate (pid, data);
  return r;
}
