/*
 * Uids that nobody else has, for the roles: one for the broker, one for the resolver, one for each
 * camera's pair. None is given twice in a boot by one state folder (users and groups of that number alike);
 * two state folders begin at random places. They are
 * numbers without a name, from a range that is built in (configure --with-role-uids), as a service
 * manager's dynamic users are.
 */
#ifndef FRAMEMUX_UIDS_H
#define FRAMEMUX_UIDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UIDS_A_START 4096u /* for one life of framemuxd */

struct uids {
	uid_t next,
		end; /* end: the first that is not ours; both 0: not root, everybody has our uid */
};

/*
 * Take a range of them, and note in the state folder that it is taken: at start, as it waits for the
 * disk. 0, or -errno and why.
 */
int uids_open(struct uids *u, int state_folder, char *ret_why, size_t why_size);

/* One more, or 0 when there is none left (or we are not root). */
uid_t uids_take(struct uids *u);

#endif
