/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and block devices as legs.
 *
 * The system calls of the leg go through wrappers of this program, which can
 * make them short, interrupted or refused.  Everything is done in a folder
 * of its own in TMPDIR (or /tmp); what its file system cannot do is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "legs/leg-file.h"
#include "legs/ring.h"
#include "tests/unit/leg-caller.h"

#define MIB (UINT64_C (1024) * 1024)
#define SIZE (4 * MIB)

/* ------------------------------------------------------------- misbehaving */

/* As long as it is shut, plain writes and syncs stay in the kernel. */
static struct {
  struct ground_mutex lock;
  struct ground_cond changed;
  bool shut;
  unsigned waiting;
} gate;

static void
gate_pass (void)
{
  ground_mutex_lock (&gate.lock);
  gate.waiting++;
  ground_cond_broadcast (&gate.changed);
  while (gate.shut)
    ground_cond_wait (&gate.changed, &gate.lock, GROUND_NEVER);
  gate.waiting--;
  ground_mutex_unlock (&gate.lock);
}

static void
gate_set (bool shut)
{
  ground_mutex_lock (&gate.lock);
  gate.shut = shut;
  ground_cond_broadcast (&gate.changed);
  ground_mutex_unlock (&gate.lock);
}

/* Until so many stand before it. */
static void
gate_wait (unsigned count)
{
  ground_mutex_lock (&gate.lock);
  while (gate.waiting < count)
    ground_cond_wait (&gate.changed, &gate.lock, GROUND_NEVER);
  ground_mutex_unlock (&gate.lock);
}

static struct {
  _Atomic bool short_transfers; /* interrupted, then half of what was asked */
  _Atomic int write_error;      /* of every write after its first part */
  _Atomic bool refuse_dsync;
  _Atomic int sync_error;
  _Atomic bool refuse_zero_range, refuse_punch;
  _Atomic bool stuck;           /* writes do nothing, and say so */
  _Atomic unsigned syncs, plain_writes, dsync_writes, dsync_bytes;
} fault;

static bool
fault_interrupts (size_t *length)
{
  static _Atomic unsigned calls;

  if (!fault.short_transfers)
    return false;
  if (calls++ % 2 == 0) {
    errno = EINTR;
    return true;
  }
  *length = div_round_up (*length, 2);
  return false;
}

ssize_t
pread (int fd, void *buffer, size_t length, off_t offset)
{
  if (fault_interrupts (&length))
    return -1;
  return syscall (SYS_pread64, fd, buffer, length, offset);
}

ssize_t
pwrite (int fd, const void *buffer, size_t length, off_t offset)
{
  fault.plain_writes++;
  gate_pass ();
  if (fault.stuck)
    return 0;
  if (fault_interrupts (&length))
    return -1;
  if (fault.write_error != 0 && offset % 4096 != 0) {
    errno = fault.write_error;
    return -1;
  }
  return syscall (SYS_pwrite64, fd, buffer,
                  fault.write_error ? MIN (length, (size_t)100) : length,
                  offset);
}

ssize_t
pwritev2 (int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
  struct iovec part = parts[0];
  ssize_t done;

  ck_assert_int_eq (flags, RWF_DSYNC);
  ck_assert_int_eq (count, 1);
  if (fault.refuse_dsync) {
    errno = EOPNOTSUPP;
    return -1;
  }
  if (fault.stuck)
    return 0;
  if (fault_interrupts (&part.iov_len))
    return -1;
  fault.dsync_writes++;
  done = syscall (SYS_pwritev2, fd, &part, 1, offset, 0, flags);
  fault.dsync_bytes += MAX (done, 0);
  return done;
}

int
fdatasync (int fd)
{
  fault.syncs++;
  gate_pass ();
  if (fault.sync_error != 0) {
    errno = fault.sync_error;
    return -1;
  }
  return syscall (SYS_fdatasync, fd);
}

