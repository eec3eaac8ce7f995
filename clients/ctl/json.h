/* Small helpers over jansson, so that every verb's JSON looks alike. */
#ifndef FRAMEMUX_CTL_JSON_H
#define FRAMEMUX_CTL_JSON_H

#include <jansson.h>
#include <stdint.h>

/* Text of a peer: what is no UTF-8 becomes '?'. */
json_t *json_text(const char *text);

/* A list of the words, which blanks separate. */
json_t *json_words(const char *words);

json_t *json_u64(uint64_t v);

/* RFC 3339, or null for 0 (never). */
json_t *json_time(uint64_t unix_s);

/* Print on standard output, one line, and free. 0, or an exit code. */
int json_print(json_t *v);

#endif
