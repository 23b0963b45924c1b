/* SPDX-License-Identifier: BSD-3-Clause */
/* adopt-show: what adopt is about to do, or has done, for people and programs. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "ctl/adopt.h"
#include "ctl/render.h"
#include "ground/util.h"

static const struct {
  const char *word;
  const char *text;
} kinds[] = {
  [ADOPT_MISSING] = { "missing", "no disk yet; the array starts degraded" },
  [ADOPT_SOURCE] = { "source", "its data become the array's, where they are" },
  [ADOPT_EQUAL] = { "equal", "holds the same" },
  [ADOPT_REBUILT] = { "rebuilt", "gets everything when the array is served" },
};

static void
print_disk (const struct adopt *adopt, unsigned slot)
{
  const struct member *member = adopt->create.member[slot];
  const struct adopt_disk *disk = &adopt->disk[slot];
  const char *found = adopt->create.found[slot];

  printf ("  %u %s: %s%s", slot, member == NULL ? MISSING : member->name,
          disk->kind == ADOPT_EQUAL && adopt->assume_clean
            ? "is taken to hold the same"
            : kinds[disk->kind].text,
          found == NULL ? "" : "; TO BE LOST: ");
  if (found != NULL)
    printf ("%s", found);
  if (disk->new_size > disk->old_size)
    printf ("; from %" PRIu64 " to %" PRIu64 " bytes", disk->old_size,
            disk->new_size);
  else if (member != NULL)
    printf ("; stays %" PRIu64 " bytes long, metadata from byte %" PRIu64
            " on", disk->old_size,
            adopt->create.plan.member[slot].data_size * SECTOR_SIZE);
  printf ("\n");
}

void
adopt_print_plan (const struct adopt *adopt)
{
  const struct create *create = &adopt->create;
  uint64_t size = create->plan.layout.array_size;
  g_autofree char *text = render_bytes (size);
  g_autofree char *chunk = render_bytes (create->plan.bitmap_chunk);
  const struct member *source = create->member[0];
  uint64_t old = adopt->disk[0].old_size;

  printf ("%s: raid1, %u members, %s (%" PRIu64 " bytes), metadata 1.0\n",
          create->wish.name, create->wish.layout.slots, text, size);
  if (size == old)
    printf ("  exactly the size of %s\n", source->name);
  else if (size > old)
    printf ("  %s ends inside a sector: the array has %" PRIu64 " bytes of "
            "zeroes behind it\n", source->name, size - old);
  else
    printf ("  %" PRIu64 " bytes less than %s, which cannot be made longer\n",
            old - size, source->name);
  printf ("  bitmap: internal, a bit for each %s\n", chunk);
  for (unsigned slot = 0; slot < create->wish.layout.slots; slot++)
    print_disk (adopt, slot);
}

void
adopt_print_done (const struct adopt *adopt)
{
  g_autofree char *command = create_serve_command (&adopt->create);

  printf ("adopted; to serve it: %s\n", command);
}

static void
add_member (JsonBuilder *builder, const struct adopt *adopt, unsigned slot)
{
  const struct member *member = adopt->create.member[slot];
  const struct adopt_disk *disk = &adopt->disk[slot];

  json_builder_begin_object (builder);
  render_json_int (builder, "slot", slot);
  render_json_string (builder, "disk", member ? member->path : NULL);
  render_json_string (builder, "becomes", kinds[disk->kind].word);
  render_json_string (builder, "found", adopt->create.found[slot]);
  render_json_int (builder, "old_size", disk->old_size);
  render_json_int (builder, "new_size", disk->new_size);
  render_json_string (builder, "restore_file", disk->undo);
  json_builder_end_object (builder);
}

void
adopt_print_json (const struct adopt *adopt, bool adopted)
{
  const struct create *create = &adopt->create;
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_bool (builder, "adopted", adopted);
  render_json_string (builder, "name", create->wish.name);
  if (adopted) {
    g_autofree char *command = create_serve_command (create);
    g_autofree char *uuid = render_uuid (create->set_uuid);

    render_json_string (builder, "uuid", uuid);
    render_json_string (builder, "serve", command);
  }
  render_json_int (builder, "size", create->plan.layout.array_size);
  render_json_int (builder, "bitmap_chunk", create->plan.bitmap_chunk);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned slot = 0; slot < create->wish.layout.slots; slot++)
    add_member (builder, adopt, slot);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}
