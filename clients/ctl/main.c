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
	if (code == 0 && (fflush(stdout) || ferror(stdout))) {
		fputs("framemuxctl: cannot write\n", stderr);
		code = EXIT_WRITE;
	}
	return code;
}
