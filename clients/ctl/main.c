/* framemuxctl: show and change what a framemux does. */
#include <signal.h>
#include <stdio.h>

#include "clients/ctl/options.h"
#include "clients/program/begin.h"
#include "clients/program/exit_code.h"

int main(int argc, char **argv)
{
	struct options o;
	int code;

	program_begin();
	code = options_parse(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN); /* a write says so, too */
	if (code < 0)
		code = o.verb->run(&o);
	if ((fflush(stdout) || ferror(stdout)) && code != EXIT_WRITE) {
		fputs("framemuxctl: cannot write\n", stderr);
		code = code ? code : EXIT_WRITE;
	}
	return code;
}
