/* The crowd's parent: gives tokens, takes them away, and does harm. In framemuxctl's process. */
#include "clients/ctl/check/check_crowd.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/ctl/check/check_role.h"
#include "clients/ctl/check/check_watch.h"
#include "common/clock.h"

#define ANSWER_MS   10000
#define AGAIN_MS    100 /* until a broker that fell is asked, or the clients looked at, again */
#define PATIENCE_NS (20 * NS_PER_S)
#define END_NS      (5 * NS_PER_S) /* for the clients to leave by themselves */
#define STOP_MIN_MS 300u
#define STOP_MAX_MS 2500u

enum harm {
	HARM_REVOKE,
	HARM_STOP,
	HARM_KILL_CLIENT,
	HARM_KILL_ROLE,
	N_HARMS,
};

struct client {
	pid_t pid;
	uint64_t goes_on_ns; /* stopped until then; 0: not stopped */
	bool is_condemned;   /* killed by us */
};

struct crowd {
	const struct crowd_plan *plan;
	struct board *board;
	struct crowd_result *result;
	struct control *control; /* NULL: not connected */
	struct client clients[BOARD_SEATS_MAX];
	uint64_t due_ns[N_HARMS]; /* UINT64_MAX: never */
	uint64_t rests_until_ns[BOARD_CAMERAS_MAX];
	uint64_t began_ns;
	enum crowd_end end;
	bool is_over;
};

static void give_up(struct crowd *c, enum crowd_end end)
{
	if (!c->is_over)
		c->end = end;
	c->is_over = true;
}

/* --- asking the mux -------------------------------------------------------------------------- */

/* One attempt: 0 with an answer in *ret, or -errno. */
static int ask_once(struct crowd *c, const struct wire_message *rq, void *msg,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret)
{
	int r = c->control ? 0 : control_connect(c->plan->control, &c->control);

	if (r == 0)
		r = control_ask(c->control, rq, msg, ANSWER_MS, on_record, data, ret);
	if (r < 0) {
		control_close(c->control);
		c->control = NULL;
	}
	return r;
}

/* 0 with an answer; else the check is over. */
static int ask_mux(struct crowd *c, const struct wire_message *rq, void *msg,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret)
{
	uint64_t deadline = clock_monotonic_ns() + PATIENCE_NS;
	int r;

	while ((r = ask_once(c, rq, msg, on_record, data, ret)) < 0 && c->plan->mux_may_fail &&
		clock_monotonic_ns() < deadline)
		(void)poll(NULL, 0, AGAIN_MS); /* nothing tells when there is a broker again */
	if (r < 0) {
		snprintf(c->result->why, sizeof(c->result->why), "the mux does not answer: %s",
			strerror(-r));
		give_up(c, CROWD_NO_MUX);
	}
	return r;
}

static void on_token(void *data, const struct wire_message *m, const void *record)
{
	if (m == &wire_ctl_token)
		memcpy(data, record, sizeof(struct msg_ctl_token));
}

static void grant(struct crowd *c, uint32_t i)
{
	struct board_seat *s = &c->board->seats[i];
	struct msg_ctl_grant rq = {.has_uid = c->plan->drops_user,
		.uid = c->plan->uids[i % 2],
		.expires_s = c->plan->seconds + 3600u,
		.label = "check"};
	struct msg_ctl_token token = {0};
	struct msg_ctl_done done = {0};

	strcpy(rq.camera, c->board->cameras[s->camera].name);
	if (ask_mux(c, &wire_ctl_grant, &rq, on_token, &token, &done) < 0)
		return;
	if (done.status || !*token.token) {
		snprintf(c->result->why, sizeof(c->result->why), "the mux grants nothing: %s",
			*done.reason ? done.reason : strerror((int)done.status));
		give_up(c, CROWD_NO_MUX);
		return;
	}
	board_set_token(s, token.token);
}

/* --- clients --------------------------------------------------------------------------------- */