int
fallocate (int fd, int mode, off_t offset, off_t length)
{
  if (((mode & FALLOC_FL_ZERO_RANGE) && fault.refuse_zero_range)
      || ((mode & FALLOC_FL_PUNCH_HOLE) && fault.refuse_punch)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return syscall (SYS_fallocate, fd, mode, offset, length);
}

/* ------------------------------------------------------------------- files */

static char root[128]; /* of all tests, so that failed ones leave nothing */
static char folder[256];

static void
make_root (void)
{
  const char *parent = getenv ("TMPDIR");

  folder_make (root, sizeof root, parent ? parent : "/tmp");
  ck_assert_int_eq (chmod (root, 0755), 0);
  ground_mutex_init (&gate.lock);
  ground_cond_init (&gate.changed);
}

static void
remove_root (void)
{
  ground_cond_destroy (&gate.changed);
  ground_mutex_destroy (&gate.lock);
  folder_remove (root);
}

static void
make_folder (void)
{
  folder_make (folder, sizeof folder, root);
}

static void
remove_folder (void)
{
  folder_remove (folder);
}

/* The path of a new sparse file; static, one for each of four names. */
static const char *
make_file (const char *name, uint64_t size)
{
  static char paths[4][300];
  static unsigned next;
  char *path = paths[next++ % 4];
  int fd;

  snprintf (path, sizeof paths[0], "%s/%s", folder, name);
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ck_assert_int_ne (fd, -1);
  ck_assert_int_eq (ftruncate (fd, size), 0);
  close (fd);
  return path;
}

static struct leg *
open_only (const char *path, bool direct)
{
  struct leg *leg = NULL;
  char why[MESSAGE_MAX];
  int r = leg_file_open (path, direct, &leg, why);

  ck_assert_msg (r == 0, "%s: %s", path, why);
  return leg;
}

static struct leg *
open_leg (const char *path, bool direct)
{
  struct leg *leg = open_only (path, direct);

  ck_assert_int_eq (leg->ops->start (leg), 0);
  return leg;
}

static void
check_refused (const char *path, bool direct, int error, const char *phrase)
{
  struct leg *leg = NULL;
  char why[MESSAGE_MAX];
  int r = leg_file_open (path, direct, &leg, why);

  ck_assert_int_eq (r, error);
  ck_assert_ptr_null (leg);
  ck_assert_msg (strstr (why, phrase) != NULL, "'%s' lacks '%s'", why, phrase);
  ck_assert_ptr_null (strchr (why, '\n'));
}

static bool
folder_has_direct (void)
{
  const char *path = make_file ("probe", 65536);
  int fd = open (path, O_RDWR | O_DIRECT | O_CLOEXEC);
  void *page;
  bool has;

  ck_assert_int_eq (posix_memalign (&page, 4096, 4096), 0);
  has = fd != -1 && syscall (SYS_pread64, fd, page, 4096, 0) == 4096;
  free (page);
  if (fd != -1)
    close (fd);
  unlink (path);
  if (!has)
    printf ("no O_DIRECT in %s: left out\n", folder);
  return has;
}

static uint64_t
blocks_of (const char *path)
{
  struct stat st;

  ck_assert_int_eq (stat (path, &st), 0);
  return st.st_blocks;
}

/* ---------------------------------------------------------------- refusals */

START_TEST (what_is_not_a_disk_is_refused_with_a_reason)
{
  char path[300];

  snprintf (path, sizeof path, "%s/none", folder);
  check_refused (path, false, -ENOENT, "does not exist");
  check_refused (folder, false, -EISDIR, "directory");
  check_refused (make_file ("empty", 0), false, -EINVAL, "empty");
  check_refused ("/dev/null", false, -EINVAL, "neither");
  snprintf (path, sizeof path, "%s/fifo", folder);
  ck_assert_int_eq (mkfifo (path, 0600), 0);
  /* Opening it would wait for ever. */
  check_refused (path, false, -EINVAL, "neither");
}
END_TEST

START_TEST (a_file_system_without_direct_says_so)
{
  struct leg *leg;
  char path[300], why[MESSAGE_MAX];
  int fd;

  /* Whichever file systems are here: opened, or refused with the way out. */
  for (unsigned i = 0; i < 2; i++) {
    snprintf (path, sizeof path, "%s/legs-direct-%d",
              i == 0 ? "/dev/shm" : folder, (int)getpid ());
    fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1)
      continue;
    ck_assert_int_eq (ftruncate (fd, MIB), 0);
    close (fd);
    if (leg_file_open (path, true, &leg, why) == 0)
      leg->ops->close (leg);
    else
      ck_assert_msg (strstr (why, "use cache=page") != NULL, "%s", why);
    unlink (path);
  }
}
END_TEST

START_TEST (a_second_opening_is_refused)
{
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_leg (path, false);

  check_refused (path, false, -EBUSY, "in use by another process");
  leg->ops->close (leg);
  leg = open_leg (path, false);
  leg->ops->close (leg);
}
END_TEST

