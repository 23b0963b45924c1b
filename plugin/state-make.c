/* SPDX-License-Identifier: BSD-3-Clause */
/* state-make: the first state file of an array: all of its disks are in sync, and
 * nothing has been written yet.
 *
 * Where the areas lie, and what is in them, is what nbdmirror create would put on
 * disks that have them at their end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "ground/text.h"
#include "ground/util.h"
#include "logic/create-plan.h"
#include "logic/evidence.h"
#include "plugin/state-internal.h"

#define REGION_SIZE (4u * 1024 * 1024)
#define REGION_SIZE_MAX (UINT32_C (1) << 31)

struct make {
  struct state *state;
  const struct options *options;
  struct create_wish wish;
  struct create_plan plan;
  uint8_t device_uuid[LEGS_MAX][16];
  uint64_t time;
  struct evidence evidence;
};

/* ------------------------------------------------------------------ the plan */

/* What a plain array of these disks uses of each. */
static int
choose_size (struct make *make, struct leg **disks)
{
  struct layout layout = make->options->layout;
  uint64_t smallest = UINT64_MAX, block = 1;
  const char *name = "";

  for (unsigned i = 0; i < make->options->disks; i++) {
    if (disks[i]->caps.size < smallest)
      name = disks[i]->name;
    smallest = MIN (smallest, disks[i]->caps.size);
    block = MAX (block, (uint64_t)disks[i]->caps.block_minimum);
  }
  layout_set_size (&layout, round_down (smallest, block));
  if (layout.array_size == 0) {
    log_error ("disk %.200s: is too small (%llu bytes) for this array; use "
               "larger disks or a smaller chunk", name,
               (unsigned long long)smallest);
    return -1;
  }
  make->state->head.image_size = layout.member_size;
  return 0;
}

/* What people know the file by. */
static void
choose_name (struct make *make)
{
  const char *slash = strrchr (make->state->path, '/');
  const char *name = slash != NULL ? slash + 1 : make->state->path;

  if (strlen (name) < sizeof make->wish.name && text_can_be_shown (name))
    snprintf (make->wish.name, sizeof make->wish.name, "%s", name);
}

/* Regions that are as small as the bitmap has room for, but not smaller than
 * what is soon copied: a write to a new one has to be recorded first.  What is
 * too small for a bitmap is copied as a whole.
 */
static int
choose_plan (struct make *make)
{
  char why[MESSAGE_MAX];

  make->wish.bitmap = true;
  for (make->wish.bitmap_chunk = REGION_SIZE;
       make->wish.bitmap_chunk < REGION_SIZE_MAX; make->wish.bitmap_chunk *= 2)
    if (create_plan (&make->wish, &make->plan, why))
      return 0;
  make->wish.bitmap = false;
  make->wish.bitmap_chunk = 0;
  return create_plan (&make->wish, &make->plan, why)
           ? 0
           : state_refuse (make->state, "cannot be made for these disks: %s",
                           why);
}

static int
plan (struct make *make)
{
  const struct options *options = make->options;
  uint64_t image_size = make->state->head.image_size;

  make->wish = (struct create_wish){
    .layout = options->layout,
    .version = SB1_VERSION_1_0,
    .size = div_round_up (image_size, SECTOR_SIZE),
    .exact_size = true,
    .assume_clean = true,
  };
  for (unsigned i = 0; i < options->disks; i++) {
    make->wish.member_bytes[i]
      = round_up (image_size, STATE_ALIGNMENT) + STATE_AREA_SIZE;
    make->wish.member_name[i] = options->disk[i];
  }
  choose_name (make);
  return choose_plan (make);
}

static int
choose_uuids (struct make *make)
{
  make->time = SB1_TIME ((uint64_t)time (NULL), 0);
  if (getrandom (make->state->head.uuid, 16, 0) == 16
      && getrandom (make->device_uuid, sizeof make->device_uuid, 0)
           == sizeof make->device_uuid)
    return 0;
  return state_refuse (make->state, "the system gives no random numbers");
}

