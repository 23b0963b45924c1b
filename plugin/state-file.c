/* SPDX-License-Identifier: BSD-3-Clause */
/* state-file: a state file is found, judged, locked and, when the array has been
 * made, given its name.
 *
 * Runs before the server forks.  What is in the file may have been damaged, or be
 * somebody else's: nothing of it is asserted.  A file to which no array has
 * written (its disks have no event on record) says nothing that a new one would
 * not say, so it counts as none.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/util.h"
#include "plugin/state-internal.h"

int
state_refuse (const struct state *state, const char *format, ...)
{
  char text[MESSAGE_MAX - 320];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  log_error ("state file %.300s: %s", state->path, text);
  return -1;
}

/* --------------------------------------------------------------------- locks */

int
state_lock (int fd)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
    return 0;
  return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* A process that was forked before may have the open file, too (nbdkit
 * --run).
 */
void
state_unlock_and_close (int fd)
{
  struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

  fcntl (fd, F_OFD_SETLK, &lock);
  close (fd);
}

static int
lock (const struct state *state)
{
  int r = state_lock (state->fd);

  if (r == -EBUSY)
    return state_refuse (state, "is in use by another server (it is locked), or is "
                   "given as a disk, too; stop that server, or name another "
                   "file");
  return r == 0 ? 0
                : state_refuse (state, "cannot be locked against other servers: %s; "
                          "put it on a file system with locks",
                          log_strerror (r));
}

/* ---------------------------------------------------------- what is in there */

/* What its superblock says, if it is whole. */
static bool
read_super (const struct state *state, unsigned number, struct sb1 *ret)
{
  uint8_t block[SB1_BLOCK_SIZE];

  return state_read_at (state->fd, block, sizeof block,
                        state_area_at (number) + STATE_SUPER_AT)
           == 0
         && sb1_decode (SB1_VERSION_1_0, block, ret)
         && ret->max_dev <= SB1_ROLES_MAX
         && ret->checksum == sb1_checksum (block);
}

static bool
is_empty (const struct state *state, unsigned number)
{
  static const uint8_t zeroes[SB1_BLOCK_SIZE];
  uint8_t block[SB1_BLOCK_SIZE];

  return state_read_at (state->fd, block, sizeof block,
                        state_area_at (number) + STATE_SUPER_AT)
           == 0
         && memcmp (block, zeroes, sizeof block) == 0;
}

/* A disk that was to be added when the server was killed never was one of the
 * array.
 */
static void
forget_unborn (struct state *state)
{
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++)
    if (state->head.entry[i].used && is_empty (state, i))
      state->head.entry[i].used = false;
}

static bool
was_written_to (const struct state *state)
{
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++) {
    struct sb1 sb;

    if (state->head.entry[i].used
        && (!read_super (state, i, &sb) || sb.events > 0))
      return true;
  }
  return false;
}

static int
read_head (struct state *state, off_t size)
{
  static uint8_t copy[2][STATE_HEAD_SIZE];
  enum state_verdict verdict;
  int r;

  memset (copy, 0, sizeof copy);
  r = state_read_at (state->fd, copy,
                     MIN (sizeof copy, (uint64_t)size), 0);
  if (r < 0)
    return state_refuse (state, "cannot be read: %s", log_strerror (r));
  verdict = state_choose (copy[0], copy[1], &state->head, &state->copy);
  if (verdict != STATE_GOOD)
    return state_refuse (state, "%s", state_verdict_text (verdict));
  if ((uint64_t)size < state_file_size (&state->head))
    return state_refuse (state, "is too short: it has %llu bytes and should have "
                   "%llu; restore it from a backup", (unsigned long long)size,
                   (unsigned long long)state_file_size (&state->head));
  forget_unborn (state);
  state->known = was_written_to (state);
  return 0;
}

