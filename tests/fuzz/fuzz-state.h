/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-state: what its input is made of. */
#ifndef FUZZ_STATE_H
#define FUZZ_STATE_H

#include "logic/evidence.h"

/* Bytes of each head: its own, and of two disks. */
#define FUZZ_HEAD 3072
#define FUZZ_INPUT (1 + 2 * FUZZ_HEAD + EVIDENCE_SIZE)

#endif /* FUZZ_STATE_H */