/* Like the server: opened by one process, used by its child. */
START_TEST (the_lock_outlives_the_process_that_opened)
{
  const char *path = make_file ("a", SIZE);
  int ready[2], finish[2];
  struct leg *leg;
  char byte = 0;
  pid_t opener;
  int status;

  ck_assert_int_eq (pipe (ready), 0);
  ck_assert_int_eq (pipe (finish), 0);
  opener = fork ();
  if (opener == 0) {
    /* Its thread is started after the fork. */
    leg = open_only (path, false);
    if (fork () == 0) {
      /* The daemon: until told to end. */
      close (finish[1]);
      if (read (finish[0], &byte, 1) == 0)
        leg->ops->close (leg);
      _exit (0);
    }
    _exit (0);
  }
  close (finish[0]);
  close (ready[1]);
  ck_assert_int_eq (waitpid (opener, &status, 0), opener);
  ck_assert_int_eq (status, 0);
  check_refused (path, false, -EBUSY, "in use by another process");
  /* It closes, which closes its end of this pipe too. */
  close (finish[1]);
  ck_assert_int_eq (read (ready[0], &byte, 1), 0);
  leg = open_leg (path, false);
  leg->ops->close (leg);
}
END_TEST

START_TEST (without_permission_to_write_it_is_read_only)
{
  const char *path = make_file ("a", SIZE);
  char second[300];
  struct leg *one, *two;

  ck_assert_int_eq (chmod (path, 0444), 0);
  ck_assert_int_eq (chmod (folder, 0755), 0);
  snprintf (second, sizeof second, "%s/link", folder);
  ck_assert_int_eq (link (path, second), 0);
  if (geteuid () == 0)
    ck_assert_int_eq (seteuid (65534), 0);

  one = open_leg (path, false);
  ck_assert (one->caps.readonly);
  ck_assert (!one->ops->can_zero (one, CHILD_MAY_TRIM));
  /* Readers may share, so it is the identity that tells. */
  two = open_leg (second, false);
  ck_assert_str_eq (one->identity, two->identity);
  one->ops->close (one);
  two->ops->close (two);
  if (getuid () == 0)
    ck_assert_int_eq (seteuid (0), 0);
}
END_TEST

START_TEST (different_files_have_different_identities)
{
  struct leg *one = open_leg (make_file ("a", SIZE), false);
  struct leg *two = open_leg (make_file ("b", SIZE), false);

  ck_assert_str_ne (one->identity, two->identity);
  ck_assert_int_eq (strncmp (one->identity, "file:", 5), 0);
  one->ops->close (one);
  two->ops->close (two);
}
END_TEST

/* --------------------------------------------------------------------- I/O */

enum mode {
  PAGE,
  PAGE_SHORT,
  PAGE_RING,
  DIRECT,
  DIRECT_RING,
  MODES
};

/* NULL where this machine cannot. */
static struct leg *
open_mode (const char *path, enum mode mode, struct ring **ret_ring)
{
  bool direct = mode == DIRECT || mode == DIRECT_RING;
  bool wants_ring = mode == PAGE_RING || mode == DIRECT_RING;
  struct leg *leg;

  *ret_ring = NULL;
  if (direct && !folder_has_direct ())
    return NULL;
  if (wants_ring && strcmp (ring_probe (), "yes") != 0) {
    printf ("no ring (%s): left out\n", ring_probe ());
    return NULL;
  }
  leg = open_leg (path, direct);
  ck_assert_int_eq (leg->rank, LEG_INLINE);
  if (wants_ring) {
    ck_assert_int_eq (ring_create (ret_ring), 0);
    leg_file_use_ring (leg, *ret_ring);
    ck_assert_int_eq (leg->rank, LEG_QUEUED);
  }
  fault.short_transfers = mode == PAGE_SHORT;
  return leg;
}

static void
close_mode (struct leg *leg, struct ring *ring)
{
  fault.short_transfers = false;
  if (ring != NULL)
    ring_destroy (ring);
  leg->ops->close (leg);
}

START_TEST (random_operations_give_what_a_plain_array_gives)
{
  uint64_t state = unit_seed ("random operations");
  struct ring *ring;
  struct leg *leg = open_mode (make_file ("a", SIZE), _i, &ring);
  char *model = calloc (1, SIZE);
  void *buffer;

  if (leg == NULL)
    return;
  ck_assert_uint_eq (leg->caps.size, SIZE);
  ck_assert (leg->caps.fua == (_i == DIRECT || _i == DIRECT_RING));
  ck_assert_int_eq (posix_memalign (&buffer, 4096, CALL_RANDOM_BYTES), 0);
  for (unsigned i = 0; i < 2000; i++)
    call_random (leg, model, SIZE, buffer, &state);
  /* All of it, with any alignment. */
  for (uint64_t at = 1; at < SIZE; at += 99991) {
    uint64_t length = MIN (SIZE - at, (uint64_t)99991);

    ck_assert_int_eq (leg->ops->read_now (leg, buffer, length, at), 0);
    ck_assert_mem_eq (buffer, model + at, length);
  }
  close_mode (leg, ring);
  free (buffer);
  free (model);
}
END_TEST

