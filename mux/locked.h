/*
 * Memory for secrets: whole pages between guard pages, neither dumped nor swapped out nor inherited
 * by a child, and wiped when freed. Runs in framemuxd and broker.
 */
#ifndef FRAMEMUX_LOCKED_H
#define FRAMEMUX_LOCKED_H

#include <stddef.h>

/* Zeroed; NULL without memory, or when it would be dumped or inherited. sodium_init() first. */
void *locked_alloc(size_t size);

/* NULL is ignored. */
void locked_free(void *secret);

#endif
