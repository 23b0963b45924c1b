/* SPDX-License-Identifier: BSD-3-Clause */
/* create-show: what create is about to do, or has done, for people and
 * programs.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/create.h"
#include "ctl/render.h"
#include "ground/util.h"

#define WIDTH 80

static const char *
first_state (const struct create *create)
{
  return create->wish.assume_clean
           ? "clean: the disks are taken to be equal"
           : "dirty: the first copy of everything will be copied over the "
             "others";
}

/* What it holds, on a line of its own if there is no room. */
static void
print_disk (const struct create *create, unsigned slot)
{
  const struct create_plan *plan = &create->plan;
  const struct member *member = create->member[slot];
  const char *found = create->found[slot];
  g_autofree char *what = NULL;
  int used = printf ("  %u %s%s", slot,
                     member == NULL ? MISSING : member->name,
                     slot >= plan->layout.slots ? ", a spare" : "");

  if (member != NULL) {
    what = g_strdup_printf ("data from sector %" PRIu64 " on; %s%s",
                            plan->member[slot].data_offset,
                            found == NULL ? "looks unused" : "TO BE LOST: ",
                            found == NULL ? "" : found);
    printf (":%s%s", used + 2 + strlen (what) > WIDTH ? "\n      " : " ", what);
  }
  printf ("\n");
}

void
create_print_plan (const struct create *create)
{
  const struct create_plan *plan = &create->plan;
  char *size = render_bytes (plan->layout.array_size);
  char *used = render_bytes (plan->size * SECTOR_SIZE);
  char *chunk = render_bytes (plan->bitmap_chunk);
  char layout[16];

  layout_name (&plan->layout, layout, sizeof layout);
  printf ("%s: %s%s, %u members, %s (%" PRIu64 " bytes), metadata %s\n",
          create->wish.name,
          plan->layout.level == LEVEL_RAID10 ? "raid10 " : "", layout,
          plan->layout.slots, size,
          plan->layout.array_size, sb1_version_name (create->wish.version));
  printf ("  of each disk %s are used\n", used);
  if (plan->bitmap_chunk != 0)
    printf ("  bitmap: internal, a bit for each %s\n", chunk);
  printf ("  %s\n", first_state (create));
  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++)
    print_disk (create, slot);
  g_free (size);
  g_free (used);
  g_free (chunk);
}

/* As nbdkit takes it: neither an option nor NAME=VALUE; a word for a shell. */
static char *
serve_word (const char *path)
{
  bool plain = path[0] != '-' && strchr (path, '=') == NULL;
  g_autofree char *word
    = plain || strstr (path, "://") != NULL
        ? g_strdup (path)
        : g_strdup_printf ("disk=%s", path);

  return render_word (word);
}

char *
create_serve_command (const struct create *create)
{
  GString *text = g_string_new ("nbdkit -U mirror.sock mirror");

  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++)
    if (create->member[slot] != NULL) {
      g_autofree char *word = serve_word (create->member[slot]->path);

      g_string_append_printf (text, " %s", word);
    }
  return g_string_free (text, FALSE);
}

void
create_print_done (const struct create *create)
{
  g_autofree char *command = create_serve_command (create);

  printf ("created; to serve it: %s\n", command);
}

void
create_print_json (const struct create *create, bool created)
{
  const struct create_plan *plan = &create->plan;
  JsonBuilder *builder = json_builder_new ();
  char layout[16];

  layout_name (&plan->layout, layout, sizeof layout);
  json_builder_begin_object (builder);
  render_json_int (builder, "format", 1);
  render_json_bool (builder, "created", created);
  render_json_string (builder, "name", create->wish.name);
  if (created) {
    g_autofree char *command = create_serve_command (create);
    char *uuid = render_uuid (create->set_uuid);

    render_json_string (builder, "uuid", uuid);
    render_json_string (builder, "serve", command);
    g_free (uuid);
  }
  render_json_string (builder, "layout", layout);
  render_json_string (builder, "metadata",
                      sb1_version_name (create->wish.version));
  render_json_int (builder, "size", plan->layout.array_size);
  render_json_int (builder, "used_sectors", plan->size);
  render_json_int (builder, "bitmap_chunk", plan->bitmap_chunk);
  render_json_bool (builder, "clean", create->wish.assume_clean);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned slot = 0; slot < create_disks (&create->wish); slot++) {
    const struct member *member = create->member[slot];

    json_builder_begin_object (builder);
    render_json_int (builder, "slot",
                     slot < plan->layout.slots ? slot : UINT64_MAX);
    render_json_string (builder, "disk", member ? member->path : NULL);
    render_json_string (builder, "found", create->found[slot]);
    render_json_int (builder, "data_offset_sectors",
                     plan->member[slot].data_offset);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  render_json_print (builder);
}
