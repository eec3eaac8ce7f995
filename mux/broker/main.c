/* framemux-broker: clients, capabilities, leases, rings, erasing. Started by framemuxd alone. */
#include <fcntl.h>
#include <unistd.h>

#include "common/memfd.h"
#include "mux/broker/broker.h"
#include "mux/broker/filter.h"
#include "mux/link/birth.h"
#include "mux/role.h"

/*
 * Clients cost descriptors: as many as framemuxd's hard limit gives. What it logs is the record of who
 * saw what: none of it is lost because a pipe is full or because framemuxd has died before it.
 */
static const struct role broker = {
	.name = "broker", .last_fd = LINK_FD_BROKER_FILES, .logs_itself = true, .erases = true};

static void confine(void)
{
	role_confined(&broker, broker_filter_load());
}

/* While there is a /proc: it stays within reach of this descriptor when the root is empty. */
static void keep_files_in_reach(void)
{
	int fd = open(MEMFD_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fd != LINK_FD_BROKER_FILES) {
		(void)dup3(fd, LINK_FD_BROKER_FILES, O_CLOEXEC);
		close(fd);
	}
	memfd_use_folder(LINK_FD_BROKER_FILES);
}

int main(int argc, char **argv)
{
	(void)argc;
	keep_files_in_reach();
	role_begin(&broker, argv);
	return broker_run(confine);
}
