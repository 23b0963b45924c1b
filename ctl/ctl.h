/* SPDX-License-Identifier: BSD-3-Clause */
/* ctl: what the commands of nbdmirror share. */
#ifndef MIRROR_CTL_H
#define MIRROR_CTL_H

#include <glib.h>
#include <stdbool.h>

/* The contract with scripts: nbdmirror(1), EXIT STATUS. */
enum {
  EXIT_OK = 0,
  EXIT_REFUSED = 1,     /* refused or failed */
  EXIT_USAGE = 2,       /* nothing attempted */
  EXIT_UNREACHABLE = 3, /* no such disk, no server, no permission */
  EXIT_DEGRADED = 4,
  EXIT_RECOVERING = 5,
  EXIT_NOT_AVAILABLE = 6,
  EXIT_SPLIT = 7,
  EXIT_DAMAGED = 8, /* mismatches, bad blocks, bad checksum */
  EXIT_TIMEOUT = 9,
  EXIT_UNCHANGED = 10, /* only with --error-if-unchanged */
};

/* The options before the command. */
struct ctl_options {
  bool json;
  bool yes;
  bool dry_run;
  unsigned timeout_s; /* for each answer of a server; 0: as servers have it */
};
extern struct ctl_options ctl_options;

/* Parse the words of a command: its own @entries (NULL-terminated), and the
 * options above, which may stand here as well.  @what follows the command's
 * name in its usage line.  False: told, and EXIT_USAGE is the status.
 */
bool ctl_parse (int *argc, char ***argv, const GOptionEntry *entries,
                const char *what);

/* Each gets the words from its own name on, and returns an exit status. */
int adopt_command (int argc, char **argv);
int create_command (int argc, char **argv);
int examine_command (int argc, char **argv);
int assemble_command (int argc, char **argv);
int erase_command (int argc, char **argv);
int restore_command (int argc, char **argv);
int status_command (int argc, char **argv);
int detail_command (int argc, char **argv);
int events_command (int argc, char **argv);
int history_command (int argc, char **argv);
int metrics_command (int argc, char **argv);
int rebuild_command (int argc, char **argv);
int change_command (int argc, char **argv);
int grow_command (int argc, char **argv);
int bitmap_command (int argc, char **argv);
int rename_command (int argc, char **argv);
int explain_command (int argc, char **argv);
int get_command (int argc, char **argv);
int set_command (int argc, char **argv);
int slowest_command (int argc, char **argv);
int whatif_command (int argc, char **argv);
int wait_command (int argc, char **argv);
int stop_command (int argc, char **argv);

/* As below, but only on standard error. */
void ctl_tell (const char *what, const char *code, const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

/* "nbdmirror: WHAT: CODE: TEXT" on standard error, one line whatever is in
 * the texts, which come as they are; returns @status.  With --json, also {"error": ...} on standard output.
 */
int ctl_fail (int status, const char *what, const char *code,
              const char *format, ...) __attribute__ ((format (printf, 4, 5)));

/* The plan of something destructive was printed: may it be done?  Not if the
 * plan cannot be read by anybody.  EXIT_OK, or the status to leave with; says
 * why not.
 */
int ctl_confirm (const char *what, bool *ret_go);

#endif /* MIRROR_CTL_H */
