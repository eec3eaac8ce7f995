/* A table of text with aligned columns. */
#ifndef FRAMEMUX_CTL_TABLE_H
#define FRAMEMUX_CTL_TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS_MAX 12u
#define TABLE_CELL_MAX    64u

struct table;

/* heads: "CAMERA|STATE|>FPS"; '>' in front: numbers, to the right. NULL without memory. */
struct table *table_new(const char *heads);
void table_free(struct table *t);

/* The next cell, row by row; cut at TABLE_CELL_MAX. */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0, -ENOMEM when a cell got lost, or -EIO. */
int table_print(const struct table *t, FILE *f);

#endif
