/*
 * framemuxctl and a mux that it cannot trust to keep to the rules: which verb, then messages as they
 * come on the control socket. What it prints is whole JSON, or plain text without a control character
 * on whoever's terminal; an exit code says how it went.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/ctl/options.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "fuzz.h"

static int mux_end = -1;

/* The socket that framemuxctl connects to: everything is said already, and then the mux is gone. */
int __wrap_sock_connect_to_owner(const char *path, int *ret_fd);
int __wrap_sock_connect_to_owner(const char *path, int *ret_fd)
{
	(void)path;
	if (mux_end < 0)
		return -ECONNREFUSED;
	*ret_fd = take_fd(&mux_end);
	return 0;
}

static void say_all(struct fuzz *f, int fd)
{
	while (f->len) {
		struct fuzz piece = fuzz_piece(f);

		(void)send(fd, piece.at, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static int run(const char *command, bool is_json, char **ret_out, char **ret_err)
{
	static char program[] = "framemuxctl", json[] = "--json";
	FILE *out = stdout, *err = stderr;
	char *argv[16] = {program}, copy[128], *save;
	size_t out_len, err_len;
	struct options o;
	int argc = 1, code;

	if (is_json)
		argv[argc++] = json;
	snprintf(copy, sizeof(copy), "%s", command);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	stdout = open_memstream(ret_out, &out_len);
	stderr = open_memstream(ret_err, &err_len);
	code = options_parse(argc, argv, &o);
	if (code < 0)
		code = o.verb->run(&o);
	fclose(stdout);
	fclose(stderr);
	stdout = out;
	stderr = err;
	return code;
}

/* UTF-8 may be in it; what a terminal obeys may not. */
static void must_be_plain(const char *text)
{
	for (; *text; text++)
		MUST(((unsigned char)*text >= ' ' && *text != 0x7f) || *text == '\n');
}

static void must_be_json(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);

	MUST(v);
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const commands[] = {"status", "reload", "grant --camera porch",
		"revoke 0123456789abcdef", "accept --camera porch"};
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	bool is_json = how & 1;
	char *out = NULL, *err = NULL;
	int pair[2], code;

	MUST(sock_pair(SOCK_SEQPACKET, pair) == 0);
	mux_end = pair[0];
	say_all(&f, pair[1]);
	shutdown(pair[1], SHUT_WR); /* its requests are swallowed */
	code = run(commands[(how >> 1) % ARRAY_SIZE(commands)], is_json, &out, &err);
	close(pair[1]);
	MUST(mux_end < 0);
	must_be_plain(err);
	if (is_json && code == 0)
		must_be_json(out);
	else
		must_be_plain(out);
	MUST(code == 0 || *err);
	free(out);
	free(err);
	return 0;
}
