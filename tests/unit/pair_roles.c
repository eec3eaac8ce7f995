/* The roles that a test program of pairs plays when it is started under their names. */
#include "tests/unit/pair_roles.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/sock.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/daemon_ingest.h"
#include "tests/unit/pair_scene.h"

static bool plays(const char *camera, const char *what)
{
	return strcmp(camera, what) == 0;
}

/* The host tells decode through the broker's link, decode tells ingest: see tell(). */
static bool wait_for_birth(void)
{
	struct pollfd p = {.fd = LINK_FD_INGEST_STREAM, .events = POLLIN};
	uint8_t byte;

	return poll(&p, 1, 20000) == 1 && recv(p.fd, &byte, 1, MSG_DONTWAIT) == 1;
}

static int fail_as_closed(void)
{
	struct msg_ingest_failed failed = {.what = INGEST_AUTH, .reason = "401"};

	sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
	return 0;
}

/* The same, of a camera that wants Basic: nothing is asked, framemuxd knows what to say. */
static int play_closing_basic(const struct msg_ingest_start *start)
{
	struct msg_digest_answer answer;

	if (start->answered &&
		(role_receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 ||
			strcmp(answer.authorization, "Basic dmlld2VyOnNlY3JldA==") != 0))
		return 1;
	return fail_as_closed();
}

/* A camera that closes its connection with each 401. */
static int play_closing(const struct msg_ingest_start *start)
{
	struct msg_digest_ask ask = {.request = 3,
		.algorithm = DIGEST_MD5,
		.method = HTTP_GET,
		.realm = "r",
		.nonce = "n",
		.uri = "/video"};
	struct msg_digest_answer answer;

	if (!start->answered)
		sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
	if (role_receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 || answer.status != 0 ||
		answer.request != (start->answered ? 0 : 3) ||
		strncmp(answer.authorization, "Digest ", 7) != 0)
		return 1;
	return fail_as_closed();
}

static int play_ingest(const char *camera)
{
	struct msg_ingest_start start;
	struct msg_ingest_ready ready;

	if (role_receive(LINK_FD_DAEMON, &wire_ingest_start, &start) < 0 ||
		strcmp(start.name, camera) != 0)
		return 1;
	ready.generation = start.generation + (plays(camera, "wrong-generation") ? 1 : 0);
	sock_send_msg(LINK_FD_DAEMON, &wire_ingest_ready, &ready);
	if (!plays(camera, "wrong-generation") && !wait_for_birth())
		return 1;
	if (plays(camera, "says-why")) {
		struct msg_ingest_failed failed = {
			.what = INGEST_FINAL, .reason = "the camera says 401"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0; /* decode's complaint about it may be read first */
	}
	if (plays(camera, "deaf") && start.transport == TRANSPORT_TCP) {
		struct msg_ingest_failed failed = {.what = INGEST_SWITCH, .reason = "no media"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "blocks-without-a-word")) {
		struct msg_ingest_failed failed = {.what = INGEST_BLOCK};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "wrong-pin")) {
		struct msg_ingest_failed failed = {
			.what = INGEST_BLOCK, .reason = "certificate pin differs"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "switches")) {
		struct msg_ingest_failed failed = {.what = INGEST_SWITCH, .reason = "no media"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "two-faces")) { /* one in its first two lives, another one later */
		struct msg_identity identity = {.origin = "- IN IP4 itself"};
		struct msg_identity_ok ok;

		snprintf(identity.server, sizeof(identity.server), "face %u",
			start.generation <= 2 ? 1 : 2);
		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
		if (role_receive(LINK_FD_DAEMON, &wire_identity_ok, &ok) < 0 ||
			ok.generation != start.generation)
			return 1;
	}
	if (plays(camera, "two-identities")) {
		struct msg_identity identity = {.server = "x"};

		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
	}
	if (plays(camera, "steps")) {
		struct msg_ingest_news news = {.reason = "DESCRIBE"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_news, &news);
	}
	if (plays(camera, "closes-with-401"))
		return play_closing(&start);
	if (plays(camera, "closes-with-basic"))
		return play_closing_basic(&start);
	if (plays(camera, "closes-for-nothing"))
		return fail_as_closed();
	if (plays(camera, "wants-udp")) { /* which a pattern cannot have */
		struct msg_udp_bind bind = {start.generation};

		sock_send_msg(LINK_FD_DAEMON, &wire_udp_bind, &bind);
	}
	if (plays(camera, "crash")) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (plays(camera, "flood")) {
		struct msg_ingest_news news = {.reason = "x"};

		for (;;)
			if (sock_send_msg(LINK_FD_DAEMON, &wire_ingest_news, &news) == -EPIPE)
				return 0;
	}
	if (plays(camera, "garbage"))
		send(LINK_FD_DAEMON, "garbage", 7, MSG_NOSIGNAL);
	if (plays(camera, "digest")) {
		struct msg_digest_ask ask = {.request = 3,
			.algorithm = DIGEST_MD5,
			.method = RTSP_DESCRIBE,
			.realm = "r",
			.nonce = "n",
			.uri = "rtsp://elsewhere/"};
		struct msg_digest_answer answer;

		sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
		if (role_receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 ||
			answer.request != 3 || answer.status == 0 || answer.authorization[0])
			return 1;
	}
	if (plays(camera, "nags")) {
		struct msg_digest_ask ask = {.algorithm = DIGEST_MD5,
			.method = RTSP_DESCRIBE,
			.uri = "rtsp://elsewhere/"};

		for (; ask.request < 100; ask.request++)
			sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
	}
	while (!role_sees_end(LINK_FD_DAEMON, -1))
		;
	return 0;
}

