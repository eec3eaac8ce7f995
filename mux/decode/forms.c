/* Two short tables of forms. Owns nothing. */
#include "mux/decode/forms.h"

#include <stddef.h>

static const struct image_form *told_of(const struct forms_told *t, uint32_t serial)
{
	uint32_t i = serial % FORMS_TOLD_MAX;

	return serial && t->serial[i] == serial ? &t->form[i] : NULL;
}

static bool is_among(const struct forms_fit *fit, const struct image_form *form)
{
	for (unsigned i = 0; i < fit->n; i++)
		if (image_form_is(&fit->form[i], form))
			return true;
	return false;
}

void forms_tell(struct forms_told *t, uint32_t serial, const struct image_form *form)
{
	t->form[serial % FORMS_TOLD_MAX] = *form;
	t->serial[serial % FORMS_TOLD_MAX] = serial;
	t->newest = serial;
}

void forms_fit_add(struct forms_fit *fit, const struct forms_told *t, uint32_t serial)
{
	const struct image_form *form = told_of(t, serial);

	if (!form || is_among(fit, form))
		return;
	if (fit->n < FORMS_FIT_MAX) {
		fit->form[fit->n++] = *form;
		return;
	}
	fit->form[fit->oldest] = *form;
	fit->oldest = (fit->oldest + 1) % FORMS_FIT_MAX;
}

bool forms_fit_now(const struct forms_fit *fit, const struct forms_told *t)
{
	const struct image_form *form = told_of(t, t->newest);

	return form && is_among(fit, form);
}