struct worker {
  struct ground_thread thread;
  struct leg *leg;
  uint64_t offset;
};

static void
worker_main (void *argument)
{
  struct worker *worker = argument;
  void *written, *read;

  ck_assert_int_eq (posix_memalign (&written, 4096, 8192), 0);
  ck_assert_int_eq (posix_memalign (&read, 4096, 8192), 0);
  for (unsigned i = 0; i < 200; i++) {
    memset (written, i + worker->offset / 8192, 8192);
    ck_assert_int_eq (call_leg (worker->leg, CHILD_WRITE,
                                worker->leg->caps.fua ? CHILD_FUA : 0, written,
                                8192, worker->offset),
                      0);
    ck_assert_int_eq (
      call_leg (worker->leg, CHILD_READ, 0, read, 8192, worker->offset), 0);
    ck_assert_mem_eq (read, written, 8192);
    if (i % 50 == 0)
      ck_assert_int_eq (call_leg (worker->leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  }
  free (written);
  free (read);
}

START_TEST (threads_do_not_disturb_each_other)
{
  struct worker worker[8];
  struct ring *ring;
  struct leg *leg = open_mode (make_file ("a", SIZE), _i, &ring);

  if (leg == NULL)
    return;
  for (unsigned i = 0; i < ARRAY_LENGTH (worker); i++) {
    worker[i] = (struct worker){ .leg = leg, .offset = i * 8192 };
    ck_assert_int_eq (ground_thread_start (&worker[i].thread, "worker",
                                           worker_main, &worker[i]),
                      0);
  }
  for (unsigned i = 0; i < ARRAY_LENGTH (worker); i++)
    ground_thread_join (&worker[i].thread);
  close_mode (leg, ring);
}
END_TEST

START_TEST (a_read_that_is_alone_is_not_queued)
{
  struct ring *ring;
  struct leg *leg = open_mode (make_file ("a", SIZE), _i, &ring);
  struct call call = { .child = { .op = CHILD_READ, .length = 65536 } };
  void *buffer;

  if (leg == NULL)
    return;
  ck_assert_int_eq (posix_memalign (&buffer, 4096, 65536), 0);
  call.child.buffer = buffer;
  call.child.flags = CHILD_ALONE;
  call_begin (&call, leg);
  ck_assert_uint_eq (call.times, 1);
  ck_assert_int_eq (call_wait (&call), 0);
  if (leg->rank == LEG_QUEUED) {
    call.child.flags = 0;
    call_begin (&call, leg);
    /* Nobody has kicked it off yet. */
    ck_assert_uint_eq (call.times, 0);
    leg_kickoff (leg);
    ck_assert_int_eq (call_wait (&call), 0);
  }
  close_mode (leg, ring);
  free (buffer);
}
END_TEST

START_TEST (a_file_that_shrank_gives_errors_not_zeroes)
{
  struct ring *ring;
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_mode (path, _i, &ring);
  struct extent extents[4];
  unsigned count;
  void *buffer;

  if (leg == NULL)
    return;
  ck_assert_int_eq (posix_memalign (&buffer, 4096, 65536), 0);
  ck_assert_int_eq (truncate (path, MIB), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, buffer, 65536, 2 * MIB),
                    -ENXIO);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, buffer, 65536, MIB - 32768),
                    -ENXIO);
  ck_assert_int_eq (call_extents (leg, MIB, MIB, extents, 4, &count), -EIO);
  close_mode (leg, ring);
  free (buffer);
}
END_TEST

START_TEST (half_a_write_is_an_error_whatever_the_reason)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  static char buffer[8192];

  fault.write_error = EINVAL;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, 8192, 0), -EIO);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, 8192, 1), -EINVAL);
  fault.write_error = ENOSPC;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, 8192, 0), -ENOSPC);
  fault.write_error = 0;
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_write_with_fua_is_stable_with_and_without_the_flag)
{
  struct leg *leg;
  void *data;

  if (!folder_has_direct ())
    return;
  leg = open_leg (make_file ("a", SIZE), true);
  ck_assert_int_eq (posix_memalign (&data, 4096, 4096), 0);
  memset (data, 'x', 4096);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0), 0);
  ck_assert_uint_eq (fault.dsync_writes, 1);
  ck_assert_uint_eq (fault.syncs, 0);

  fault.refuse_dsync = true;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0), 0);
  ck_assert_uint_eq (fault.syncs, 1);
  /* Remembered: not asked again. */
  fault.refuse_dsync = false;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0), 0);
  ck_assert_uint_eq (fault.syncs, 2);
  ck_assert_uint_eq (fault.dsync_writes, 1);

  fault.sync_error = EIO;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0),
                    -EIO);
  leg->ops->close (leg);
  free (data);
}
END_TEST