static int play_decode(const char *camera)
{
	struct msg_decode_start start;
	struct msg_decode_ready ready;
	struct msg_decode_beat beat = {
		.width = 320, .height = 240, .fps_milli = 25000, .codec = "h264"};

	if (role_receive(LINK_FD_DAEMON, &wire_decode_start, &start) < 0)
		return 1;
	ready.generation = start.generation;
	sock_send_msg(LINK_FD_DAEMON, &wire_decode_ready, &ready);
	for (;;) {
		struct pollfd p[] = {{.fd = LINK_FD_DAEMON, .events = POLLIN},
			{.fd = LINK_FD_DECODE_STREAM, .events = POLLIN},
			{.fd = LINK_FD_DECODE_BROKER, .events = POLLIN}};
		uint8_t byte;

		if (plays(camera, "steps") || plays(camera, "switches"))
			beat.last_frame_ns = 0;
		else if (!plays(camera, "stands-still") || beat.frames_decoded < 3) {
			beat.frames_decoded++;
			beat.last_frame_ns = clock_monotonic_ns();
		}
		if (plays(camera, "flaps") && beat.frames_decoded % 2)
			beat.last_frame_ns -= 30 * NS_PER_S;
		if (sock_send_msg(LINK_FD_DAEMON, &wire_decode_beat, &beat) == -EPIPE &&
			!plays(camera, "stubborn"))
			return 0;
		poll(p, 3, plays(camera, "flaps") ? 5 : 50);
		if (p[2].revents && recv(p[2].fd, &byte, 1, MSG_DONTWAIT) == 1)
			send(p[1].fd, &byte, 1, MSG_NOSIGNAL);
		if (p[0].revents && plays(camera, "stubborn")) {
			send(p[2].fd, "x", 1, MSG_NOSIGNAL); /* it has seen the end */
			for (;;)
				pause();
		}
		if (p[0].revents)
			return 0;
		if (p[1].revents && !plays(camera, "stubborn")) { /* ingest may end first */
			struct msg_decode_failed failed = {.reason = "the stream has ended"};

			sock_send_msg(LINK_FD_DAEMON, &wire_decode_failed, &failed);
			return 0;
		}
	}
}

int pair_roles_play(int argc, char **argv)
{
	if (argc == 3 && strstr(argv[0], "framemux-ingest"))
		return play_ingest(argv[2]);
	if (argc == 3 && strstr(argv[0], "framemux-decode"))
		return play_decode(argv[2]);
	return -1;
}
