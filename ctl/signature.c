/* SPDX-License-Identifier: BSD-3-Clause */
/* signature: does a disk look used? */
#include <glib.h>
#include <string.h>

#include "ctl/render.h"
#include "ctl/signature.h"

static void
add (GString *found, const char *what, const char *kind)
{
  g_string_append_printf (found, "%s%s%s", found->len > 0 ? ", " : "", what,
                          kind);
}

static void
add_signature (void *opaque, const struct look_signature *signature)
{
  if (strcmp (signature->type, "linux_raid_member") != 0)
    add (opaque, signature->type,
         signature->is_table ? " partition table" : " (file system or volume)");
}

/* Our own look says more about md than blkid's. */
static void
add_md (const struct member *member, GString *found)
{
  char *uuid;

  if (member->md.verdict == SB1_NONE)
    return;
  if (!member_has_sb (member)) {
    add (found, "md superblock of version 0.90", "");
    return;
  }
  uuid = render_uuid (member->md.sb.set_uuid);
  add (found, "member of md array ", uuid);
  g_free (uuid);
}

char *
signature_find (struct member *member, int *ret_error)
{
  struct look_disk disk = disk_look (&member->disk);
  GString *found = g_string_new (NULL);
  struct look_view view;

  *ret_error = look_view_open (&disk, member->disk.size, &view);
  add_md (member, found);
  if (*ret_error == 0) {
    *ret_error = look_signatures (&view, add_signature, found);
    look_view_close (&view);
  }
  if (found->len > 0)
    return g_string_free (found, FALSE);
  g_string_free (found, TRUE);
  return NULL;
}
