/* framemux-dump: frames of a camera to files. */
#include "clients/dump/options.h"
#include "clients/dump/run.h"
#include "clients/program/begin.h"

int main(int argc, char **argv)
{
	struct options o;
	int code;

	program_begin();
	code = options_parse(argc, argv, &o);
	return code >= 0 ? code : dump_run(&o);
}
