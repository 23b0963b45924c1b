/* SPDX-License-Identifier: BSD-3-Clause */
/* Assemble, then run: members with any metadata, whatever the input makes of
 * them.
 *
 * array_create looks at them; if it makes an array, that is started, written
 * to by two clients, brought together, stopped and looked at again, on the
 * simulated ground: the same input, the same run.
 *
 *   the legs      nothing is written where nothing may be (fuzz-leg.c), never
 *                 to a disk that was refused, or is not used, or before
 *                 somebody may write
 *   the clients   read what they wrote, and what was there before
 *   in the end    resync and rebuilds come to their end; superblocks are good
 *                 and alike, copies are equal, and the same array starts
 *                 again, clean
 *
 * With -fsanitize=fuzzer this is a libFuzzer target; fuzz-assemble-main.c
 * replays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "fuzz-assemble.h"
#include "ground-sim.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/bytes.h"

#define CLIENTS 2
#define ARRAY_BYTES_MAX (MEMBERS_MAX * IMAGE_SECTORS * SECTOR_SIZE)
#define OP_BYTES_MAX (256u * 4096u)
#define PROBES 8
#define WAITS 64

static struct run {
  struct input input;
  struct array *array;
  struct array_limits limits;
  struct image image[MEMBERS_MAX];
  struct leg *leg[LEGS_MAX];
  bool closed[LEGS_MAX];
  const char *absent[LEGS_MAX];
  unsigned legs, images;
  bool may_write;
  bool unknown;            /* a client was told of an error */
  bool has_bad, has_dying; /* sectors, disks */
} run;

/* What the array holds; and where it is not zero. */
static uint8_t shadow[ARRAY_BYTES_MAX];
static struct area touched[OPS_MAX + PROBES];
static unsigned touches;

/* ---------------------------------------------------------------- the legs */

static void
open_legs (bool faults)
{
  run.images = (run.input.members & 3) + 1;
  run.legs = MAX (run.images, 2u);
  fuzz_phase = PHASE_LOOKING;
  run.has_dying = false;
  for (unsigned i = 0; i < run.legs; i++) {
    const struct input_member *member = &run.input.member[i];

    run.leg[i] = NULL;
    run.absent[i] = "disk memory: is not there";
    run.closed[i] = true;
    if (i >= run.images || (member->place & PLACE_ABSENT))
      continue;
    run.leg[i] = fuzz_leg_new (&run.image[i], member, i, faults,
                               &run.closed[i]);
    run.has_dying |= faults && (member->dies & ~DIES_ONCE) != 0;
  }
}

/* After a refusal they are the caller's. */
static void
close_legs (void)
{
  for (unsigned i = 0; i < run.legs; i++)
    if (run.leg[i] != NULL) {
      if (run.closed[i])
        fuzz_fail ("a leg was closed although the array was refused");
      run.leg[i]->ops->close (run.leg[i]);
    }
}

/* True: there is an md array. */
static bool
create (void)
{
  uint8_t wish = run.input.wish;
  struct array_config config
    = { .legs = run.legs,
        .layout = { .level = wish & WISH_LEVEL ? LEVEL_RAID10 : LEVEL_RAID1,
                    .slots = run.legs,
                    .near = wish & WISH_LEVEL ? 2 : 1,
                    .far = 1,
                    .chunk = wish & WISH_LEVEL ? 65536 : 0 },
        .level_given = wish & WISH_LEVEL,
        .no_degraded = wish & WISH_NO_DEGRADED,
        .keep = (wish & 7) % (run.legs + 1),
        .pool = LEGS_MAX, .requests = 3, .bounces = 2, .bounce_size = 65536 };
  char why[MESSAGE_MAX] = "";
  bool is_md = array_is_md (run.leg, run.legs);

  if (array_create (&config, run.leg, run.absent, &run.array, why) < 0) {
    if (why[0] == '\0' || memchr (why, '\0', sizeof why) == NULL)
      fuzz_fail ("an array was refused without a reason");
    if (sim_verbose)
      sim_log_line ("refused: %s", why);
    close_legs ();
    return false;
  }
  if (is_md != (run.array->md != NULL))
    fuzz_fail ("array_is_md does not know what array_create makes");
  if (!is_md)
    array_close (run.array);
  return is_md;
}

