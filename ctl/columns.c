/* SPDX-License-Identifier: BSD-3-Clause */
/* columns: rows of a table which fits a terminal of 80 columns.
 *
 *   name  first cell   second cell * third cell
 *         goes on      goes on       goes on
 *
 * Nothing is cut off.  What counts is how wide characters are on a terminal:
 * not their bytes, and two columns for most of East Asia's.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ctl/columns.h"
#include "ground/util.h"

#define PAGE 80
#define NAME 12 /* of a row */
#define GAP 3   /* before a cell, with its mark; the first needs one less */

/* Something that is shown from column @start on, and what is left of it. */
struct column {
  const char *left;
  unsigned start;
  unsigned width;
};

static unsigned
character_width (const char *at)
{
  gunichar character = g_utf8_get_char (at);

  if (g_unichar_iszerowidth (character))
    return 0;
  return g_unichar_iswide (character) ? 2 : 1;
}

static unsigned
shown_width (const char *text, const char *end)
{
  unsigned width = 0;

  for (; text < end; text = g_utf8_next_char (text))
    width += character_width (text);
  return width;
}

/* Where its first line ends: between words, after punctuation, or else
 * anywhere.
 */
static const char *
line_end (const char *text, unsigned width)
{
  const char *next, *good = NULL;
  unsigned used = 0;

  for (const char *end = text; *end != '\0'; end = next) {
    next = g_utf8_next_char (end);
    if (*end == ' ' && end > text)
      good = end;
    used += character_width (end);
    if (used > width)
      return good != NULL ? good : end;
    if (strchr (":/,-", *end) != NULL)
      good = next;
  }
  return text + strlen (text);
}

/* Is there more to print? */
static bool
print_line (struct column *columns, unsigned count)
{
  unsigned used = 0;
  bool more = false;

  for (struct column *column = columns; column < columns + count; column++) {
    const char *end = line_end (column->left, column->width);

    if (*column->left == '\0')
      continue;
    printf ("%*s%.*s", (int)(column->start - used), "",
            (int)(end - column->left), column->left);
    used = column->start + shown_width (column->left, end);
    column->left = *end == ' ' ? end + strspn (end, " ") : end;
    more = more || *column->left != '\0';
  }
  printf ("\n");
  return more;
}

void
columns_print (const char *name, const struct columns_cell *cells,
               unsigned count)
{
  struct column columns[1 + 2 * COLUMNS_CELLS_MAX];
  unsigned used = 0, width;

  assert (count > 0 && count <= COLUMNS_CELLS_MAX && !cells[0].marked);
  width = (PAGE - NAME + 1) / count - GAP;
  columns[used++] = (struct column){ name, 0, NAME };
  for (unsigned i = 0; i < count; i++) {
    unsigned start = NAME + GAP - 1 + i * (width + GAP);

    columns[used++]
      = (struct column){ cells[i].marked ? "*" : "", start - 2, 1 };
    columns[used++] = (struct column){ cells[i].text, start, width };
  }
  while (print_line (columns, used))
    ;
}