static _Noreturn void be_client(const struct crowd *c, uint32_t i, pid_t parent)
{
	const struct crowd_plan *p = c->plan;
	sigset_t none;

	/* What a terminal sends is for the parent, which ends this one in good order. */
	setpgid(0, 0);
	if (p->drops_user &&
		(setgroups(0, NULL) < 0 || setregid(p->uids[i % 2], p->uids[i % 2]) < 0 ||
			setreuid(p->uids[i % 2], p->uids[i % 2]) < 0))
		_exit(70);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* setreuid clears it */
	if (getppid() != parent)
		_exit(70);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(watch_run(c->board, i, p->socket));
}

static void start_client(struct crowd *c, uint32_t i)
{
	pid_t parent = getpid();

	fflush(NULL);
	c->clients[i] = (struct client){.pid = fork()};
	if (c->clients[i].pid == 0)
		be_client(c, i, parent);
	if (c->clients[i].pid < 0) {
		snprintf(c->result->why, sizeof(c->result->why), "cannot start a client: %s",
			strerror(errno));
		give_up(c, CROWD_NO_MUX);
	}
}

static void client_ended(struct crowd *c, uint32_t i, int status)
{
	bool was_ours = c->clients[i].is_condemned;

	c->clients[i].pid = 0;
	if (!was_ours && (!WIFEXITED(status) || WEXITSTATUS(status)))
		c->result->clients_crashed++;
	if (!c->is_over)
		start_client(c, i);
}

