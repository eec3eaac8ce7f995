/* The inside of the log's files, for audit_file.c and audit_recover.c alone. */
#ifndef FRAMEMUX_AUDIT_FILE_PRIVATE_H
#define FRAMEMUX_AUDIT_FILE_PRIVATE_H

#include "mux/daemon/audit/audit_file.h"

struct audit_file {
	struct audit_limits limits;
	int folder, fd, head_fd; /* owned; fd: of the segment that is written, -1 before it is */
	struct audit_keys *now;  /* owned, locked: what is on the disk */
	struct audit_keys *next; /* owned, locked: what is being written */
	uint32_t oldest,
		keep_from; /* the first segment there is; the first that is to stay. 0: none */
	uint32_t
		torn_segment; /* one of which nothing counts, to go once that is recorded; 0: none */
	bool has_reserve;
};

#endif
