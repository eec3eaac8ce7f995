/* Sentences about failures, made safe to log and to send: what a camera said may be part of one. */
#include "mux/ingest/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "mux/role.h"

static void say(struct failure *f, enum ingest_failure what, const char *fmt, va_list ap)
{
	f->what = what;
	vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
	for (char *p = f->reason; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

int fail(struct failure *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, INGEST_AGAIN, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

int fail_final(struct failure *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, INGEST_FINAL, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

int fail_as(struct failure *f, enum ingest_failure what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, what, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

int fail_no_memory(struct failure *f)
{
	return fail(f, "%s", role_no_memory());
}