START_TEST (every_part_of_a_short_write_with_fua_is_stable)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  static unsigned char data[8192], back[8192];

  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = i * 7 + i / 256;
  fault.short_transfers = true;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, sizeof data,
                              4096), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, sizeof back, 4096), 0);
  fault.short_transfers = false;
  ck_assert_mem_eq (data, back, sizeof data);
  ck_assert_uint_gt (fault.dsync_writes, 1);
  ck_assert_uint_eq (fault.dsync_bytes, sizeof data);
  ck_assert_uint_eq (fault.plain_writes, 0);
  ck_assert_uint_eq (fault.syncs, 0);
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_write_that_does_nothing_is_an_error)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  static char data[4096];

  fault.stuck = true;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, 4096, 0), -ENXIO);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0),
                    -ENXIO);
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_zero_with_fua_is_synced)
{
  struct leg *leg;

  if (!folder_has_direct ())
    return;
  leg = open_leg (make_file ("a", SIZE), true);
  if (call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 0) == 0) {
    ck_assert_uint_eq (fault.syncs, 0);
    ck_assert_int_eq (
      call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM | CHILD_FUA, NULL, MIB, 0), 0);
    ck_assert_uint_eq (fault.syncs, 1);
    fault.sync_error = EIO;
    ck_assert_int_eq (
      call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM | CHILD_FUA, NULL, MIB, 0),
      -EIO);
  }
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_failed_flush_is_told_and_a_pointless_one_is_not)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);

  fault.sync_error = EIO;
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), -EIO);
  fault.sync_error = EINVAL;
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  leg->ops->close (leg);
}
END_TEST

/* Neither is inside the kernel, whoever issues. */
START_TEST (two_legs_are_synced_at_the_same_time)
{
  struct leg *leg[2] = { open_leg (make_file ("a", SIZE), false),
                         open_leg (make_file ("b", SIZE), false) };
  struct call call[2] = { { .child = { .op = CHILD_FLUSH } },
                          { .child = { .op = CHILD_FLUSH } } };

  gate_set (true);
  for (unsigned i = 0; i < 2; i++)
    call_begin (&call[i], leg[i]);
  gate_wait (2);
  gate_set (false);
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq (call_wait (&call[i]), 0);
    leg[i]->ops->close (leg[i]);
  }
}
END_TEST

START_TEST (what_comes_during_a_sync_is_synced_together)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  static char data[4][4096], back[4096];
  struct call flush = { .child = { .op = CHILD_FLUSH } }, call[4];

  gate_set (true);
  call_begin (&flush, leg);
  gate_wait (1);
  for (unsigned i = 0; i < 4; i++) {
    memset (data[i], 'a' + i, 4096);
    call[i] = (struct call){ .child = { .op = CHILD_WRITE,
                                        .flags = CHILD_FUA,
                                        .buffer = data[i],
                                        .offset = i * 4096,
                                        .length = 4096 } };
    call_begin (&call[i], leg);
  }
  gate_set (false);
  ck_assert_int_eq (call_wait (&flush), 0);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_int_eq (call_wait (&call[i]), 0);
  ck_assert_uint_eq (fault.syncs, 2);
  ck_assert_uint_eq (fault.plain_writes, 4);
  ck_assert_uint_eq (fault.dsync_writes, 0);
  for (unsigned i = 0; i < 4; i++) {
    ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 4096, i * 4096), 0);
    ck_assert_mem_eq (back, data[i], 4096);
  }
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_large_write_with_fua_is_synced_once)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  unsigned char *data = malloc (MIB), *back = malloc (MIB);

  for (unsigned i = 0; i < MIB; i++)
    data[i] = i * 7 + i / 256;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, MIB, 4096), 0);
  ck_assert_uint_eq (fault.syncs, 1);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, MIB, 4096), 0);
  ck_assert_mem_eq (data, back, MIB);
  fault.sync_error = EIO;
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, MIB, 0), -EIO);
  leg->ops->close (leg);
  free (data);
  free (back);
}
END_TEST

/* What hangs in the kernel is answered, with what waits for it; and the disk
 * gets what the memory held then, not what it holds later.
 */
