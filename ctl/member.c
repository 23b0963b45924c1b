/* SPDX-License-Identifier: BSD-3-Clause */
/* member: a disk that a command was given, with all its md metadata. */
#include <glib.h>
#include <stdio.h>

#include "ctl/member.h"
#include "ctl/render.h"

static void
read_metadata (struct member *member)
{
  struct member_disk disk = disk_for_members (&member->disk, member->name);

  if (member_read (&disk, &member->md) < 0)
    g_error ("not enough memory for the metadata of %s", member->name);
  snprintf (member->why, sizeof member->why, "%s", member->md.why);
  if (member->md.verdict == SB1_NONE)
    member->error = member->md.error;
}

struct member *
member_open (const char *path, bool write)
{
  struct member *member = g_new0 (struct member, 1);

  member->path = path;
  member->name = render_text (path);
  member->short_name = g_path_get_basename (member->name);
  member->error = disk_open (path, write, &member->disk, member->why);
  if (member->error == 0)
    read_metadata (member);
  else {
    member->disk.fd = -1;
    member_ignore (&(struct member_disk){ .name = member->name }, &member->md);
  }
  return member;
}

void
member_close (struct member *member)
{
  if (member == NULL)
    return;
  member_forget (&member->md);
  disk_close (&member->disk);
  g_free (member->name);
  g_free (member->short_name);
  g_free (member);
}

/* Of a table that is too long to be one nobody can tell. */
uint32_t
member_checksum (const struct member *member)
{
  return member->md.sb.max_dev <= SB1_ROLES_MAX
           ? sb1_checksum (member->md.block)
           : 0;
}