static const struct view *
view (void)
{
  return atomic_load (&run.array->view);
}

/* Who has @slot; NULL: it is empty. */
static const struct member *
member_in (unsigned slot)
{
  int place = view ()->occupant[slot];

  return place < 0 ? NULL : view ()->member[place];
}

/* The image that @member lies on. */
static struct image *
image_of (const struct member *member)
{
  for (unsigned i = 0; i < run.images; i++)
    if (member != NULL && member->leg == run.leg[i])
      return &run.image[i];
  return NULL;
}

/* ------------------------------------------------- what is there at first */

static void
touch (uint64_t offset, uint64_t length)
{
  touched[touches++] = (struct area){ offset, length };
}

static void
fill_pattern (uint8_t *to, uint64_t length, uint64_t seed)
{
  for (uint64_t i = 0; i < length; i++)
    to[i] = (uint8_t)(seed * 37 + i / 64 + i + 1);
}

/* On that copy of some member at one of @places; -1: there is none. */
static bool
put_copy (int place, uint32_t places, uint64_t offset, const uint8_t *from,
          uint64_t length, bool skip)
{
  const struct member *member;

  if (place < 0 || !(places & 1u << place))
    return false;
  member = view ()->member[place];
  if (!skip)
    image_write (image_of (member), member->data_offset + offset, from,
                 length);
  return true;
}

/* On all copies that are at @places, or on all but the first of them. */
static void
put (uint64_t offset, const uint8_t *from, uint64_t length, uint32_t places,
     bool but_first)
{
  const struct layout *layout = &run.array->layout;
  struct copy copies[LEGS_MAX];

  for (uint64_t done = 0, piece; done < length; done += piece) {
    bool is_first = but_first;

    piece = layout_piece (layout, offset + done, length - done);
    layout_map (layout, offset + done, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++) {
      unsigned slot = copies[i].slot;

      is_first &= !put_copy (view ()->occupant[slot], places,
                             copies[i].offset, from + done, piece, is_first);
      is_first &= !put_copy (view ()->heir[slot], places, copies[i].offset,
                             from + done, piece, is_first);
    }
  }
}

/* Data in some places, the same on all. */
static void
plant_probes (void)
{
  for (unsigned i = 0; i < PROBES; i++) {
    uint64_t at = run.limits.size / PROBES * i / SECTOR_SIZE * SECTOR_SIZE;
    uint64_t length = MIN (run.limits.size - at, 3 * SECTOR_SIZE);

    fill_pattern (shadow + at, length, i + 100);
    touch (at, length);
    put (at, shadow + at, length, view ()->targets, false);
  }
}

/* What the one at @place has missed, it lacks. */
static void
plant_missed (unsigned place)
{
  const struct metadata *md = run.array->md;
  const struct layout *layout = &run.array->layout;
  const struct member *member = view ()->member[place];
  unsigned slot = view_slot (view (), member);
  struct copy copies[LEGS_MAX];
  uint8_t garbage[SECTOR_SIZE];

  memset (garbage, 0xee, sizeof garbage);
  for (uint64_t i = 0; i < run.limits.size / SECTOR_SIZE; i += 61) {
    uint64_t offset = i * SECTOR_SIZE;

    layout_map (layout, offset, copies);
    for (unsigned c = 0; c < layout_copies (layout); c++)
      if (copies[c].slot == slot && copies[c].offset >= member->recovered
          && (!member->by_bitmap || !md->has_bitmap
              || bitmap_is_set (&md->bitmap,
                                offset / md->bitmap.region_size)))
        put (offset, garbage, sizeof garbage, 1u << place, false);
  }
}

