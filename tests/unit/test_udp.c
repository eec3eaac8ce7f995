/* mux/daemon/udp: who may speak to the sockets that ingest gets, and who may not. */
#include "mux/daemon/pair/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

/* A control connection between two loopback addresses. */
static struct {
	int ours, camera, listening;
	struct udp udp;
	int before;
} t;

static struct sockaddr_in ipv4(const char *host, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	ck_assert_int_eq(inet_pton(AF_INET, host, &in.sin_addr), 1);
	return in;
}

static int bound(int type, const char *host, uint16_t *ret_port)
{
	struct sockaddr_in in = ipv4(host, 0);
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

static void setup(void)
{
	struct sockaddr_in camera;
	uint16_t port;

	t.before = unit_count_fds();
	t.listening = bound(SOCK_STREAM, "127.0.0.3", &port);
	ck_assert_int_eq(listen(t.listening, 1), 0);
	t.ours = bound(SOCK_STREAM, "127.0.0.2", &port);
	camera = ipv4("127.0.0.3", 0);
	socklen_t len = sizeof(camera);
	ck_assert_int_eq(getsockname(t.listening, (struct sockaddr *)&camera, &len), 0);
	ck_assert_int_eq(connect(t.ours, (struct sockaddr *)&camera, sizeof(camera)), 0);
	t.camera = accept4(t.listening, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(t.camera, 0);
	memset(&t.udp, 0, sizeof(t.udp));
	udp_begin(&t.udp, t.ours);
}

static void teardown(void)
{
	udp_end(&t.udp);
	close(t.ours);
	close(t.camera);
	close(t.listening);
	ck_assert_int_eq(unit_count_fds(), t.before);
}

static void says(int fd, uint16_t port, const char *text)
{
	struct sockaddr_in to = ipv4("127.0.0.2", port);

	ck_assert_int_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)),
		strlen(text));
}

/* The next datagram, "" if there is none. The loopback interface delivers at once. */
static const char *heard(int fd)
{
	static char buf[64];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n > 0 ? n : 0] = 0;
	return buf;
}

START_TEST(a_pair_of_adjacent_ports)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	uint16_t port = 0;

	ck_assert_int_eq(udp_bind(&t.udp, &port), 0);
	ck_assert_uint_eq(port % 2, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(getsockname(t.udp.fds[i], (struct sockaddr *)&in, &len), 0);
		ck_assert_uint_eq(ntohs(in.sin_port), port + i);
		/* Where the control connection comes from, not every address. */
		ck_assert_uint_eq(in.sin_addr.s_addr, inet_addr("127.0.0.2"));
		ck_assert(fcntl(t.udp.fds[i], F_GETFD) & FD_CLOEXEC);
		ck_assert(fcntl(t.udp.fds[i], F_GETFL) & O_NONBLOCK);
	}
	ck_assert_int_eq(udp_bind(&t.udp, &port), -EPROTO); /* one is enough */
}
END_TEST

START_TEST(only_the_camera_is_heard)
{
	uint16_t port = 0, rtp_port, rtcp_port, other_port;
	int rtp = bound(SOCK_DGRAM, "127.0.0.3", &rtp_port);
	int rtcp = bound(SOCK_DGRAM, "127.0.0.3", &rtcp_port);
	int third_host = bound(SOCK_DGRAM, "127.0.0.4", &other_port);
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	ck_assert_int_eq(udp_bind(&t.udp, &port), 0);
	/* What is queued before connect() would survive it. */
	for (int i = 0; i < 100; i++) {
		says(third_host, port, "early stranger");
		says(third_host, port + 1, "early stranger");
	}
	ck_assert_int_eq(udp_connect(&t.udp, rtp_port, rtcp_port), 0);
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTP]), "");
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTCP]), "");
	says(third_host, port, "stranger");
	says(rtcp, port, "the camera from another port");
	says(rtp, port, "camera");
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTP]), "camera");
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTP]), "");
	says(third_host, port + 1, "stranger");
	says(rtcp, port + 1, "report");
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTCP]), "report");
	ck_assert_str_eq(heard(t.udp.fds[UDP_FD_RTCP]), "");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(getpeername(t.udp.fds[i], (struct sockaddr *)&peer, &len), 0);
		ck_assert_uint_eq(peer.sin_addr.s_addr, inet_addr("127.0.0.3"));
		ck_assert_uint_eq(ntohs(peer.sin_port), i ? rtcp_port : rtp_port);
	}
	close(rtp);
	close(rtcp);
	close(third_host);
}
END_TEST

