/*
 * framemuxd as a whole, from its start to its end, with a broker, ingests and decodes that it does not
 * believe. The input: which configuration, then a sequence of deeds: messages of the broker in any
 * order and bytes of any kind, its death, what ingest and decode say, reloads of other configurations,
 * jobs of the disk that go well or do not, time. Real are all of framemuxd but processes and time
 * (world.c) and the threads of disk.h: a job runs when the input says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sock.h"
#include "fuzz.h"
#include "legal.h"
#include "mux/daemon/daemon.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/reload/reload.h"
#include "mux/daemon/roles/privilege.h"
#include "mux/link/daemon_decode.h"
#include "tests/fuzz/world.h"

#define DEEDS_MAX   96u
#define CONFIGS     8u
#define GRANTS_MAX  16u
#define CAMERAS_MAX 64u
#define TURNS_MAX   64u

/* --- configurations --------------------------------------------------------------------------- */

static char root[64]; /* everything is in here; removed when the program ends */

#define TOP                                                                                        \
	"socket = \"%1$s/run/client\"\ncontrol_socket = \"%1$s/run/control\"\n"                    \
	"state_dir = \"%1$s/state\"\n"
#define PORCH  "camera \"porch\" { url = \"test:porch\" }\n"
#define GARDEN "camera \"garden\" { url = \"rtsp://127.0.0.1:5/x\"\n fingerprint = \"first\" }\n"
#define GRANT                                                                                      \
	"grant \"g\" { user = \"root\"\n cameras = {\"porch\"}\n"                                  \
	" expires = \"never\"\n token_file = \"%1$s/tokens/t\" }\n"

static const char *const texts[CONFIGS] = {
	TOP PORCH GARDEN GRANT,
	TOP GARDEN "camera \"porch\" { url = \"test:elsewhere\"\n standby = \"warm\" }\n" GRANT,
	TOP PORCH "linger = 0\nstale_after = 500\nadmins = {\"root\"}\n"
		  "grant \"g\" { user = \"root\"\n cameras = {\"porch\"}\n max_fps = 5\n"
		  " token_file = \"%1$s/tokens/u\" }\n"
		  "grant \"h\" { user = \"root\"\n cameras = {\"porch\"} }\n",
	TOP "camera \"garden\" { url = \"rtsp://127.0.0.1:5/y\"\n standby = \"warm\" }\n"
	    "camera \"yard\" { url = \"test:yard\" }\nuid_quota_mb = 64\n",
	TOP PORCH "camera \"garden\" { url = \"rtsp://127.0.0.1:5/x\"\n transport = \"udp\" }\n",
	TOP,
	TOP "camera \"porch\" { url = \"nothing that there is\" }\n",
	TOP "camera \"porch\" {",
};
#define GOOD_CONFIGS 6u

static const char *config_path(unsigned n)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%u.conf", root, n % CONFIGS);
	return path;
}

