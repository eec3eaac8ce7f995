/* Sentences about failures, made safe to log and to send: what a camera said may be part of one. */
#include "mux/ingest/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void say(struct failure *f, bool final, const char *fmt, va_list ap)
{
	f->final = final;
	vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
	for (char *p = f->reason; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

int fail(struct failure *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, false, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

int fail_final(struct failure *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, true, fmt, ap);
	va_end(ap);
	return -EPROTO;
}