/* It may have been replaced between being opened and being locked. */
bool
state_is_there (const struct state *state)
{
  struct stat named, opened;

  return stat (state->path, &named) == 0 && fstat (state->fd, &opened) == 0
         && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static int
look_at_file (struct state *state)
{
  struct stat st;

  if (fstat (state->fd, &st) == -1)
    return state_refuse (state, "cannot be examined: %s", log_strerror (-errno));
  if (!S_ISREG (st.st_mode))
    return state_refuse (state, "is no regular file; name another one");
  if (lock (state) == -1)
    return -1;
  if (!state_is_there (state))
    return state_refuse (state, "was replaced while it was opened; try again");
  if (fstat (state->fd, &st) == -1)
    return state_refuse (state, "cannot be examined: %s", log_strerror (-errno));
  return read_head (state, st.st_size);
}

static int
find_file (struct state *state)
{
  state->fd = open (state->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (state->fd != -1)
    return look_at_file (state);
  if (errno == ENOENT)
    return 0;
  return state_refuse (state, "cannot be opened: %s", log_strerror (-errno));
}

int
state_open (const char *path, struct state **ret)
{
  struct state *state = calloc (1, sizeof *state);

  if (state != NULL)
    state->path = strdup (path);
  if (state == NULL || state->path == NULL) {
    free (state);
    log_error ("state file %.300s: not enough memory", path);
    return -1;
  }
  ground_mutex_init (&state->lock);
  ground_mutex_init (&state->fault.lock);
  state->fd = state->found_fd = -1;
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++) {
    state->area[i].state = state;
    state->area[i].number = i;
    for (unsigned j = 0; j < STATE_USERS; j++)
      state->area[i].user[j].area = &state->area[i];
  }
  if (find_file (state) == -1) {
    state_close (state);
    return -1;
  }
  *ret = state;
  return 0;
}

bool
state_is_known (const struct state *state)
{
  return state->known;
}

bool
state_has_disks (const struct state *state)
{
  return state->known || state->made;
}

/* "a, b and 3 more" */
static void
list_disks (const struct state *state, char *ret, size_t size)
{
  size_t used = 0;
  unsigned more = 0;

  ret[0] = '\0';
  for (unsigned i = 0; i < STATE_AREAS_MAX; i++) {
    const struct state_entry *entry = &state->head.entry[i];

    if (!entry->used)
      continue;
    if (more > 0 || used + strlen (entry->text) + 20 > size)
      more++;
    else
      used += sprintf (ret + used, "%s%s", used == 0 ? "" : ", ", entry->text);
  }
  if (more > 0)
    sprintf (ret + used, "%s%u more", used == 0 ? "" : " and ", more);
}

int
state_check_disks (const struct state *state, const struct options *options)
{
  char disks[400];

  for (unsigned i = 0; i < options->disks; i++) {
    if (state_find (&state->head, options->disk[i]) != -1)
      continue;
    list_disks (state, disks, sizeof disks);
    return state_refuse (state, "does not know disk %.200s: its disks are %s; give "
                   "each by that name (of a file that has moved, by a link), and "
                   "add a new one while the array serves (nbdmirror add)",
                   options->disk[i], disks);
  }
  return 0;
}

/* ------------------------------------------------------------------- publish */

int
state_sync_folder (const char *path)
{
  char *copy = strdup (path);
  int fd, r = 0;

  if (copy == NULL)
    return -ENOMEM;
  fd = open (dirname (copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1 || fsync (fd) == -1)
    r = -errno;
  if (fd != -1)
    close (fd);
  free (copy);
  return r;
}

/* Where there was none nothing is replaced that has come meanwhile. */
static int
give_name (struct state *state)
{
  if (state->found_fd != -1)
    return rename (state->temporary, state->path) == 0 ? 0 : -errno;
  if (renameat2 (AT_FDCWD, state->temporary, AT_FDCWD, state->path,
                 RENAME_NOREPLACE)
      == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -errno;
  if (link (state->temporary, state->path) == -1)
    return -errno;
  unlink (state->temporary);
  return 0;
}

int
state_publish (struct state *state)
{
  int r;

  state->serves = true;
  if (state->temporary == NULL)
    return 0;
  r = give_name (state);
  if (r == 0) {
    free (state->temporary);
    state->temporary = NULL;
    r = state_sync_folder (state->path);
  }
  if (r < 0)
    return state_refuse (state, "cannot be created: %s", log_strerror (r));
  if (state->found_fd != -1)
    state_unlock_and_close (state->found_fd);
  state->found_fd = -1;
  return 0;
}

void
state_close (struct state *state)
{
  if (state == NULL)
    return;
  if (state->temporary != NULL)
    unlink (state->temporary);
  if (state->fd != -1)
    state_unlock_and_close (state->fd);
  if (state->found_fd != -1)
    state_unlock_and_close (state->found_fd);
  ground_mutex_destroy (&state->fault.lock);
  ground_mutex_destroy (&state->lock);
  free (state->temporary);
  free (state->path);
  free (state);
}
