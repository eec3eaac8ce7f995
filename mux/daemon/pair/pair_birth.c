/*
 * The birth of a pair: its sockets, its two processes, and what each is told. Runs in framemuxd's
 * loop. Everything that is said is of one record: the id, name, URL and key of this camera.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "mux/daemon/pair/pair_private.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_decode.h"

#define OUTBOX_MAX 64u
#define PER_SECOND 500u /* messages; a healthy pair sends about ten */
/*
 * 30 MB of it are there before a byte has come: what the libraries of FFmpeg keep in writable maps.
 * The rest is for an access unit being put together and one that waits (8 MB each), certificates, and
 * the pictures that libavformat decodes to know a 4K file's order (17 MB were seen).
 */
#define INGEST_MEMORY_MB 96u

static const unsigned talking = PAIR_TALKING;

/* Two ends; which is whose is said by the caller. */
struct ends {
	int near_end, far_end; /* owned */
};

#ifdef ENABLE_BREAKAGE
/*
 * "daemon-swap-streams", "daemon-swap-links": this camera's decode gets its own end, but the other
 * end that is handed on is that of the next camera's socket, whose decode gets its near end when it
 * is born. So with two cameras the two are truly crossed.
 */
#define CROSSED_MAX 64u

static size_t place_of(const struct pair *p)
{
	for (size_t i = 0; i < p->host->n_pairs; i++)
		if (p->host->pairs[i] == p)
			return i;
	return 0;
}

static int make_ends(const struct pair *p, int type, const char *name, struct ends *ret)
{
	static struct ends streams[CROSSED_MAX], links[CROSSED_MAX];
	struct ends *table = type == SOCK_STREAM ? streams : links;
	size_t mine = place_of(p), other = (mine + 1) % p->host->n_pairs;
	int pair[2], rc;

	if (!breakage(name) || p->host->n_pairs > CROSSED_MAX) {
		rc = sock_pair(type, pair);
		if (rc < 0)
			return rc;
		*ret = (struct ends){pair[0], pair[1]};
		return 0;
	}
	for (size_t i = 0; i < 2; i++) {
		struct ends *e = &table[i ? other : mine];
		int *wanted = i ? &e->far_end : &e->near_end;

		if (*wanted <= 0) { /* both were handed out: a new socket for this camera */
			if (e->near_end > 0)
				close(e->near_end);
			if (e->far_end > 0)
				close(e->far_end);
			rc = sock_pair(type, pair);
			if (rc < 0)
				return rc;
			*e = (struct ends){pair[0], pair[1]};
		}
	}
	*ret = (struct ends){take_fd(&table[mine].near_end), take_fd(&table[other].far_end)};
	return 0;
}
#else
static int make_ends(const struct pair *p, int type, const char *name, struct ends *ret)
{
	int pair[2], rc = sock_pair(type, pair);

	(void)p;
	(void)name;
	if (rc < 0)
		return rc;
	*ret = (struct ends){pair[0], pair[1]};
	return 0;
}
#endif

