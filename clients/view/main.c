/* framemux-view: cameras in a Wayland window. */
#include "clients/program/begin.h"
#include "clients/view/options.h"
#include "clients/view/run.h"

int main(int argc, char **argv)
{
	struct options o;
	int code;

	program_begin();
	code = options_parse(argc, argv, &o);
	return code >= 0 ? code : view_run(&o);
}
