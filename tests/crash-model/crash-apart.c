/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-apart: a life of each part, and one of all. */
#include <stdlib.h>
#include <string.h>

#include "crash-apart.h"
#include "crash-check.h"
#include "crash-judge.h"
#include "crash-lint.h"
#include "crash-marks.h"
#include "crash-meta.h"
#include "crash-replay.h"
#include "crash-script.h"
#include "crash-world.h"
#include "ground/util.h"

static struct crash_meta meta;

/* Were data sent to any leg by event @at? */
static bool
has_data (const struct crash_life *life, uint32_t at)
{
  for (uint32_t i = 0; i < life->record.ios_count; i++) {
    const struct record_io *io = &life->record.ios[i];

    if (io->submitted <= at && record_io_writes (io)
        && shape_place (life->shape, io->leg, io->first) == PLACE_DATA)
      return true;
  }
  return false;
}

/* The life of @legs ends at its stop, or at any moment without power; what
 * they hold then goes to @images.  Have they a history of their own?
 */
static bool
end_part (struct random_stream *chance, const struct crash_life *life,
          uint32_t legs, struct crash_images *images)
{
  struct replay *replay = malloc (sizeof *replay);
  uint32_t at = life->at_rest;
  bool wrote;

  assert (replay != NULL);
  if (at == 0 || random_one_in (chance, 2))
    at = random_below (chance, life->record.count + 1);
  replay_init (replay, life);
  replay_to (replay, at);
  for (unsigned leg = 0; leg < life->shape->slots; leg++)
    if (legs >> leg & 1)
      memcpy (images->sector[leg], replay->leg[leg].durable,
              sizeof images->sector[leg]);
  wrote = has_data (life, at);
  replay_free (replay);
  free (replay);
  return wrote;
}

/* One life of @legs, from @images to @images. */
static bool
live_part (struct random_stream *chance, const struct crash_life *before,
           uint32_t legs, struct crash_images *images, bool writers,
           bool *ret_wrote, char *why)
{
  static struct crash_script script;
  struct crash_life *life = life_new (before->shape, before, images, legs,
                                       CRASH_KEEP_NONE);
  bool good;

  script_again (chance, life, writers, false, &script);
  good = world_run (life, &script, why) && judge_life (life, script.waits, why)
         && lint_life (life, why);
  if (!good)
    return false;
  *ret_wrote = end_part (chance, life, legs, images);
  life_free (life);
  return true;
}

static bool
starts (const struct crash_shape *shape, const struct crash_images *images,
        uint32_t legs)
{
  meta_look (shape, images, legs, CRASH_KEEP_NONE, &meta);
  return meta.assembly.result == ASSEMBLE_START;
}

bool
apart_live (struct random_stream *chance, const struct crash_life *before,
            struct crash_images *images, bool *ret_split, char *why)
{
  const struct crash_shape *shape = before->shape;
  uint32_t all = (1u << shape->slots) - 1;
  uint32_t some = random_between (chance, 1, all - 1);
  bool first, second, third;

  *ret_split = false;
  if (!starts (shape, images, some) || !starts (shape, images, all & ~some))
    return true;
  if (!live_part (chance, before, some, images, true, &first, why)
      || !live_part (chance, before, all & ~some, images, true, &second, why))
    return false;
  meta_look (shape, images, all, CRASH_KEEP_NONE, &meta);
  if (first && second) {
    SOMETIMES (APART);
    if (meta.assembly.result != ASSEMBLE_SPLIT) {
      meta_print (shape, &meta);
      if (!crash_objects (why, "O1: legs 0x%x and 0x%x ran without each other, "
                          "and the array starts, or says: %.200s", some,
                          all & ~some, meta.assembly.why))
        return false;
    }
  }
  /* That the engine says the same is checked when it starts. */
  *ret_split = meta.assembly.result == ASSEMBLE_SPLIT;
  return *ret_split
         || live_part (chance, before, all, images, false, &third, why);
}