/* ------------------------------------------------------------------ the file */

/* The area of the disk that was given as number @i. */
static void
fill_area (const struct make *make, unsigned i, uint8_t *ret)
{
  const struct create_plan *plan = &make->plan;
  uint8_t *block = ret + STATE_SUPER_AT;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];
  struct sb1 sb;
  bool good;

  memset (ret, 0, STATE_AREA_SIZE);
  create_superblock (&make->wish, plan, i, make->state->head.uuid,
                     make->device_uuid[i], make->time, &sb);
  sb1_encode (&sb, block);
  /* What would not be accepted is not written. */
  good = sb1_decode (sb.version, block, &sb)
         && sb1_check (&sb, block, make->wish.member_bytes[i], why) == SB1_GOOD
         && sb.super_offset * SECTOR_SIZE + 8192 == make->wish.member_bytes[i];
  assert (good);
  evidence_encode (&make->evidence, block + EVIDENCE_AT);
  if (plan->bitmap_chunk == 0)
    return;
  create_bitmap (plan, make->state->head.uuid, &bitmap);
  bitmap_encode (&bitmap, block + (int64_t)plan->bitmap_offset * SECTOR_SIZE);
}

static int
write_areas (const struct make *make)
{
  uint8_t *area = malloc (STATE_AREA_SIZE);
  int r = area != NULL ? 0 : -ENOMEM;

  for (unsigned i = 0; i < make->options->disks && r == 0; i++) {
    fill_area (make, i, area);
    r = state_write_at (make->state->fd, area, STATE_AREA_SIZE,
                        state_area_at (i));
  }
  free (area);
  return r;
}

/* It is whole and on stable storage when this returns 0. */
static int
write_file (const struct make *make)
{
  int r = write_areas (make);

  if (r == 0)
    r = state_store_head (make->state);
  return r == 0 && fsync (make->state->fd) == -1 ? -errno : r;
}

static int
create_file (struct state *state)
{
  if (asprintf (&state->temporary, "%s.XXXXXX", state->path) == -1) {
    state->temporary = NULL;
    return -ENOMEM;
  }
  state->fd = mkostemp (state->temporary, O_CLOEXEC);
  if (state->fd != -1)
    return state_lock (state->fd);
  free (state->temporary);
  state->temporary = NULL;
  return -errno;
}

static void
enter_disks (struct state *state, const struct options *options,
             struct leg **disks)
{
  memset (state->head.entry, 0, sizeof state->head.entry);
  for (unsigned i = 0; i < options->disks; i++) {
    struct state_entry *entry = &state->head.entry[i];

    entry->used = true;
    entry->size = disks[i]->caps.exact_size;
    snprintf (entry->text, sizeof entry->text, "%s", options->disk[i]);
  }
}

static int
check_disks (const struct options *options, struct leg **disks)
{
  for (unsigned i = 0; i < options->disks; i++) {
    const char *wrong = state_check_text (options->disk[i]);

    if (wrong == NULL && disks[i]->caps.block_minimum > STATE_ALIGNMENT)
      wrong = "is read and written in blocks of more than 4096 bytes, which does "
              "not suit state=";
    if (wrong != NULL) {
      log_error ("disk %.200s: %s", options->disk[i], wrong);
      return -1;
    }
  }
  return 0;
}

int
state_make (struct state *state, const struct options *options,
            struct leg **disks)
{
  struct make make = { .state = state, .options = options };
  int r;

  assert (!state->known);
  state->found_fd = state->fd;
  state->fd = -1;
  if (check_disks (options, disks) == -1 || choose_size (&make, disks) == -1
      || plan (&make) == -1 || choose_uuids (&make) == -1)
    return -1;
  enter_disks (state, options, disks);
  state_sample (disks, &make.plan.layout, state->head.image_size,
                &make.evidence);
  r = create_file (state);
  if (r == 0)
    r = write_file (&make);
  state->made = r == 0;
  return r == 0 ? 0
                : state_refuse (state, "cannot be created: %s", log_strerror (r));
}