/* What may differ, does: a little of each. */
static void
plant_differences (void)
{
  struct metadata *md = run.array->md;
  uint8_t garbage[SECTOR_SIZE];
  uint64_t at = 0, length;

  memset (garbage, 0xee, sizeof garbage);
  /* Where the first copy is not the one that counts, nobody knows which. */
  for (unsigned i = 0; i < 32 && !run.has_bad && !run.has_dying
                       && todo_next (&md->todo, at, SYNC_SPAN, &at, &length);
       i++, at += length)
    put (at, garbage, MIN (length, sizeof garbage), view ()->in_sync, true);
  for (uint32_t left = view ()->targets & ~view ()->in_sync; left != 0;
       left &= left - 1)
    plant_missed (__builtin_ctz (left));
}

static void
survey (void)
{
  array_get_limits (run.array, &run.limits);
  if (run.limits.size == 0 || run.limits.size > sizeof shadow
      || run.limits.size > run.array->layout.array_size)
    fuzz_fail ("an array of a strange size");
  run.has_bad = false;
  for (uint32_t left = view ()->targets | view ()->spares; left != 0;
       left &= left - 1) {
    const struct member *member = view ()->member[__builtin_ctz (left)];

    image_survey (image_of (member), run.array->layout.member_size,
                  run.limits.block_minimum);
    run.has_bad |= member->bad != NULL;
  }
  for (unsigned i = 0; i < run.legs; i++)
    if (run.leg[i] != NULL
        && run.closed[i] == array_uses_leg (run.array, run.leg[i]))
      fuzz_fail ("a leg that is not used was not closed, or one that is");
}

/* ------------------------------------------------------------- the clients */

static bool
may_fail (void)
{
  return run.has_bad || fuzz_faults > 0 || run.unknown;
}

static void
judge_read (const uint8_t *found, uint64_t offset, uint64_t length, int r)
{
  if (r < 0 && !may_fail ())
    fuzz_fail ("a read failed: %s", log_strerror (r));
  if (r == 0 && !run.unknown && memcmp (found, shadow + offset, length) != 0)
    fuzz_fail ("a read at %llu+%llu found other data",
               (unsigned long long)offset, (unsigned long long)length);
}

static void
judge_write (unsigned op, uint64_t offset, uint64_t length, int r,
             bool is_zero)
{
  bool is_refused = is_zero && (r == -EOPNOTSUPP || r == -EINVAL);

  if (r < 0 && !is_refused) {
    if (!may_fail () && run.may_write)
      fuzz_fail ("a write failed: %s", log_strerror (r));
    run.unknown |= run.may_write;
    return;
  }
  if (!run.may_write)
    fuzz_fail ("a write to a read-only array");
  if (is_refused)
    return;
  if (is_zero)
    memset (shadow + offset, 0, length);
  else
    fill_pattern (shadow + offset, length, op);
}

static void
do_op (unsigned number, uint8_t *buffer, uint64_t begin, uint64_t end)
{
  const struct input_op *op = &run.input.op[number];
  uint32_t block = MAX (run.limits.block_minimum, SECTOR_SIZE);
  uint64_t blocks = (end - begin) / block;
  uint64_t offset, length;
  int r;

  if (blocks == 0)
    return;
  offset = blocks * load_le16 (op->offset) / 65536;
  length = MIN ((uint64_t)op->length + 1, blocks - offset) * block;
  offset = begin + offset * block;
  switch (op->kind % 8) {
  case 0:
  case 1:
    fill_pattern (buffer, length, number);
    touch (offset, length);
    r = array_write (run.array, buffer, length, offset,
                     op->kind & 1 ? ARRAY_FUA : 0);
    judge_write (number, offset, length, r, false);
    break;
  case 2:
    r = array_zero (run.array, length, offset,
                    op->kind & 8 ? ARRAY_FAST_ZERO : ARRAY_MAY_TRIM);
    judge_write (number, offset, length, r, true);
    break;
  case 3:
    r = array_flush (run.array);
    if (r < 0 && !may_fail ())
      fuzz_fail ("a flush failed: %s", log_strerror (r));
    break;
  case 4:
    sim_park (sim_time () + (uint64_t)op->length * 100 * GROUND_MS);
    break;
  default:
    r = array_read (run.array, buffer, length, offset);
    judge_read (buffer, offset, length, r);
  }
}