static void reap(struct crowd *c)
{
	siginfo_t info = {0};
	int status;
	pid_t pid;

	/* Its owner reaps it. */
	if (c->plan->mux_pid &&
		waitid(P_PID, (id_t)c->plan->mux_pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid)
		give_up(c, CROWD_MUX_ENDED);
	for (uint32_t i = 0; i < c->board->n_seats; i++) {
		pid = c->clients[i].pid > 0 ? waitpid(c->clients[i].pid, &status, WNOHANG) : 0;
		if (pid > 0)
			client_ended(c, i, status);
	}
}

/* --- harm ------------------------------------------------------------------------------------ */

static uint64_t about(unsigned ms)
{
	return ms ? (uint64_t)(ms / 2 + (unsigned)random() % (ms + 1)) * NS_PER_MS : 0;
}

/* A seat with a client that is not stopped already; n_seats: none found. */
static uint32_t pick_seat(const struct crowd *c)
{
	uint32_t i = (uint32_t)random() % c->board->n_seats;

	return c->clients[i].pid > 0 && !c->clients[i].goes_on_ns && !c->clients[i].is_condemned
		? i
		: c->board->n_seats;
}

/* A stopped client may be revoked, too. */
static void revoke_one(struct crowd *c)
{
	uint32_t i = (uint32_t)random() % c->board->n_seats;
	struct board_seat *s = &c->board->seats[i];
	uint64_t lease = atomic_load(&s->lease);
	struct msg_ctl_revoke rq = {0};
	struct msg_ctl_done done = {0};

	if (!lease)
		return;
	atomic_store(&s->revoked_ns, 0);
	atomic_store(&s->revoked_lease, lease);
	snprintf(rq.id, sizeof(rq.id), "%016" PRIx64, lease);
	if (ask_mux(c, &wire_ctl_revoke, &rq, NULL, NULL, &done) < 0)
		return;
	if (done.status == ENOENT) /* it left before that */
		return;
	if (done.status) {
		c->result->revokes_failed++;
		snprintf(c->result->why, sizeof(c->result->why), "a revoke failed: %s",
			*done.reason ? done.reason : strerror((int)done.status));
	} else {
		atomic_store(&s->revoked_ns, clock_monotonic_ns());
		samples_add(&c->result->revokes, done.elapsed_us * NS_PER_US);
	}
	grant(c, i);
}

static void stop_client(struct crowd *c)
{
	uint32_t i = pick_seat(c);

	if (i == c->board->n_seats)
		return;
	kill(c->clients[i].pid, SIGSTOP);
	c->clients[i].goes_on_ns = clock_monotonic_ns() +
		(STOP_MIN_MS + (unsigned)random() % (STOP_MAX_MS - STOP_MIN_MS)) * NS_PER_MS;
	c->result->stops++;
}

static void kill_client(struct crowd *c)
{
	uint32_t i = pick_seat(c);

	if (i == c->board->n_seats)
		return;
	c->clients[i].is_condemned = true;
	kill(c->clients[i].pid, SIGKILL);
	c->result->clients_killed++;
}

static void note_mux(void *data, const struct wire_message *m, const void *record)
{
	struct role_pids *pids = data;

	if (m == &wire_ctl_mux)
		memcpy(&pids->mux, record, sizeof(pids->mux));
	if (m == &wire_ctl_camera && pids->n < BOARD_CAMERAS_MAX)
		memcpy(&pids->cameras[pids->n++], record, sizeof(struct msg_ctl_camera));
}

static int ask_status(struct crowd *c, struct role_pids *ret)
{
	struct msg_ctl_status rq = {0};
	struct msg_ctl_done done = {0};
	int r;

	ret->n = 0;
	r = ask_mux(c, &wire_ctl_status, &rq, note_mux, ret, &done);
	if (r == 0 && !done.status)
		c->result->mux = ret->mux;
	return r;
}

static void kill_role(struct crowd *c)
{
	struct role_pids *pids = calloc(1, sizeof(*pids));
	uint64_t now = clock_monotonic_ns();
	uint32_t at;

	if (!pids || ask_status(c, pids) < 0 || !pids->n) {
		free(pids);
		return;
	}
	at = (uint32_t)random() % pids->n;
	if (now >= c->rests_until_ns[at]) {
		bool is_decode = random() % 2;

		if (role_kill(&pids->cameras[at], is_decode) == 0) {
			c->rests_until_ns[at] = now + c->plan->rest_ms * NS_PER_MS;
			c->result->decoders_killed += is_decode;
			c->result->ingests_killed += !is_decode;
		}
	}
	free(pids);
}

static unsigned average_ms(const struct crowd_plan *p, enum harm h)
{
	switch (h) {
	case HARM_REVOKE:
		return p->revoke_ms;
	case HARM_STOP:
		return p->stop_ms;
	case HARM_KILL_CLIENT:
		return p->kill_client_ms;
	default:
		return p->kill_role_ms;
	}
}

static void do_harm(struct crowd *c, uint64_t now)
{
	static void (*const harms[N_HARMS])(struct crowd *) = {
		[HARM_REVOKE] = revoke_one,
		[HARM_STOP] = stop_client,
		[HARM_KILL_CLIENT] = kill_client,
		[HARM_KILL_ROLE] = kill_role,
	};

	for (unsigned h = 0; h < N_HARMS && !c->is_over; h++)
		if (now >= c->due_ns[h]) {
			harms[h](c);
			c->due_ns[h] = clock_monotonic_ns() + about(average_ms(c->plan, h));
		}
}

static void go_on(struct crowd *c, uint64_t now, bool all)
{
	for (uint32_t i = 0; i < c->board->n_seats; i++) {
		struct client *k = &c->clients[i];

		if (k->pid > 0 && k->goes_on_ns && (all || now >= k->goes_on_ns)) {
			kill(k->pid, SIGCONT);
			k->goes_on_ns = 0;
		}
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static void read_signals(struct crowd *c)
{
	struct signalfd_siginfo info;

	while (read(c->plan->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			give_up(c, CROWD_INTERRUPTED);
}

static uint64_t next_ns(const struct crowd *c, uint64_t next)
{
	for (unsigned h = 0; h < N_HARMS; h++)
		if (c->due_ns[h] < next)
			next = c->due_ns[h];
	for (uint32_t i = 0; i < c->board->n_seats; i++)
		if (c->clients[i].goes_on_ns && c->clients[i].goes_on_ns < next)
			next = c->clients[i].goes_on_ns;
	return next;
}

/* Wait for a signal, or until then. */
static void await(struct crowd *c, uint64_t until_ns)
{
	struct pollfd p = {.fd = c->plan->signal_fd, .events = POLLIN};
	uint64_t now = clock_monotonic_ns();

	(void)poll(&p, 1, until_ns > now ? (int)((until_ns - now) / NS_PER_MS) + 1 : 0);
	read_signals(c);
	reap(c);
}

/* Nothing is done to anybody before every camera was seen: there would be nothing to see. */
static void await_cameras(struct crowd *c)
{
	uint64_t deadline = clock_monotonic_ns() + c->plan->patience_s * NS_PER_S;
	struct tally t = {0};

	while (!c->is_over && !tally_failures(&t) && !board_all_seen(c->board) &&
		clock_monotonic_ns() < deadline) {
		await(c, clock_monotonic_ns() + AGAIN_MS * NS_PER_MS);
		t = board_sum(c->board);
	}
	c->began_ns = clock_monotonic_ns();
	for (unsigned h = 0; h < N_HARMS; h++)
		c->due_ns[h] = average_ms(c->plan, h) ? c->began_ns + about(average_ms(c->plan, h))
						      : UINT64_MAX;
}

static void run(struct crowd *c)
{
	uint64_t second = c->began_ns + NS_PER_S, end = c->began_ns + c->plan->seconds * NS_PER_S;

	while (!c->is_over) {
		uint64_t now = clock_monotonic_ns();

		if (now >= second) {
			if (c->plan->progress)
				c->plan->progress(c->plan->data,
					(unsigned)((now - c->began_ns) / NS_PER_S), c->board);
			second += NS_PER_S;
			continue;
		}
		if (now >= end)
			break;
		go_on(c, now, false);
		do_harm(c, now);
		if (!c->is_over)
			await(c, next_ns(c, second < end ? second : end));
	}
}

static bool anybody(const struct crowd *c)
{
	for (uint32_t i = 0; i < c->board->n_seats; i++)
		if (c->clients[i].pid > 0)
			return true;
	return false;
}

static void end_clients(struct crowd *c)
{
	uint64_t deadline = clock_monotonic_ns() + END_NS;

	c->is_over = true;
	atomic_store(&c->board->is_over, true);
	go_on(c, 0, true);
	reap(c);
	while (anybody(c) && clock_monotonic_ns() < deadline)
		await(c, deadline);
	for (uint32_t i = 0; i < c->board->n_seats; i++)
		if (c->clients[i].pid > 0) {
			c->result
				->clients_crashed++; /* it does not look at its own time any more */
			kill(c->clients[i].pid, SIGKILL);
			waitpid(c->clients[i].pid, NULL, 0);
		}
}

static void begin(struct crowd *c, uint32_t seats_each)
{
	struct board *b = c->board;

	b->n_seats = b->n_cameras * seats_each;
	if (b->n_seats > BOARD_SEATS_MAX)
		b->n_seats = BOARD_SEATS_MAX;
	for (uint32_t i = 0; i < b->n_seats && !c->is_over; i++) {
		b->seats[i].camera = i % b->n_cameras;
		grant(c, i);
	}
	for (uint32_t i = 0; i < b->n_seats && !c->is_over; i++)
		start_client(c, i);
}

enum crowd_end crowd_run(const struct crowd_plan *plan, struct board *b, uint32_t seats_each,
	struct crowd_result *ret)
{
	struct crowd *c = calloc(1, sizeof(*c));
	struct role_pids *pids = calloc(1, sizeof(*pids));
	enum crowd_end end = CROWD_NO_MUX;

	*ret = (struct crowd_result){.why = "out of memory"};
	if (c && pids) {
		*ret->why = '\0';
		*c = (struct crowd){.plan = plan, .board = b, .result = ret, .end = CROWD_DONE};
		srandom((unsigned)clock_monotonic_ns());
		begin(c, seats_each);
		await_cameras(c);
		run(c);
		if (!c->is_over)
			(void)ask_status(c, pids);
		end_clients(c);
		control_close(c->control);
		end = c->end;
	}
	free(pids);
	free(c);
	return end;
}
