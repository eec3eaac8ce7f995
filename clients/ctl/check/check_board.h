/*
 * What the processes of a check share: one piece of memory with the cameras, a seat for each
 * checking client, and what each of them has counted. A seat's tally is written by the client that
 * sits there alone, so that what it saw outlives its being killed.
 */
#ifndef FRAMEMUX_CTL_CHECK_BOARD_H
#define FRAMEMUX_CTL_CHECK_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"

#define BOARD_CAMERAS_MAX 64u
#define BOARD_SEATS_MAX   1024u
#define BOARD_SAMPLES     128u  /* of each kind and seat; the newest stay */
#define BOARD_NUMBERS     1024u /* a pattern's frame numbers begin anew after so many */

struct samples {
	uint64_t n;
	uint32_t max_us, us[BOARD_SAMPLES];
};

struct tally {
	uint64_t frames, blocks, views; /* frames: acquired, looked at, and whole after that */
	uint64_t withdrawn;             /* erased while they were looked at: never shown */
	uint64_t concealed;             /* the decoder said that it had to make something up */
	/* From here on: guarantees that did not hold. */
	uint64_t stranger_blocks, torn_blocks, unreadable_blocks;
	uint64_t stale_frames, early_frames; /* too old; from before the view was asked for */
	uint64_t disordered_frames;          /* number or generation not after the one before */
	uint64_t revoked_frames, unerased_frames; /* given, or still there, after the revoke */
	uint64_t unproven_frames;                 /* refused by the library for their tag */
	struct samples join, rejoin;              /* asked for, or dark, until the next frame */
};

struct board_camera {
	char name[LIMIT_NAME];
	uint32_t width, height, fps;
	bool is_exact; /* painted by the decoder; else it was coded on its way, and may be damaged */
	/* When somebody had acquired the frame of this number: check_watch.c packs and reads it. */
	_Atomic uint64_t seen[BOARD_NUMBERS];
};

struct board_seat {
	uint32_t camera; /* index */
	/* From the one who grants: the token is whole while serial is even, and not 0. */
	char token[LIMIT_TOKEN];
	_Atomic uint32_t serial;
	/* A revoked lease, and when its revoke had returned (monotonic; 0: not yet). */
	_Atomic uint64_t revoked_lease, revoked_ns;
	/* From the client: what it has now; 0 none. */
	_Atomic uint64_t lease;
	struct tally tally;
};

struct board {
	_Atomic bool is_over;
	uint64_t limit_ns; /* stale_after */
	uint32_t n_cameras, n_seats;
	struct board_camera cameras[BOARD_CAMERAS_MAX];
	struct board_seat seats[BOARD_SEATS_MAX];
};

/* Shared with the children of the caller; NULL without memory. */
struct board *board_new(void);
void board_free(struct board *b);

/* One more camera. -EEXIST when its blocks would look like those of another, -ENOSPC, -EINVAL. */
int board_add_camera(struct board *b, const char *name, uint32_t width, uint32_t height,
	uint32_t fps, bool is_exact);

/* The seat's token, whole: its serial and a copy, or 0 when there is none (yet). */
uint32_t board_token(const struct board_seat *s, char ret[LIMIT_TOKEN]);
void board_set_token(struct board_seat *s, const char *token);

void samples_add(struct samples *s, uint64_t ns);

struct percentiles {
	uint64_t n;
	uint32_t p50_us, p99_us, max_us;
};

/* Over n samples lists, stride bytes apart. Zeros without samples. */
struct percentiles samples_percentiles(const struct samples *s, size_t n, size_t stride);

/* Everything that was counted on all seats; its samples are not added up. */
struct tally board_sum(const struct board *b);

/* Whether somebody has had a frame of this camera; of each. */
bool board_was_seen(const struct board *b, uint32_t camera);
bool board_all_seen(const struct board *b);

/* Guarantees that did not hold. */
uint64_t tally_failures(const struct tally *t);

#endif