static void empty_folder(const char *name, bool and_itself)
{
	char path[256];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s", root, name);
	d = opendir(path);
	while (d && (e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	if (and_itself)
		rmdir(path);
}

static void remove_all(void)
{
	empty_folder("/state", true);
	empty_folder("/tokens", true);
	empty_folder("", true);
}

static void write_configs(void)
{
	umask(077);
	snprintf(root, sizeof(root), "/tmp/framemux-fuzz-XXXXXX");
	MUST(mkdtemp(root));
	for (unsigned i = 0; i < CONFIGS; i++) {
		FILE *f = fopen(config_path(i), "w");

		MUST(f);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		fprintf(f, texts[i], root);
#pragma GCC diagnostic pop
		MUST(fclose(f) == 0);
	}
	atexit(remove_all);
}

/* --- what is put in the place of the real -------------------------------------------------------- */

struct entry {
	STAILQ_ENTRY(entry) next;
	struct disk_job job;
};

struct disk {
	STAILQ_HEAD(, entry) jobs;
	size_t n;
};

static struct {
	struct fuzz in;
	struct mux *mux;
	struct options options;
	struct disk *disks[2]; /* owned by mux */
	bool is_ended;
	/* the broker: what it has been told in this life */
	bool is_good, is_adding;
	struct msg_broker_grant grants[GRANTS_MAX]; /* that want a token */
	size_t n_grants;
	struct {
		uint8_t id[CAMERA_ID_BYTES];
		bool is_born;
		uint64_t generation;
	} cameras[CAMERAS_MAX];
	size_t n_cameras;
	unsigned tokens_made;
} s;

int __wrap_privilege_reduce(const char **ret_what);
int __wrap_privilege_reduce(const char **ret_what)
{
	(void)ret_what;
	return 0;
}

int __wrap_roles_find(struct roles *ret, char *ret_why, size_t why_size);
int __wrap_roles_find(struct roles *ret, char *ret_why, size_t why_size)
{
	(void)ret_why;
	(void)why_size;
	*ret = (struct roles){.folder = "/nowhere"};
	return 0;
}

int __wrap_roles_wall_in(struct roles *r, int state_folder, char *ret_why, size_t why_size);
int __wrap_roles_wall_in(struct roles *r, int state_folder, char *ret_why, size_t why_size)
{
	(void)r;
	(void)state_folder;
	(void)ret_why;
	(void)why_size;
	return 0;
}

/* Nobody connects. */
int __wrap_listen_open(
	const struct config *c, struct listening *ret, char *ret_why, size_t why_size);
int __wrap_listen_open(
	const struct config *c, struct listening *ret, char *ret_why, size_t why_size)
{
	(void)c;
	(void)ret_why;
	(void)why_size;
	*ret = (struct listening){.clients_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.control_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.kill_fd = eventfd(0, EFD_CLOEXEC)}; /* nobody ever comes */
	MUST(ret->clients_fd >= 0 && ret->control_fd >= 0 && ret->kill_fd >= 0);
	return 0;
}

/* Nothing here outlives the machine. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_disk_new(struct event_base *base, struct disk **ret);
int __wrap_disk_new(struct event_base *base, struct disk **ret)
{
	struct disk *d = calloc(1, sizeof(*d));

	(void)base;
	MUST(d && (!s.disks[0] || !s.disks[1]));
	STAILQ_INIT(&d->jobs);
	s.disks[s.disks[0] != NULL] = *ret = d;
	return 0;
}

int __wrap_disk_submit(struct disk *d, const struct disk_job *job);
int __wrap_disk_submit(struct disk *d, const struct disk_job *job)
{
	struct entry *e;

	if (d->n == 32) /* of DISK_JOBS_MAX */
		return -ENOBUFS;
	e = malloc(sizeof(*e));
	MUST(e);
	e->job = *job;
	STAILQ_INSERT_TAIL(&d->jobs, e, next);
	d->n++;
	return 0;
}

/* error: instead of doing it, or 0. */
static void run_job(struct disk *d, int error)
{
	struct entry *e = STAILQ_FIRST(&d->jobs);
	struct disk_job job;

	if (!e)
		return;
	STAILQ_REMOVE_HEAD(&d->jobs, next);
	d->n--;
	job = e->job;
	free(e);
	if (!error)
		error = job.run(job.data);
	job.done(job.data, error);
}

void __wrap_disk_free(struct disk *d);
void __wrap_disk_free(struct disk *d)
{
	if (!d)
		return;
	while (d->n)
		run_job(d, 0);
	free(d);
}

int __real_broker_new(const struct broker_spec *spec, struct broker **ret);
int __wrap_broker_new(const struct broker_spec *spec, struct broker **ret);
int __wrap_broker_new(const struct broker_spec *spec, struct broker **ret)
{
	s.mux = spec->self;
	return __real_broker_new(spec, ret);
}

int __wrap_event_base_loopbreak(struct event_base *base);
int __wrap_event_base_loopbreak(struct event_base *base)
{
	(void)base;
	s.is_ended = true;
	return 0;
}

/* --- the broker ------------------------------------------------------------------------------------ */

static struct child *broker(void)
{
	return world_find(WORLD_BROKER, NULL);
}

static void give_tokens(void)
{
	static const uint8_t key[KEY_BYTES];

	for (size_t i = 0; i < s.n_grants; i++) {
		struct msg_grant_token m = {0};
		uint8_t id[TOKEN_ID_BYTES] = {(uint8_t)++s.tokens_made};
		struct token t;

		token_begin(key, 1, id, &t);
		MUST(token_limit_camera(&t, s.grants[i].camera, 1) == 0);
		MUST(token_format(&t, m.token) == 0);
		memcpy(m.grant, s.grants[i].grant, sizeof(m.grant));
		memcpy(m.camera, s.grants[i].camera, sizeof(m.camera));
		world_say(broker(), &wire_grant_token, &m);
	}
	s.n_grants = 0;
}

static bool is_told(const uint8_t id[CAMERA_ID_BYTES], size_t *ret)
{
	for (size_t i = 0; i < s.n_cameras; i++)
		if (!memcmp(s.cameras[i].id, id, CAMERA_ID_BYTES)) {
			*ret = i;
			return true;
		}
	return false;
}

static void hear_of_pair(const uint8_t id[CAMERA_ID_BYTES], uint64_t generation, bool is_born)
{
	size_t i;

	MUST(is_told(id, &i));
	MUST(s.cameras[i].is_born == !is_born);
	MUST(is_born ? generation > s.cameras[i].generation
		     : generation == s.cameras[i].generation);
	s.cameras[i].is_born = is_born;
	s.cameras[i].generation = generation;
}

static bool lives_any_pair(void)
{
	return world_find(WORLD_INGEST, NULL) || world_find(WORLD_DECODE, NULL);
}

/* Leases of an earlier broker keep no camera connected. */
static void must_want_nothing(void)
{
	for (size_t i = 0; i < s.mux->pair_host.n_pairs; i++)
		MUST(s.mux->pair_host.pairs[i]->leases == 0);
}

static union {
	struct msg_broker_start start;
	struct msg_broker_camera camera;
	struct msg_broker_grant grant;
	struct msg_pair_born born;
	struct msg_pair_dead dead;
	struct msg_camera_end end;
	struct msg_reload_end reload_end;
	struct msg_broker_setup_done done;
} m;

static void hear_of_camera(void)
{
	size_t i;

	if (is_told(m.camera.id, &i))
		return;
	MUST(s.n_cameras < CAMERAS_MAX);
	memset(&s.cameras[s.n_cameras], 0, sizeof(s.cameras[0]));
	memcpy(s.cameras[s.n_cameras++].id, m.camera.id, CAMERA_ID_BYTES);
}

static void hear_of_camera_end(void)
{
	size_t i;

	MUST(is_told(m.end.id, &i));
	if (!m.end.stays && !s.cameras[i].is_born)
		s.cameras[i] = s.cameras[--s.n_cameras];
}

static void forget_life(void)
{
	s.n_grants = s.n_cameras = 0;
	s.is_adding = false;
}

static void hear(const uint8_t *buf, size_t len)
{
	const struct msg_broker_ready ready = {0};
	const struct msg_reload_cleared cleared = {0};
	const struct msg_reload_ready reload_ready = {0};

	if (wire_decode(&wire_broker_start, buf, len, &m) == 0) {
		MUST(!lives_any_pair()); /* those of its predecessor are gone */
		must_want_nothing();
		forget_life();
	} else if (wire_decode(&wire_broker_camera, buf, len, &m) == 0) {
		hear_of_camera();
	} else if (wire_decode(&wire_broker_grant, buf, len, &m) == 0) {
		if (s.n_grants < GRANTS_MAX)
			s.grants[s.n_grants++] = m.grant;
	} else if (wire_decode(&wire_pair_born, buf, len, &m) == 0) {
		hear_of_pair(m.born.id, m.born.generation, true);
	} else if (wire_decode(&wire_pair_dead, buf, len, &m) == 0) {
		hear_of_pair(m.dead.id, m.dead.generation, false);
	} else if (wire_decode(&wire_camera_end, buf, len, &m) == 0) {
		hear_of_camera_end();
	} else if (!s.is_good) {
		return;
	} else if (wire_type(buf, len) == wire_broker_setup_done.type) {
		give_tokens();
		world_say(broker(), &wire_broker_ready, &ready);
	} else if (wire_type(buf, len) == wire_reload_clear.type) {
		world_say(broker(), &wire_reload_cleared, &cleared);
	} else if (wire_type(buf, len) == wire_reload_end.type) {
		give_tokens();
		world_say(broker(), &wire_reload_ready, &reload_ready);
	}
}

static const uint8_t *some_camera(struct fuzz *f)
{
	static const uint8_t unknown[CAMERA_ID_BYTES] = {1, 2, 3};
	uint8_t n = fuzz_byte(f);

	return n == 255 || !s.n_cameras ? unknown : s.cameras[n % s.n_cameras].id;
}

static void ask_about_camera(uint8_t what, struct fuzz *f)
{
	struct msg_camera_want want = {.leases = what >> 4};
	struct msg_pair_kill kill = {.generation = 1 + fuzz_byte(f) % 4, .reason = "it wrote on"};
	struct msg_camera_accept accept = {.request = 1};

	memcpy(want.id, some_camera(f), sizeof(want.id));
	memcpy(kill.id, want.id, sizeof(kill.id));
	memcpy(accept.id, want.id, sizeof(accept.id));
	if (what % 4 == 0)
		world_say(broker(), &wire_pair_kill, &kill);
	else if (what % 4 == 1)
		world_say(broker(), &wire_camera_accept, &accept);
	else
		world_say(broker(), &wire_camera_want, &want);
}

static void broker_asks(uint8_t what, struct fuzz *f)
{
	const struct msg_survey survey = {.request = what};
	const struct msg_revoked_keep revoked = {
		.request = what, .ids_len = (uint16_t)(TOKEN_ID_BYTES * (what % 3)), .ids = {what}};
	const struct msg_cutoff_keep cutoff = {.request = what,
		.kind = what / 16 % 5,
		.camera = "porch",
		.uid = what,
		.issue = fuzz_byte(f) % 8};
	const struct msg_drained drained = {.request = what % 4};
	const struct msg_reload_ask ask = {.request = what, .uid = 1, .pid = 2};
	const struct msg_key_rotate rotate = {.request = what, .uid = 1, .pid = 2};
	const struct msg_key_retire retire = {.request = what, .key_id = fuzz_byte(f) % 4};
	const struct msg_unit_ask unit = {.request = what, .pid = what};

	switch (what % 9) {
	case 0:
		world_say(broker(), &wire_survey, &survey);
		break;
	case 1:
		world_say(broker(), &wire_revoked_keep, &revoked);
		break;
	case 2:
		s.options.config = config_path(fuzz_byte(f));
		world_say(broker(), &wire_reload_ask, &ask);
		break;
	case 3:
		world_say(broker(), &wire_cutoff_keep, &cutoff);
		break;
	case 4:
		world_say(broker(), &wire_drained, &drained);
		break;
	case 5:
		world_say(broker(), &wire_key_rotate, &rotate);
		break;
	case 6:
		world_say(broker(), &wire_key_retire, &retire);
		break;
	case 7:
		world_say(broker(), &wire_unit_ask, &unit);
		break;
	default:
		give_tokens();
	}
}

static void broker_answers(uint8_t what)
{
	const struct msg_broker_ready ready = {0};
	const struct msg_reload_cleared cleared = {.request = what};
	const struct msg_reload_ready reload_ready = {0};

	if (what % 3 == 0)
		world_say(broker(), &wire_broker_ready, &ready);
	else if (what % 3 == 1)
		world_say(broker(), &wire_reload_cleared, &cleared);
	else
		world_say(broker(), &wire_reload_ready, &reload_ready);
}

static void close_link(struct child *c)
{
	if (!c || c->link < 0)
		return;
	close(c->link);
	c->link = -1;
}

static void anything_is_said(const struct child *c, struct fuzz *f)
{
	unsigned n_fds = fuzz_byte(f) % 5;
	struct fuzz piece = fuzz_piece(f);

	world_say_bytes(c, piece.at, piece.len, n_fds);
}

static void broker_does(uint8_t what, struct fuzz *f)
{
	switch (what & 7) {
	case 0:
		close_link(broker());
		break;
	case 1:
		if (broker())
			world_reap(broker(), what & 8 ? SIGKILL : 70 << 8);
		break;
	case 2:
		anything_is_said(broker(), f);
		break;
	case 3:
		broker_answers(fuzz_byte(f));
		break;
	case 4:
		s.is_good = !s.is_good;
		break;
	case 5:
		broker_asks(fuzz_byte(f), f);
		break;
	default:
		ask_about_camera(fuzz_byte(f), f);
	}
}

/* --- pairs ------------------------------------------------------------------------------------------ */

static uint64_t generation_of(const struct child *c)
{
	const struct pair *p = c->data;

	return p->generation;
}

static void role_says(const struct child *c, uint8_t what)
{
	struct msg_identity identity = {0};
	struct msg_decode_beat beat = {.width = 64, .height = 48, .frames_decoded = 1};
	const struct msg_ingest_failed failed = {.what = what >> 4, .reason = "401"};
	const struct msg_ingest_ready ready = {generation_of(c)};
	const struct msg_decode_ready decode_ready = {generation_of(c)};

	snprintf(identity.server, sizeof(identity.server), "face %u", what >> 5);
	beat.last_frame_ns = clock_monotonic_ns();
	if (c->role == WORLD_DECODE && what & 1)
		world_say(c, &wire_decode_beat, &beat);
	else if (c->role == WORLD_DECODE)
		world_say(c, &wire_decode_ready, &decode_ready);
	else if (what % 4 == 1)
		world_say(c, &wire_identity, &identity);
	else if (what % 4 == 3)
		world_say(c, &wire_ingest_failed, &failed);
	else
		world_say(c, &wire_ingest_ready, &ready);
}

/* Both are ready, and there is a picture. */
static void go_live(struct child *ingest, struct child *decode)
{
	if (!ingest || !decode || ingest->data != decode->data)
		return;
	role_says(ingest, 0);
	role_says(decode, 0);
	world_turn();
	if (world_find(WORLD_DECODE, NULL) == decode)
		role_says(decode, 1);
}

static void pair_does(uint8_t what, struct fuzz *f)
{
	static const char *const names[] = {"porch", "garden", "yard"};
	const char *name = names[fuzz_byte(f) % 3];
	struct child *c = world_find(what & 8 ? WORLD_DECODE : WORLD_INGEST, name);

	if ((what & 7) < 2)
		go_live(world_find(WORLD_INGEST, name), world_find(WORLD_DECODE, name));
	else if (!c)
		return;
	else if ((what & 7) == 2)
		close_link(c);
	else if ((what & 7) == 3)
		world_reap(c, what & 16 ? SIGSEGV : SIGKILL);
	else if ((what & 7) == 4)
		anything_is_said(c, f);
	else
		role_says(c, fuzz_byte(f));
}

/* --- framemuxd's life ---------------------------------------------------------------------------------- */

static void listen_to_all(void)
{
	static uint8_t buf[LIMIT_MESSAGE];
	size_t n;

	while (broker() && (n = world_hear(broker(), buf, sizeof(buf))))
		hear(buf, n);
	for (enum world_role r = WORLD_INGEST; r <= WORLD_DECODE; r++)
		for (const char *const *name =
				(const char *const[]){"porch", "garden", "yard", NULL};
			*name; name++) {
			struct child *c = world_find(r, *name);

			while (c && world_hear(c, buf, sizeof(buf)))
				;
		}
}

static void look(void)
{
	const struct pair_host *h = &s.mux->pair_host;

	MUST(h->n_pairs == s.mux->config->n_cameras);
	MUST(h->n_retired == 0 || s.mux->reload);
	for (size_t i = 0; i < h->n_pairs; i++)
		pair_must_be_legal(h->pairs[i]);
	for (size_t i = 0; i < h->n_retired; i++)
		pair_must_be_legal(h->retired[i]);
	for (size_t i = 0; i < h->n_pairs;
		i++) /* what is said goes to the old pair until it is buried */
		for (size_t k = 0; k < h->n_retired; k++)
			if (!memcmp(&pair_camera(h->pairs[i])->id, &pair_camera(h->retired[k])->id,
				    sizeof(struct camera_id)))
				MUST(h->pairs[i]->phase == PAIR_REST);
	MUST(broker_state(s.mux->broker) == BROKER_GONE || broker());
}

static void turn(void)
{
	world_turn();
	listen_to_all();
	world_turn();
	listen_to_all();
	look();
}

static void disk_does(uint8_t what)
{
	static const int errors[] = {0, 0, 0, -EIO, -ENOSPC, -ENOMEM, 0, 0};

	run_job(s.disks[what & 1], errors[what >> 1 & 7]);
}

static void do_one(void)
{
	struct fuzz *f = &s.in;
	uint8_t what = fuzz_byte(f);

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		broker_does(what >> 3, f);
		break;
	case 3:
	case 4:
		pair_does(what >> 3, f);
		break;
	case 5:
		disk_does(what >> 3);
		break;
	case 6:
		world_open_source((what >> 3) % 3);
		break;
	default:
		if (what >> 3 == 31) {
			s.options.config = config_path(fuzz_byte(f));
			mux_reload(s.mux, NULL); /* SIGHUP */
		} else {
			world_pass(NS_PER_MS << (what >> 3) % 16);
		}
	}
	if (fuzz_byte(f)) /* else the next comes before framemuxd has had a look */
		turn();
}

