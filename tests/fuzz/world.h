/*
 * What framemuxd's state machines take for the world, for targets that link them: processes that are
 * none, sources that open when the input says so, a clock that only the input moves. By the linker
 * (--wrap, tests/fuzz/local.mk), so that the code under test is the real one.
 *
 * Seen to here: no process is started for a camera before its last ones are reaped.
 */
#ifndef FRAMEMUX_TESTS_FUZZ_WORLD_H
#define FRAMEMUX_TESTS_FUZZ_WORLD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum world_role { WORLD_BROKER, WORLD_INGEST, WORLD_DECODE, WORLD_ROLES };

/* One that framemuxd takes for a process. */
struct child {
	enum world_role role;
	char name[64]; /* of its camera */
	pid_t pid;     /* 0: there is none in this place */
	int link;      /* owned: its end of the link; -1: closed */
	bool is_killed;
	void (*on_exit)(void *data, int status);
	void *data;
};

/* Once: libsodium, with numbers that are the same in each run. */
void world_init(void);

/* Before and after each input. At the end nothing may be left, and no descriptor more be open. */
void world_begin(void);
void world_end(void);

/* framemuxd's loop, which is turned here. */
void world_use_loop(struct event_base *base);

/* A turn of framemuxd's loop, with everything that is due. */
void world_turn(void);
void world_pass(uint64_t ns);

/* The first of this role, of this camera (NULL: of any); NULL: none. */
struct child *world_find(enum world_role role, const char *name);
unsigned world_count(const char *name);

/* It ends, with this status of waitpid(2), and framemuxd reaps it. */
void world_reap(struct child *c, int status);

/* The next start fails like this: -errno. */
void world_fail_next_start(int error);

/* A source that was asked for opens (a TCP connection, or /dev/null), or does not. */
enum world_source { WORLD_SOCKET, WORLD_FILE, WORLD_NO_SOURCE };
void world_open_source(enum world_source how);

/* Sends to framemuxd as this process; fds: at the end of the message. Nothing when it cannot. */
struct wire_message;
void world_say(const struct child *c, const struct wire_message *m, const void *msg);
void world_say_bytes(const struct child *c, const uint8_t *bytes, size_t len, unsigned n_fds);

/* What framemuxd said to it; the length, 0 for nothing more. */
size_t world_hear(const struct child *c, uint8_t *buf, size_t size);

#endif