/* Each has its own half. */
static void
be_client (void *argument)
{
  static uint8_t buffer[CLIENTS][OP_BYTES_MAX];
  unsigned client = *(unsigned *)argument;
  uint32_t block = MAX (run.limits.block_minimum, SECTOR_SIZE);
  uint64_t half = run.limits.size / 2 / block * block;

  for (unsigned i = client; i < OPS_MAX; i += CLIENTS)
    do_op (i, buffer[client], client == 0 ? 0 : half,
           client == 0 ? half : run.limits.size);
}

static void
run_clients (void)
{
  static unsigned numbers[CLIENTS] = { 0, 1 };
  struct ground_thread threads[CLIENTS];

  for (unsigned i = 0; i < CLIENTS; i++)
    ground_thread_start (&threads[i], "client", be_client, &numbers[i]);
  for (unsigned i = 0; i < CLIENTS; i++)
    ground_thread_join (&threads[i]);
}

static void
read_all (void)
{
  static uint8_t buffer[OP_BYTES_MAX];
  uint64_t length;

  for (uint64_t at = 0; at < run.limits.size; at += length) {
    length = MIN (run.limits.size - at, sizeof buffer);
    judge_read (buffer, at, length,
                array_read (run.array, buffer, length, at));
  }
}

/* ------------------------------------------------------------- in the end */

/* Resync and rebuilds have the time that they need, and more. */
static void
wait_for_sync (struct array_status *status)
{
  unsigned i = 0;

  for (array_get_status (run.array, status);
       (status->sync_left > 0 || status->recovering != 0) && i < WAITS; i++) {
    sim_park (sim_time () + GROUND_S);
    array_get_status (run.array, status);
  }
  if (i == WAITS && !may_fail ())
    fuzz_fail ("resync does not end: %llu bytes left, slots 0x%x",
               (unsigned long long)status->sync_left, status->recovering);
}

/* Copies are equal, and what clients saw. */
static void
check_copies (uint32_t in_sync)
{
  const struct layout *layout = &run.array->layout;
  struct copy copies[LEGS_MAX];
  uint64_t piece;

  for (uint64_t at = 0; at < run.limits.size; at += piece) {
    piece = layout_piece (layout, at, run.limits.size - at);
    layout_map (layout, at, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++) {
      const struct member *member = member_in (copies[i].slot);

      if ((in_sync & 1u << copies[i].slot) && member != NULL
          && member->bad == NULL
          && memcmp (image_of (member)->bytes + member->data_offset
                       + copies[i].offset, shadow + at, piece) != 0)
        fuzz_fail ("copies differ at %llu+%llu, slot %u",
                   (unsigned long long)at, (unsigned long long)piece,
                   copies[i].slot);
    }
  }
}

static void
check_supers (const struct array_status *status)
{
  struct sb1 first = { .events = 0 }, sb;

  for (unsigned slot = 0; slot < status->slots; slot++) {
    if (!(status->in_sync & 1u << slot))
      continue;
    if (!image_super (image_of (member_in (slot)), &sb))
      fuzz_fail ("slot %u has no good superblock any more", slot);
    if (!status->recorded_out && sb1_own_role (&sb) != slot)
      fuzz_fail ("slot %u says that it is another one", slot);
    if (first.events == 0)
      first = sb;
    if (sb.events != first.events || sb.resync_offset != first.resync_offset
        || sb.max_dev != first.max_dev
        || memcmp (sb.roles, first.roles, sizeof sb.roles) != 0)
      fuzz_fail ("superblocks differ after the stop");
    if (status->sync_left == 0 && sb.resync_offset != SB1_CLEAN)
      fuzz_fail ("in sync, but not marked clean");
  }
}

