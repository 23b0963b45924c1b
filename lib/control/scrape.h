/* SPDX-License-Identifier: BSD-3-Clause */
/* scrape: the metrics, for whoever asks by HTTP. */
#ifndef MIRROR_SCRAPE_H
#define MIRROR_SCRAPE_H

#include "control/internal.h"

struct scrape;

/* Listen at @place, "unix:/PATH", "127.N.N.N:PORT" or "[::1]:PORT".  0 and
 * *@ret, or -errno and @why (MESSAGE_MAX bytes).
 */
int scrape_new (struct control *control, const char *place,
                struct scrape **ret, char *why);

/* NULL: none. */
void scrape_free (struct scrape *scrape);

/* What it listens on. */
int scrape_fd (const struct scrape *scrape);

/* What scrape_new would say of @place, as far as that can be known. */
int scrape_check (const char *place, char *why);

#endif /* MIRROR_SCRAPE_H */
