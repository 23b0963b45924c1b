/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-json: the verdict over some disks, as JSON. */
#include <glib.h>

#include "ctl/assemble.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/slots-show.h"
#include "members/fit.h"

static const char *
result_word (enum assemble_result result)
{
  static const char *const words[] = { [ASSEMBLE_START] = "start",
                                       [ASSEMBLE_PLAIN] = "plain",
                                       [ASSEMBLE_REFUSED] = "refused",
                                       [ASSEMBLE_FAILED] = "failed",
                                       [ASSEMBLE_SPLIT] = "split-brain" };

  return words[result];
}

static void
json_superblock (JsonBuilder *builder, const struct member *member)
{
  char *name = render_raw_name (&member->md.sb);
  char *uuid = render_uuid (member->md.sb.set_uuid);
  char *update = render_time_utc (member->md.sb.utime);

  render_json_string (builder, "name", name);
  render_json_string (builder, "uuid", uuid);
  render_json_int (builder, "events", member->md.sb.events);
  render_json_string (builder, "update_time", update);
  render_json_bool (builder, "bad_blocks", member_has_bad_blocks (member));
  g_free (name);
  g_free (uuid);
  g_free (update);
}

/* What a start makes of it; all null: nothing is copied to it. */
static void
json_rebuild (JsonBuilder *builder, const struct dry_run *run, unsigned j)
{
  const struct member_record *record[ASSEMBLE_MEMBERS_MAX];
  const struct seat *seat = &run->verdict.seats.seat[j];
  struct fit fit;

  for (unsigned i = 0; i < run->count; i++)
    record[i] = &run->member[i]->md;
  fit_at_start (&run->verdict, record, j, &fit);
  render_json_string (builder, "rebuild",
                      !seat->rebuilt    ? NULL
                      : seat->by_bitmap ? "bitmap"
                                        : "full");
  render_json_int (builder, "rebuild_bytes",
                   seat->rebuilt ? fit.to_copy : UINT64_MAX);
  render_json_string (builder, "fit_reason",
                      fit.reason == FIT_OK ? NULL
                                           : fit_reason_word (fit.reason));
}

/* All of them null: of no history. */
static void
json_history (JsonBuilder *builder, const struct dry_run *run, unsigned j)
{
  bool has_one = run->side[j] != 0;

  render_json_int (builder, "history", has_one ? run->side[j] : UINT64_MAX);
  render_json_string (builder, "history_state", has_one
                        ? assemble_part_word (histories_part (run, j).part)
                        : NULL);
  render_json_string (builder, "on_split_brain",
                      has_one ? result_word (run->choice[j]) : NULL);
}

static void
json_given (JsonBuilder *builder, const struct dry_run *run, unsigned j)
{
  const struct member *member = run->member[run->verdict.number[j]];
  const struct seat *seat = &run->verdict.seats.seat[j];
  struct assemble_part part = histories_part (run, j);

  render_json_string (builder, "state", run->side[j] != 0
                        ? assemble_part_word (PART_SPLIT)
                        : assemble_part_word (part.part));
  render_json_string (builder, "reason", run->verdict.given[j].why);
  if (part.slot != ASSEMBLE_NO_SLOT)
    render_json_int (builder, "slot", part.slot);
  if (member_has_sb (member))
    json_superblock (builder, member);
  if (part.part == PART_RECOVERING || part.part == PART_REPLACEMENT)
    render_json_int (builder, "recovery_offset_sectors", part.recovery_offset);
  if (run->verdict.assembly.result == ASSEMBLE_SPLIT)
    json_history (builder, run, j);
  if (!seats_are_given (&run->verdict.assembly))
    return;
  render_json_bool (builder, "used", seat->slot != ASSEMBLE_NO_SLOT || seat->waits);
  json_rebuild (builder, run, j);
}

static void
json_member (JsonBuilder *builder, const struct dry_run *run, unsigned i)
{
  unsigned j = members_given_as (&run->verdict, i);

  json_builder_begin_object (builder);
  render_json_int (builder, "leg", i);
  render_json_string (builder, "disk", run->member[i]->path);
  render_json_bool (builder, "in_use", disk_is_locked (&run->member[i]->disk));
  if (j < run->verdict.count)
    json_given (builder, run, j);
  else {
    render_json_string (builder, "state", "missing");
    render_json_string (builder, "reason", run->member[i]->why);
  }
  json_builder_end_object (builder);
}

static void
json_array (JsonBuilder *builder, const struct dry_run *run)
{
  const struct assembly *assembly = &run->verdict.assembly;
  const struct sb1 *sb = run->verdict.given[assembly->authority].sb;
  const struct member *given[ASSEMBLE_MEMBERS_MAX];
  char *name = render_raw_name (sb);
  char *uuid = render_uuid (sb->set_uuid);

  json_builder_set_member_name (builder, "array");
  json_builder_begin_object (builder);
  render_json_string (builder, "name", name);
  render_json_string (builder, "uuid", uuid);
  render_json_int (builder, "size", assembly->layout.array_size);
  render_json_int (builder, "events", assembly->events);
  render_json_bool (builder, "degraded", assembly->degraded);
  render_json_bool (builder, "recovering", assembly->recovering);
  render_json_bool (builder, "rebuilding", run->verdict.seats.rebuilding);
  render_json_bool (builder, "dirty", assembly->dirty);
  render_json_bool (builder, "needs_resync", needs_resync (assembly));
  render_json_int (builder, "resync_from_sectors", assembly->resync_from);
  render_json_bool (builder, "bitmap", assembly->bitmap);
  render_json_bool (builder, "bitmap_good", assembly->bitmap_good);
  if (slots_are_known (assembly)) {
    given_members (run, given);
    slots_json (builder, assembly, run->verdict.slot, given);
  }
  json_builder_end_object (builder);
  g_free (name);
  g_free (uuid);
}

void
assemble_print_json (const struct dry_run *run, int status)
{
  JsonBuilder *builder = json_builder_new ();
  const struct assembly *assembly = &run->verdict.assembly;

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_string (builder, "result", run->stopper != NULL
                        ? "refused"
                        : result_word (assembly->result));
  render_json_int (builder, "status", (uint64_t)status);
  render_json_bool (builder, "readable", assembly->readable);
  if (run->stopper != NULL) {
    render_json_string (builder, "culprit", run->stopper->path);
    render_json_string (builder, "reason", run->stopper->why);
  }
  else if (assembly->result != ASSEMBLE_START) {
    render_json_string (builder, "culprit",
                        assembly->culprit < run->verdict.count
                          ? given_member (run, assembly->culprit)->path
                          : "array");
    render_json_string (builder, "reason", assembly->why);
  }
  render_json_string (builder, "why_readonly",
                      run->verdict.seats.why_readonly[0] != '\0'
                        ? run->verdict.seats.why_readonly
                        : NULL);
  if (knows_array (assembly))
    json_array (builder, run);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < run->count; i++)
    json_member (builder, run, i);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}