/* The buffer is a large one from then on. */
START_TEST(a_key_picture_fits)
{
	uint16_t port = 0, rtp_port, rtcp_port;
	int rtp = bound(SOCK_DGRAM, "127.0.0.3", &rtp_port);
	int rtcp = bound(SOCK_DGRAM, "127.0.0.3", &rtcp_port);
	unsigned n = 0;
	char text[8];

	ck_assert_int_eq(udp_bind(&t.udp, &port), 0);
	ck_assert_int_eq(udp_connect(&t.udp, rtp_port, rtcp_port), 0);
	for (unsigned i = 0; i < 60; i++)
		says(rtp, port, "1234567");
	while (recv(t.udp.fds[UDP_FD_RTP], text, sizeof(text), MSG_DONTWAIT) == 7)
		n++;
	ck_assert_uint_eq(n, 60); /* the small buffer of before held two or three */
	close(rtp);
	close(rtcp);
}
END_TEST

START_TEST(what_is_refused)
{
	struct udp none = {0};
	uint16_t port = 0;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(udp_connect(&t.udp, 5000, 5001), -EPROTO); /* nothing is bound */
	ck_assert_int_eq(udp_bind(&t.udp, &port), 0);
	ck_assert_int_eq(udp_connect(&t.udp, 0, 5001), -EPROTO);
	ck_assert_int_eq(udp_connect(&t.udp, 5000, 0), -EPROTO);
	ck_assert_int_eq(udp_connect(&t.udp, 53, 5001), -EPROTO); /* no camera's, but a server's */
	ck_assert_int_eq(udp_connect(&t.udp, 5000, 1023), -EPROTO);
	ck_assert_int_eq(udp_connect(&t.udp, 65536, 5001), -EPROTO);
	ck_assert_int_eq(udp_connect(&t.udp, 5000, UINT32_MAX), -EPROTO);
	udp_end(&t.udp);
	ck_assert_int_eq(udp_bind(&t.udp, &port), -EPROTO);
	udp_begin(&none, null); /* a file */
	ck_assert_int_eq(udp_bind(&none, &port), -EPROTO);
	udp_end(&none);
	close(null);
}
END_TEST

START_TEST(over_ipv6)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(in6);
	int listening = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ours = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct udp udp = {0};
	uint16_t port = 0;

	if (listening < 0 || bind(listening, (struct sockaddr *)&in6, len) < 0) {
		fprintf(stderr, "SKIPPED: no IPv6 here\n");
	} else {
		listen(listening, 1);
		getsockname(listening, (struct sockaddr *)&in6, &len);
		ck_assert_int_eq(connect(ours, (struct sockaddr *)&in6, len), 0);
		udp_begin(&udp, ours);
		ck_assert_int_eq(udp_bind(&udp, &port), 0);
		ck_assert_int_eq(udp_connect(&udp, 5000, 5001), 0);
		ck_assert_int_eq(getpeername(udp.fds[0], (struct sockaddr *)&in6, &len), 0);
		ck_assert_uint_eq(ntohs(in6.sin6_port), 5000);
		ck_assert(IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr));
		udp_end(&udp);
	}
	close(listening);
	close(ours);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udp");
	TCase *c = tcase_create("udp");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_pair_of_adjacent_ports);
	tcase_add_test(c, only_the_camera_is_heard);
	tcase_add_test(c, a_key_picture_fits);
	tcase_add_test(c, what_is_refused);
	tcase_add_test(c, over_ipv6);
	suite_add_tcase(s, c);
	return unit_run(s);
}
