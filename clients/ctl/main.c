/* framemuxctl: show and change what a framemux does. */
#include <signal.h>

#include "clients/ctl/options.h"

int main(int argc, char **argv)
{
	struct options o;
	int code = options_parse(argc, argv, &o);

	signal(SIGPIPE, SIG_IGN); /* a write says so, too */
	return code >= 0 ? code : o.verb->run(&o);
}