/* SIGTERM; who does not end is killed, and all are reaped. */
static void end(void)
{
	event_active(s.mux->signals[0], EV_SIGNAL, 1);
	for (unsigned i = 0; i < TURNS_MAX && !s.is_ended; i++) {
		struct child *c = broker();

		turn();
		run_job(s.disks[0], 0);
		run_job(s.disks[1], 0);
		world_pass(NS_PER_S);
		for (enum world_role r = WORLD_BROKER; r <= WORLD_DECODE; r++)
			if ((c = world_find(r, NULL)) && c->is_killed)
				world_reap(c, SIGKILL);
	}
	MUST(s.is_ended);
}

/* framemuxd's loop. */
int __wrap_event_base_dispatch(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base)
{
	world_use_loop(base);
	s.is_good = true;
	turn();
	for (unsigned i = 0; s.in.len && i < DEEDS_MAX; i++)
		do_one();
	turn();
	end();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	world_init();
	if (!root[0])
		write_configs();
	empty_folder("/state", false);
	empty_folder("/tokens", false);
	memset(&s, 0, sizeof(s));
	s.in = (struct fuzz){data, len};
	s.options = (struct options){.verbose = -1, .ready_fd = -1};
	s.options.config = config_path(fuzz_byte(&s.in) % GOOD_CONFIGS);
	world_begin();
	MUST(daemon_run(&s.options) == 0);
	MUST(s.is_ended);
	world_end();
	return 0;
}