void pair_write_basic(const struct camera_record *cam, char ret[LIMIT_BASIC])
{
	char plain[URL_USER_BYTES + URL_PASSWORD_BYTES];
	int n = snprintf(plain, sizeof(plain), "%s:%s", cam->username, cam->password);

	memcpy(ret, "Basic ", 6);
	sodium_bin2base64(ret + 6, LIMIT_BASIC - 6, (const uint8_t *)plain, (size_t)n,
		sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(plain, sizeof(plain));
}

/* What ingest trusts: nothing it has to open itself. The descriptor, or -errno with the reason. */
static int open_trust(const struct camera_record *cam, char ret_why[LIMIT_REASON])
{
	const char *path = "/dev/null";
	int fd;

	if (cam->tls && !cam->has_pin)
		path = cam->tls_ca[0] ? cam->tls_ca : CA_BUNDLE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	fd = -errno;
	snprintf(ret_why, LIMIT_REASON, "the certificates to trust cannot be opened: %s: %.100s",
		strerror(-fd), path);
	return fd;
}

static int tell_ingest(struct pair *p)
{
	const struct camera_record *cam = p->camera;
	struct msg_ingest_start m = {.generation = p->generation,
		.kind = cam->kind,
		.has_password = cam->password != NULL,
		.width = cam->width,
		.height = cam->height,
		.fps_milli = cam->fps * 1000,
		.verbose = (uint32_t)p->host->verbose,
		.tls = cam->tls,
		.has_pin = cam->has_pin,
		.answered = p->was_answered,
		.transport = p->transport,
		.may_switch = cam->may_switch,
		.max_pixels = cam->max_pixels,
		.memory_mb = INGEST_MEMORY_MB,
		.patience_s = cam->patience_s};
	int rc;

	memcpy(m.id, cam->id.b, sizeof(m.id));
	memcpy(m.name, cam->name, sizeof(m.name));
	memcpy(m.url, cam->url, sizeof(m.url));
	memcpy(m.tls_pin, cam->tls_pin, sizeof(m.tls_pin));
	memcpy(m.tls_host, cam->host, sizeof(m.tls_host));
	if (cam->basic && cam->tls && cam->password)
		pair_write_basic(cam, m.basic);
	rc = peer_send(p->ingest_link, &wire_ingest_start, &m, NULL, 0);
	sodium_memzero(&m, sizeof(m));
	return rc < 0 ? rc : pair_hand_answer(p);
}

static int tell_decode(struct pair *p)
{
	const struct camera_record *cam = p->camera, *key_of = cam;
	struct msg_decode_start m = {.generation = p->generation,
		.verbose = (uint32_t)p->host->verbose,
		.stale_after_ms = p->host->stale_after_ms,
		.memory_mb = cam->memory_mb,
		.max_pixels = cam->max_pixels};
	int rc;

	if (breakage("daemon-swap-ids")) /* the key of another camera */
		key_of = p->host->pairs[p->host->pairs[0] == p]->camera;
	memcpy(m.id, cam->id.b, sizeof(m.id));
	memcpy(m.name, cam->name, sizeof(m.name));
	key_camera(p->host->k_session, &key_of->id, m.k_cam);
	masks_pack(cam->masks, cam->n_masks, m.masks, &m.masks_len);
	rc = peer_send(p->decode_link, &wire_decode_start, &m, NULL, 0);
	sodium_memzero(&m, sizeof(m));
	return rc;
}

static int start_ingest(struct pair *p, int source, int stream, int trust)
{
	struct child_spec spec = {.n_fds = 4};
	struct peer_spec link = {.name = "ingest",
		.rules = pair_ingest_rules,
		.n_rules = pair_n_ingest_rules,
		.state = &talking,
		.outbox_max = OUTBOX_MAX,
		.per_second = PER_SECOND,
		.self = p,
		.owner = p,
		.on_end = pair_on_ingest_end};
	cleanup_fd int theirs = -1;
	int ends[2], rc = sock_pair(SOCK_SEQPACKET, ends);

	if (rc < 0)
		return rc;
	theirs = ends[1];
	rc = peer_new(p->host->base, ends[0], &link, &p->ingest_link);
	if (rc < 0)
		return rc;
	spec.fds[0] = (struct child_fd){theirs, LINK_FD_DAEMON};
	spec.fds[1] = (struct child_fd){source, LINK_FD_INGEST_SOURCE};
	spec.fds[2] = (struct child_fd){stream, LINK_FD_INGEST_STREAM};
	spec.fds[3] = (struct child_fd){trust, LINK_FD_INGEST_TRUST};
	rc = role_start(p->host->roles, p->host->base, "ingest", p->host->roles->pair_walls, p->uid,
		p->camera->name, &spec, pair_on_ingest_exit, p, &p->ingest);
	return rc < 0 ? rc : tell_ingest(p);
}

static int start_decode(struct pair *p, int broker, int stream)
{
	struct child_spec spec = {.n_fds = 3};
	struct peer_spec link = {.name = "decode",
		.rules = pair_decode_rules,
		.n_rules = pair_n_decode_rules,
		.state = &talking,
		.outbox_max = OUTBOX_MAX,
		.per_second = PER_SECOND,
		.self = p,
		.owner = p,
		.on_end = pair_on_decode_end};
	cleanup_fd int theirs = -1;
	int ends[2], rc = sock_pair(SOCK_SEQPACKET, ends);

	if (rc < 0)
		return rc;
	theirs = ends[1];
	rc = peer_new(p->host->base, ends[0], &link, &p->decode_link);
	if (rc < 0)
		return rc;
	spec.fds[0] = (struct child_fd){theirs, LINK_FD_DAEMON};
	spec.fds[1] = (struct child_fd){broker, LINK_FD_DECODE_BROKER};
	spec.fds[2] = (struct child_fd){stream, LINK_FD_DECODE_STREAM};
	rc = role_start(p->host->roles, p->host->base, "decode", p->host->roles->pair_walls, p->uid,
		p->camera->name, &spec, pair_on_decode_exit, p, &p->decode);
	return rc < 0 ? rc : tell_decode(p);
}

int pair_bear(struct pair *p, int source, char ret_why[LIMIT_REASON])
{
	struct ends stream = {-1, -1}, link = {-1, -1};
	cleanup_fd int trust = open_trust(p->camera, ret_why);
	int rc;

	p->generation++;
	p->ingest_ready = p->decode_ready = false;
	udp_begin(&p->udp, source);
	if (trust < 0)
		return trust;
	rc = p->uid ? 0 : roles_take_uid(p->host->roles, &p->uid);
	if (rc < 0) {
		snprintf(ret_why, LIMIT_REASON, "there is no uid left for it: restart framemuxd");
		return rc;
	}
	rc = make_ends(p, SOCK_STREAM, "daemon-swap-streams", &stream);
	if (!rc)
		rc = make_ends(p, SOCK_SEQPACKET, "daemon-swap-links", &link);
	if (!rc) {
		p->broker_end = link.far_end;
		rc = start_decode(p, link.near_end, stream.near_end);
	}
	if (!rc)
		rc = start_ingest(p, source, stream.far_end, trust);
	if (rc < 0)
		snprintf(ret_why, LIMIT_REASON, "its processes cannot be started: %s",
			strerror(-rc));
	cleanup_close(&stream.near_end);
	cleanup_close(&stream.far_end);
	cleanup_close(&link.near_end);
	return rc;
}
