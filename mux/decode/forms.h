/*
 * Which forms an attach is fit for. The broker answers for serials; a stream may return to a form
 * that it had a moment ago, and what was answered then still holds. Pure. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_FORMS_H
#define FRAMEMUX_FORMS_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/decode/image.h"

#define FORMS_TOLD_MAX 16u /* an answer that comes later than so many changes is for nothing */
#define FORMS_FIT_MAX  4u  /* a stream that alternates between more waits for each answer */

/* The forms of the newest serials. Zero-initialised: none. */
struct forms_told {
	struct image_form form[FORMS_TOLD_MAX];
	uint32_t serial[FORMS_TOLD_MAX];
	uint32_t newest; /* serial; 0: none */
};

/* What one attach may show. Zero-initialised: nothing. */
struct forms_fit {
	struct image_form form[FORMS_FIT_MAX];
	unsigned n, oldest;
};

void forms_tell(struct forms_told *t, uint32_t serial, const struct image_form *form);

/* The attach is fit for the form of this serial. */
void forms_fit_add(struct forms_fit *fit, const struct forms_told *t, uint32_t serial);

/* Whether it is fit for the newest form. */
bool forms_fit_now(const struct forms_fit *fit, const struct forms_told *t);

#endif