/* The same disks make the same array once more, as it was left. */
static void
start_again (const struct array_status *before)
{
  struct array_status status;

  open_legs (false);
  /* Who died may be missing. */
  run.input.wish &= (uint8_t)~WISH_NO_DEGRADED;
  if (!create ())
    fuzz_fail ("an array that was stopped cannot be started again");
  array_get_status (run.array, &status);
  if (status.in_sync != before->in_sync)
    fuzz_fail ("in sync were 0x%x, now 0x%x", before->in_sync,
               status.in_sync);
  if (before->sync_left == 0 && status.sync_left != 0)
    fuzz_fail ("clean, but it would be resynced");
  array_close (run.array);
}

static void
stop (bool ran)
{
  struct array_status status;
  bool is_active = metadata_is_active (run.array->md);
  int r;

  r = array_quiesce (run.array, ground_now () + 60 * GROUND_S);
  if (r < 0 && !may_fail ())
    fuzz_fail ("the stop failed: %s", log_strerror (r));
  array_get_status (run.array, &status);
  is_active |= metadata_is_active (run.array->md);
  if (r == 0 && !run.unknown && is_active) {
    check_supers (&status);
    if (ran && status.sync_left == 0)
      check_copies (status.in_sync);
  }
  array_close (run.array);
  for (unsigned i = 0; i < run.legs; i++)
    if (run.leg[i] != NULL && !run.closed[i])
      fuzz_fail ("a leg was not closed");
  /* Who leaves before anything was written has missed nothing. */
  if (r == 0 && !run.unknown && (is_active || fuzz_faults == 0))
    start_again (&status);
}

/* ---------------------------------------------------------------- the world */

static void
live (void *argument)
{
  struct array_status status;
  bool is_writer = !(run.input.wish & WISH_READ_ONLY);

  (void)argument;
  open_legs (true);
  if (!create ())
    return;
  survey ();
  plant_probes ();
  plant_differences ();
  if (array_start (run.array) != 0)
    fuzz_fail ("the array does not start");
  fuzz_phase = PHASE_READING;
  read_all ();
  run.may_write = is_writer && !run.limits.readonly;
  if (run.may_write)
    fuzz_phase = PHASE_WRITING;
  if (is_writer) {
    if (array_allow_writes (run.array) != 0)
      fuzz_fail ("the array's threads do not start");
    run_clients ();
    if (run.may_write && !(run.input.wish & WISH_STOP_EARLY))
      wait_for_sync (&status);
    read_all ();
  }
  stop (run.may_write);
}

static void
be_silent (enum log_level level, const char *message)
{
  (void)level;
  if (message[0] == '\0' || strlen (message) >= 2 * MESSAGE_MAX)
    fuzz_fail ("a message of a strange length");
  if (sim_verbose)
    sim_log_line ("%s", message);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct sim_options options = { .steps_max = 2000000 };
  struct sim_result result;

  memset (&run.input, 0, sizeof run.input);
  memcpy (&run.input, data, MIN (size, sizeof run.input));
  run.unknown = run.may_write = false;
  fuzz_faults = 0;
  for (unsigned i = 0; i < touches; i++)
    memset (shadow + touched[i].start, 0, touched[i].length);
  touches = 0;
  for (unsigned i = 0; i < MEMBERS_MAX; i++)
    image_fill (&run.image[i], &run.input.member[i]);
  options.seed = run.input.seed;
  options.switches = run.input.switches;
  options.spurious = run.input.wish & WISH_SPURIOUS ? 8 : 0;
  log_set_sink (be_silent);
  sim_run (&options, live, NULL, &result);
  if (result.verdict != SIM_GOOD)
    fuzz_fail ("%s: %s\n%s", sim_verdict_name (result.verdict), result.reason,
               result.dump);
  return 0;
}