START_TEST (abort_answers_what_hangs)
{
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_leg (path, false);
  static char data[4096], back[4096];
  struct call write = { .child = { .op = CHILD_WRITE,
                                   .flags = CHILD_APART,
                                   .buffer = data,
                                   .length = 4096 } };
  struct call flush = { .child = { .op = CHILD_FLUSH } };
  int fd;

  memset (data, 'x', 4096);
  gate_set (true);
  call_begin (&write, leg);
  gate_wait (1);
  call_begin (&flush, leg);
  ck_assert_uint_eq (write.times + flush.times, 0);
  leg->ops->abort (leg);
  ck_assert_int_eq (call_wait (&write), -ESHUTDOWN);
  ck_assert_int_eq (call_wait (&flush), -ESHUTDOWN);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), -ESHUTDOWN);
  memset (data, 'y', 4096);
  gate_set (false);
  leg->ops->close (leg);
  ck_assert_uint_eq (write.times + flush.times, 2);
  ck_assert_uint_eq (fault.syncs, 0);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (pread (fd, back, 4096, 0), 4096);
  close (fd);
  memset (data, 'x', 4096);
  ck_assert_mem_eq (data, back, 4096);
}
END_TEST

START_TEST (after_abort_everything_is_refused)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  char byte = 'x';

  leg->ops->abort (leg);
  leg->ops->abort (leg);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, &byte, 1, 0), -ESHUTDOWN);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), -ESHUTDOWN);
  leg->ops->close (leg);
}
END_TEST

START_TEST (a_direct_leg_ends_at_a_whole_block)
{
  struct leg *leg;

  if (!folder_has_direct ())
    return;
  leg = open_leg (make_file ("a", SIZE + 100), true);
  ck_assert_uint_eq (leg->caps.size, SIZE);
  ck_assert_uint_ge (leg->caps.block_minimum, 1);
  ck_assert_uint_le (leg->caps.memory_alignment, BOUNCE_ALIGNMENT);
  ck_assert_uint_ge (leg->caps.block_preferred, leg->caps.block_minimum);
  leg->ops->close (leg);
  check_refused (make_file ("b", 100), true, -EINVAL, "smaller");
}
END_TEST

/* ----------------------------------------------------------- zero, extents */

static void
fill (struct leg *leg)
{
  char *buffer = malloc (SIZE);

  memset (buffer, 'x', SIZE);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, SIZE, 0), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  free (buffer);
}

static void
check_bytes (struct leg *leg, uint64_t offset, uint64_t length, char byte)
{
  char *buffer = malloc (length);

  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, buffer, length, offset), 0);
  for (uint64_t i = 0; i < length; i++)
    UNIT_CHECK (buffer[i] == byte, "at %" PRIu64, offset + i);
  free (buffer);
}

START_TEST (asking_for_zero_changes_nothing)
{
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_leg (path, false);
  uint64_t before;
  struct stat st;

  fill (leg);
  before = blocks_of (path);
  leg->ops->can_zero (leg, 0);
  leg->ops->can_zero (leg, CHILD_MAY_TRIM);
  leg->ops->can_zero (leg, CHILD_MAY_TRIM | CHILD_FAST);
  ck_assert_uint_eq (blocks_of (path), before);
  ck_assert_int_eq (stat (path, &st), 0);
  ck_assert_uint_eq (st.st_size, SIZE);
  check_bytes (leg, 0, SIZE, 'x');
  leg->ops->close (leg);
}
END_TEST

START_TEST (zero_gives_space_back_only_when_it_may)
{
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_leg (path, false);
  uint64_t full;

  fill (leg);
  full = blocks_of (path);
  if (!leg->ops->can_zero (leg, CHILD_MAY_TRIM)) {
    leg->ops->close (leg);
    return;
  }

  if (call_leg (leg, CHILD_ZERO, 0, NULL, MIB + 1, MIB) == 0) {
    ck_assert_uint_ge (blocks_of (path), full);
    check_bytes (leg, MIB, MIB + 1, 0);
    check_bytes (leg, 2 * MIB + 1, MIB, 'x');
    check_bytes (leg, 0, MIB, 'x');
    ck_assert (leg->ops->can_zero (leg, CHILD_FAST));
  } else
    ck_assert (!leg->ops->can_zero (leg, 0));

  ck_assert_int_eq (
    call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 3 * MIB), 0);
  ck_assert_uint_lt (blocks_of (path), full);
  check_bytes (leg, 3 * MIB, MIB, 0);
  leg->ops->close (leg);
}
END_TEST

