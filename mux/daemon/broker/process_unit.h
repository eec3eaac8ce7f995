/*
 * Which unit a process is of: its cgroup, as the kernel says (cgroups(7), version 2 alone). Read in
 * framemuxd for the broker, which has no files. A pid is not a process: who asks must know that the
 * process still lives when the answer has come.
 */
#ifndef FRAMEMUX_PROCESS_UNIT_H
#define FRAMEMUX_PROCESS_UNIT_H

#include "common/limits.h"

/* What /proc/PID/cgroup says. 0; -ENOTSUP: nothing of version 2; -ENAMETOOLONG; -EBADMSG. */
int process_unit_parse(const char *text, char ret_unit[LIMIT_UNIT]);

/* The same, or -errno: -ENOENT, the process has gone or /proc hides it. Never waits for a disk. */
int process_unit_read(unsigned pid, char ret_unit[LIMIT_UNIT]);

#endif
