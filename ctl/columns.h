/* SPDX-License-Identifier: BSD-3-Clause */
/* columns: rows of a table which fits a terminal of 80 columns. */
#ifndef MIRROR_COLUMNS_H
#define MIRROR_COLUMNS_H

#include <stdbool.h>

/* A row has at most so many cells: a time, without its line broken, fits each
 * of three.
 */
#define COLUMNS_CELLS_MAX 3

struct columns_cell {
  const char *text; /* as of render_text */
  bool marked;      /* with a *; the first cell of a row never is */
};

/* One row: its name, then its cells, all broken into lines as needed.  The
 * cells of a row are the wider the fewer they are.
 */
void columns_print (const char *name, const struct columns_cell *cells,
                    unsigned count);

#endif /* MIRROR_COLUMNS_H */