START_TEST (what_cannot_be_zeroed_is_learned_and_remembered)
{
  const char *path = make_file ("a", SIZE);
  struct leg *leg = open_leg (path, false);
  bool punches = leg->ops->can_zero (leg, CHILD_MAY_TRIM | CHILD_FAST);

  fill (leg);
  fault.refuse_zero_range = true;
  ck_assert (leg->ops->can_zero (leg, 0));           /* not known yet */
  ck_assert (!leg->ops->can_zero (leg, CHILD_FAST)); /* so no promise */
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, MIB, 0), -EOPNOTSUPP);
  ck_assert (!leg->ops->can_zero (leg, 0));
  check_bytes (leg, 0, SIZE, 'x');
  /* Never punched without permission, and still able to with it. */
  ck_assert (leg->ops->can_zero (leg, CHILD_MAY_TRIM) == punches);
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 0),
                    punches ? 0 : -EOPNOTSUPP);

  fault.refuse_punch = true;
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 0),
                    -EOPNOTSUPP);
  ck_assert (!leg->ops->can_zero (leg, CHILD_MAY_TRIM));
  fault.refuse_punch = fault.refuse_zero_range = false;
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 0),
                    -EOPNOTSUPP);
  leg->ops->close (leg);
}
END_TEST

START_TEST (no_punching_at_all_is_found_out_by_asking)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);

  fault.refuse_zero_range = fault.refuse_punch = true;
  ck_assert (!leg->ops->can_zero (leg, CHILD_MAY_TRIM | CHILD_FAST));
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, MIB, 0),
                    -EOPNOTSUPP);
  leg->ops->close (leg);
}
END_TEST

/* Ascending, gapless from the start of the range, within it, no data called
 * a hole.
 */
static void
check_extents (struct leg *leg, uint64_t length, uint64_t offset, unsigned max,
               bool is_whole)
{
  struct extent extents[16];
  char *buffer = malloc (length);
  uint64_t at = 0;
  unsigned count = 0;

  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, buffer, length, offset), 0);
  ck_assert_int_eq (call_extents (leg, length, offset, extents, max, &count),
                    0);
  ck_assert_uint_ge (count, 1);
  ck_assert_uint_le (count, max);
  for (unsigned i = 0; i < count; i++) {
    ck_assert_uint_gt (extents[i].length, 0);
    ck_assert_uint_le (extents[i].length, length - at);
    ck_assert (extents[i].flags == 0
               || extents[i].flags == (EXTENT_HOLE | EXTENT_ZERO));
    for (uint64_t j = 0; extents[i].flags && j < extents[i].length; j++)
      UNIT_CHECK (buffer[at + j] == 0, "at %" PRIu64, offset + at + j);
    at += extents[i].length;
  }
  ck_assert (!is_whole || at == length);
  free (buffer);
}

START_TEST (extents_are_the_truth_about_any_range)
{
  struct leg *leg = open_leg (make_file ("a", SIZE), false);
  char *buffer = malloc (MIB);
  struct extent extents[16];
  unsigned count;

  ck_assert (leg->caps.extents);
  memset (buffer, 'x', MIB);
  ck_assert_int_eq (call_extents (leg, SIZE, 0, extents, 16, &count), 0);
  ck_assert_uint_eq (count, 1);
  ck_assert_uint_eq (extents[0].length, SIZE);

  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, MIB, MIB), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, buffer, 1, 3 * MIB), 0);
  check_extents (leg, SIZE, 0, 16, true);
  check_extents (leg, SIZE, 0, 1, false);
  check_extents (leg, SIZE, 0, 2, false);
  check_extents (leg, SIZE - 12345, 12345, 16, true);
  check_extents (leg, 1, MIB - 1, 16, true);
  check_extents (leg, 1, MIB, 1, true);
  check_extents (leg, 2, 2 * MIB - 1, 16, true);
  check_extents (leg, MIB, 3 * MIB, 16, true);
  ck_assert_int_eq (call_extents (leg, SIZE, 0, extents, 16, &count), 0);
  if (count == 5) /* the file system knows holes */
    ck_assert (extents[0].flags != 0 && extents[1].flags == 0);
  free (buffer);
  leg->ops->close (leg);
}
END_TEST

/* ----------------------------------------------------------- block devices */

/* /dev/loopN on a file, open, or -1 where this cannot be had.  Goes away when
 * the last user closes it, also if the test fails.
 */
static int
make_device (const char *path, char *device, size_t size)
{
  char command[600];
  FILE *stream;
  bool got;
  int fd;

  snprintf (command, sizeof command, "losetup --find --show '%s' 2>/dev/null",
            path);
  stream = popen (command, "re");
  ck_assert_ptr_nonnull (stream);
  got = fgets (device, size, stream) != NULL;
  got = pclose (stream) == 0 && got;
  if (!got) {
    printf ("no loop device: left out\n");
    return -1;
  }
  device[strcspn (device, "\n")] = '\0';
  fd = open (device, O_RDONLY | O_CLOEXEC);
  ck_assert_int_ne (fd, -1);
  snprintf (command, sizeof command, "losetup --detach %s", device);
  ck_assert_int_eq (system (command), 0);
  return fd;
}

