#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where a filter of system calls ends any process that asks for io_uring
# (systemd's SystemCallFilter=), everything works without it; --dump-plugin says
# so.

. "$(dirname "$0")/functions.sh"
requires nbdcopy
CC=${CC:-cc}
nbdkit --dump-plugin "$MIRROR_SO" | grep -x mirror_io_uring=yes \
  || skip "there is no io_uring here anyway"

# shellcheck disable=SC2086  # CC may be two words
$CC -o deadly -x c - <<'END' || skip "$CC does not work"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIES(number) \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), \
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

int
main (int argc, char **argv)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    DIES (__NR_io_uring_setup),
    DIES (__NR_io_uring_enter),
    DIES (__NR_io_uring_register),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

  (void)argc;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return 77;
  execvp (argv[1], argv + 1);
  return 1;
}
END
./deadly true || skip "no filters of system calls here"

./deadly nbdkit --dump-plugin "$MIRROR_SO" >dump
grep -x mirror_io_uring=no-permission dump

random_disk 8M data
disk 8M a.img b.img
started mirror ./deadly nbdkit -f -P "$dir/mirror.pid" -U "$dir/mirror.sock" \
  "$MIRROR_SO" a.img b.img
client nbdcopy --flush data "$(uri mirror)"
stop mirror
said 0 .
cmp data a.img
cmp data b.img
