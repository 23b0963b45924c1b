/* SPDX-License-Identifier: BSD-3-Clause */
/* setup: see setup.h. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history.h"
#include "setup.h"
#include "sim/sim-stamp.h"

#define MEMBERS(n, l, k) .name = n, .legs = l, .kib = k
#define MD(l, m, b) .level = l, .metadata = m, .bitmap = b

/* 1 MiB of each is taken by metadata 1.1 and 1.2. */
struct setup setups[] = {
  { MEMBERS ("plain-2", 2, 1536) },
  { MEMBERS ("plain-3", 3, 1024) },
  { MEMBERS ("raid1-2", 2, 2560), MD ("raid1", "1.2", "4K") },
  { MEMBERS ("raid1-2-coarse", 2, 2048), MD ("raid1", "1.0", "256K") },
  { MEMBERS ("raid1-2-bare", 2, 2048), MD ("raid1", "1.2", NULL) },
  { MEMBERS ("raid1-3", 3, 2048), MD ("raid1", "1.1", "16K") },
  { MEMBERS ("raid1-2-unequal", 2, 2560), MD ("raid1", "1.2", "64K"),
    .differs = true },
  { MEMBERS ("raid1-3-bare-unequal", 3, 1024), MD ("raid1", "1.0", NULL),
    .differs = true },
  /* One region is several spans of resync, as with the default bitmap. */
  { MEMBERS ("raid1-2-wide", 2, 6144), MD ("raid1", "1.0", "4M") },
  { MEMBERS ("raid1-2-wide-unequal", 2, 6144), MD ("raid1", "1.2", "4M"),
    .differs = true },
  { MEMBERS ("raid10-n2-4", 4, 1792), MD ("raid10", "1.2", "16K"),
    .layout = "n2" },
  { MEMBERS ("raid10-n2-3-bare", 3, 1792), MD ("raid10", "1.2", NULL),
    .layout = "n2" },
  { MEMBERS ("raid10-f2-3", 3, 1792), MD ("raid10", "1.2", "64K"),
    .layout = "f2" },
  { MEMBERS ("raid10-f2-4-unequal", 4, 1024), MD ("raid10", "1.0", "8K"),
    .layout = "f2", .differs = true },
  { MEMBERS ("raid10-o2-3-unequal", 3, 1792), MD ("raid10", "1.1", "4K"),
    .layout = "o2", .differs = true },
  { MEMBERS ("raid10-o2-4", 4, 1792), MD ("raid10", "1.2", "32K"),
    .layout = "o2" },
  { MEMBERS ("raid10-n3-3", 3, 1792), MD ("raid10", "1.2", "16K"),
    .layout = "n3" },
};
const unsigned setup_count = sizeof setups / sizeof setups[0];

static void
run (char *const *argv)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0) {
    int null = open ("/dev/null", O_WRONLY);

    dup2 (null, 1);
    execv (argv[0], argv);
    perror (argv[0]);
    _exit (127);
  }
  if (pid == -1 || waitpid (pid, &status, 0) != pid || status != 0) {
    fprintf (stderr, "%s create failed\n", argv[0]);
    exit (1);
  }
}

static void
create (const struct setup *setup, const char *nbdmirror)
{
  const char *argv[32] = { nbdmirror, "create", "--yes", "--level",
                           setup->level, "--metadata", setup->metadata };
  unsigned n = 7;

  if (setup->layout != NULL) {
    argv[n++] = "--layout";
    argv[n++] = setup->layout;
    argv[n++] = "--chunk";
    argv[n++] = "16K";
  }
  argv[n++] = "--bitmap";
  argv[n++] = setup->bitmap == NULL ? "none" : "internal";
  if (setup->bitmap != NULL) {
    argv[n++] = "--bitmap-chunk";
    argv[n++] = setup->bitmap;
  }
  if (!setup->differs)
    argv[n++] = "--assume-clean";
  for (unsigned leg = 0; leg < setup->legs; leg++)
    argv[n++] = setup->file[leg];
  argv[n] = NULL;
  run ((char *const *)argv);
}

/* Something else on every leg. */
static void
scribble (struct setup *setup)
{
  const struct geometry *geometry = &setup->geometry;

  for (uint64_t s = 0; s < geometry->sectors; s++)
    for (unsigned copy = 0; copy < geometry->copies; copy++) {
      const struct place *place = geometry_copy (geometry, copy, s);

      stamp_write (setup->image[place->leg] + geometry->data_at
                       + place->sector * (uint64_t)SECTOR,
                   s, VALUE_OF_LEG (place->leg));
    }
}

/* New members have all bits set, which would hide a bit that is set too late.
 */
static void
clear_bits (struct setup *setup)
{
  const struct geometry *geometry = &setup->geometry;

  for (unsigned leg = 0; leg < setup->legs && geometry->bitmap_at != 0; leg++)
    memset (setup->image[leg] + geometry->bitmap_at + 256, 0,
            geometry->bitmap_size - 256);
}

void
setup_make (struct setup *setup, const char *folder, const char *nbdmirror)
{
  int fd[RECLOG_LEGS];

  for (unsigned leg = 0; leg < setup->legs; leg++) {
    snprintf (setup->file[leg], sizeof setup->file[leg], "%s/%s.%u", folder,
              setup->name, leg);
    setup->size[leg] = setup->kib * UINT64_C (1024);
    fd[leg] = open (setup->file[leg], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd[leg] == -1 || ftruncate (fd[leg], setup->size[leg]) == -1) {
      perror (setup->file[leg]);
      exit (1);
    }
  }
  if (setup->level != NULL)
    create (setup, nbdmirror);
  for (unsigned leg = 0; leg < setup->legs; leg++) {
    setup->image[leg] = mmap (NULL, setup->size[leg], PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd[leg], 0);
    assert (setup->image[leg] != MAP_FAILED);
    close (fd[leg]);
  }
  if (!geometry_open (&setup->geometry,
                      (const uint8_t *const *)setup->image, setup->size,
                      setup->legs)
      || setup->geometry.md != (setup->level != NULL)) {
    fprintf (stderr, "%s: the metadata makes no sense\n", setup->name);
    exit (1);
  }
  if (setup->differs)
    scribble (setup);
  else
    clear_bits (setup);
}

void
setup_free (struct setup *setup)
{
  geometry_close (&setup->geometry);
  for (unsigned leg = 0; leg < setup->legs; leg++) {
    munmap (setup->image[leg], setup->size[leg]);
    unlink (setup->file[leg]);
  }
}