START_TEST (a_block_device_works_like_a_file_and_is_used_once)
{
  char device[64], buffer[9];
  struct leg *leg;
  int fd = make_device (make_file ("a", SIZE), device, sizeof device);

  if (fd == -1)
    return;
  leg = open_leg (device, false);
  ck_assert_uint_eq (leg->caps.size, SIZE);
  ck_assert_uint_eq (leg->caps.block_minimum, 1);
  ck_assert (!leg->caps.extents);
  ck_assert_int_eq (strncmp (leg->identity, "block:7:", 8), 0);
  check_refused (device, false, -EBUSY, "in use");

  fill (leg);
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, MIB, 100), 0);
  check_bytes (leg, 0, 100, 'x');
  check_bytes (leg, 100, MIB, 0);
  check_bytes (leg, 100 + MIB, MIB, 'x');
  ck_assert_int_eq (
    call_leg (leg, CHILD_ZERO, CHILD_MAY_TRIM, NULL, 7, 3 * MIB + 5), 0);
  check_bytes (leg, 3 * MIB, 5, 'x');
  check_bytes (leg, 3 * MIB + 5, 7, 0);
  check_bytes (leg, 3 * MIB + 12, 100, 'x');
  leg->ops->close (leg);

  leg = open_leg (device, true);
  ck_assert_uint_ge (leg->caps.block_minimum, 512);
  ck_assert_int_eq (leg->ops->read_now (leg, buffer, 9, 3 * MIB + 4), 0);
  ck_assert_mem_eq (buffer, "x\0\0\0\0\0\0\0x", 9);
  leg->ops->close (leg);
  close (fd);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_unchecked_fixture (tcase, make_root, remove_root);
  tcase_add_checked_fixture (tcase, make_folder, remove_folder);
  tcase_add_test (tcase, what_is_not_a_disk_is_refused_with_a_reason);
  tcase_add_test (tcase, a_file_system_without_direct_says_so);
  tcase_add_test (tcase, a_second_opening_is_refused);
  tcase_add_test (tcase, the_lock_outlives_the_process_that_opened);
  tcase_add_test (tcase, without_permission_to_write_it_is_read_only);
  tcase_add_test (tcase, different_files_have_different_identities);
  tcase_add_loop_test (tcase, random_operations_give_what_a_plain_array_gives,
                       0, MODES);
  tcase_add_loop_test (tcase, threads_do_not_disturb_each_other, 0, MODES);
  tcase_add_loop_test (tcase, a_read_that_is_alone_is_not_queued, 0,
                       MODES);
  tcase_add_loop_test (tcase, a_file_that_shrank_gives_errors_not_zeroes, 0,
                       MODES);
  tcase_add_test (tcase, half_a_write_is_an_error_whatever_the_reason);
  tcase_add_test (tcase, a_write_with_fua_is_stable_with_and_without_the_flag);
  tcase_add_test (tcase, every_part_of_a_short_write_with_fua_is_stable);
  tcase_add_test (tcase, a_write_that_does_nothing_is_an_error);
  tcase_add_test (tcase, a_zero_with_fua_is_synced);
  tcase_add_test (tcase, a_failed_flush_is_told_and_a_pointless_one_is_not);
  tcase_add_test (tcase, two_legs_are_synced_at_the_same_time);
  tcase_add_test (tcase, what_comes_during_a_sync_is_synced_together);
  tcase_add_test (tcase, a_large_write_with_fua_is_synced_once);
  tcase_add_test (tcase, abort_answers_what_hangs);
  tcase_add_test (tcase, after_abort_everything_is_refused);
  tcase_add_test (tcase, a_direct_leg_ends_at_a_whole_block);
  tcase_add_test (tcase, asking_for_zero_changes_nothing);
  tcase_add_test (tcase, zero_gives_space_back_only_when_it_may);
  tcase_add_test (tcase, what_cannot_be_zeroed_is_learned_and_remembered);
  tcase_add_test (tcase, no_punching_at_all_is_found_out_by_asking);
  tcase_add_test (tcase, extents_are_the_truth_about_any_range);
  tcase_add_test (tcase, a_block_device_works_like_a_file_and_is_used_once);
}

int
main (void)
{
  return unit_main ("leg-file", add_tests);
}
