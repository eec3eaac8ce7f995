/*
 * Lease, attach, deliver, revoke, erase, a decoder's crash and a client's death, for two cameras and
 * two clients, as the code does them (ARCHITECTURE.md: which function is which step), with G1, G5
 * and G6 as assertions. tests/model/run lets spin go through every interleaving.
 *
 * One step here is one in the code, or cannot be told from it: the broker's own tables are seen by
 * the broker alone, so only what it does to shared memory (the dead mark, an erasing that clears the
 * picture before its trailer) and to queues stands apart. Time is not counted: whatever has a time
 * limit may happen at any moment, so nothing here rests on a machine being fast.
 *
 * Slots of a ring have nothing in common, so one stands for all: one word of picture (body) and its
 * trailer. A lease is called by its client. A decoder is HONEST; or MORTAL, which is honest until it
 * crashes at any moment; or EVIL: it writes into whatever it has mapped at any moment, says that it
 * let go of what it keeps, ignores what it is told and stays until it is killed; or LOUD, which breaks
 * the protocol besides.
 * An evil client needs no part: G1 and G6 are asserted of the memory itself, whoever reads it and how
 * often. Frames are asserted of an honest client, which may die or stop for ever at any moment.
 *
 * Symmetry: client 0 opens camera 0 and it is his right that is revoked. Client 1 does not come, or
 * opens the same camera, or the other: SECOND. The runner does each: one client with everything that
 * may happen to his frames, then two whose frames are not looked at but by the tag (LOOKS: client 0's
 * are).
 * Nothing goes round in circles, so every run has an end, and what must happen some time must have
 * happened there (proctype last).
 *
 * MUTATE_x makes the mistake x; tests/model/run shows which assertion finds it.
 */

#ifndef RINGS
#define RINGS 3  /* that are ever made; 2 or 3 */
#endif
#ifndef BIRTHS
#define BIRTHS 3 /* of pairs */
#endif
#ifndef MORTALS
#define MORTALS 1
#endif
#ifndef EVILS
#define EVILS 1
#endif
#ifndef LOUDS
#define LOUDS 1
#endif
#ifndef FRAMES
#define FRAMES 2 /* that a ring gets, at most */
#endif
#ifndef REFITS
#define REFITS 1 /* attaches that end while their lease goes on: stale, lost, another form */
#endif

#define NONE 3 /* no ring */

/* a ring's life in the broker */
#define FRESH   0
#define MAPPING 1
#define READY   2
#define GIVEN   3
#define ENDING  4
#define OVER    5

/* whose its slot is */
#define DECODERS 0
#define SENT     1 /* the frame message is under way, or waits */
#define ACQUIRED 2
#define CREDITED 3 /* the credit is under way */

/* what the kernel counts as a writer */
#define NOBODY 0
#define FLIGHT 1 /* a descriptor in the link's queue */
#define MAPPED 2

/* what is in memory: a frame by its number, or */
#define ERASED 0
#define JUNK   3

typedef Ring {
	/* for life */
	unsigned lease : 1;
	unsigned cam : 1;
	unsigned gen : 2;
	/* the broker's */
	unsigned phase : 3;
	unsigned silent : 1; /* let go, by its decoder's word or its death */
	unsigned orphan : 1; /* its pair is reaped */
	unsigned todo : 2;   /* to erase: picture and trailer, the trailer */
	/* memory, and the kernel's census of it */
	unsigned dead : 1;
	unsigned body : 2;
	unsigned trailer : 2;
	unsigned writer : 2;
	unsigned mapper : 1; /* whose decoder the writer is */
	/* the slot and the frame in it */
	unsigned slot : 2;
	unsigned n : 2;
	unsigned fcam : 1;
	unsigned fgen : 2;
	unsigned old : 1;    /* beyond the limit */
	unsigned early : 1;  /* came before the client was given the ring */
	/* the decoder's */
	unsigned live : 1;
	unsigned held : 1;   /* a frame that came before ring_go is still at hand */
};
Ring ring[RINGS];

#define UNASKED  0
#define WAITING  1
#define ATTACHED 2
#define ENDED    3
typedef Lease {
	unsigned state : 2;
	unsigned ends : 1;
	unsigned cam : 1;
	unsigned at : 2;       /* its ring */
	unsigned gone : 1;     /* its client hung up or died */
	unsigned asked : 1;    /* for its revocation */
	unsigned answered : 1;
};
Lease lease[2];

#define HONEST 0
#define MORTAL 1
#define EVIL   2
#define LOUD   3 /* evil, and it breaks the protocol */
#define IS_EVIL(m) (cam[m].kind >= EVIL)
typedef Camera {
	/* what is so */
	unsigned gen : 2;
	unsigned alive : 1;
	unsigned kind : 2;
	unsigned killed : 1;
	/* what the broker thinks */
	unsigned known : 2;     /* the generation it was told of last */
	unsigned decoder : 1;   /* it has one */
	unsigned link : 1;
	unsigned condemned : 1;
};
Camera cam[2];
byte births, mortals, evils, refits;

#define GIVE   1
#define GO     2
#define DROP   3
#define TOOK   4
#define LET_GO 5
#define BORN   6
#define DEAD   7
chan to_decoder[2] = [4] of { byte, byte };
chan from_decoder[2] = [4] of { byte, byte };
chan to_client[2] = [1] of { byte };
chan news[2] = [3] of { byte, byte }; /* framemuxd's, of a camera */

/* --- properties ----------------------------------------------------------------------------- */

#define IS_CLEAR(x)                                                                                \
	(ring[x].body == ERASED && ring[x].trailer == ERASED && ring[x].writer == NOBODY)
#define IS_BLIND_AT(x, c) (ring[x].phase == FRESH || ring[x].lease != (c) || IS_CLEAR(x))
/* Every ring that the lease ever had: nothing in it, and nobody who could write. */
#define IS_BLIND(c) (IS_BLIND_AT(0, c) && IS_BLIND_AT(1, c) && IS_BLIND_AT(RINGS - 1, c))

#define G1_never_used_again(x)        assert(ring[x].phase == FRESH)
#define G1_one_lease_has_it(x, c)     assert(ring[x].lease == (c))
#define G1_one_decoder_writes_it(x, m) assert(ring[x].cam == (m) && ring[x].gen == cam[m].gen)
#define G1_one_pair_of_a_camera(m)    assert(!cam[m].decoder)
#define G1_slot_is_one_owners(x)      assert(ring[x].slot == DECODERS)
#define G4_no_false_alarm(x)          assert(ring[x].dead)
#define G5_whole(got, seq)            assert(got == seq)
#define G5_of_its_camera(x, c)        assert(ring[x].fcam == lease[c].cam)
#define G5_of_this_generation(x)      assert(ring[x].fgen >= cam[ring[x].cam].known)
#define G5_not_before_the_attach(x)   assert(!ring[x].early)
#define G5_within_the_limit(x)        assert(!ring[x].old)
#ifndef MUTATE_WRONG_DECODER /* which it would find too, and sooner */
#define G6_blind_when_answered(c)     assert(IS_BLIND(c))
#else
#define G6_blind_when_answered(c)     skip
#endif
#define G6_blind_ever_after(x)        assert(!lease[ring[x].lease].answered)
#define G6_not_shown(c)               assert(!lease[c].answered)
#define G6_is_answered(c)             assert(!lease[c].asked || lease[c].answered)
#define every_attach_ends(x)          assert(ring[x].phase != ENDING)

/* --- the broker ----------------------------------------------------------------------------- */

/* The pair that the broker has a link to lives. */
#define IS_UP(m) (cam[m].alive && cam[m].gen == cam[m].known)

/* A link whose other end is closed takes nothing; descriptors in it are closed. */
inline tell_decoder(m, what, t) {
	if
	:: cam[m].link && IS_UP(m) -> to_decoder[m] ! what, t
	:: !(cam[m].link && IS_UP(m)) && what == GIVE -> ring[t].writer = NOBODY
	:: else
	fi
}

#define LASTS(x) (ring[x].phase == MAPPING || ring[x].phase == READY || ring[x].phase == GIVEN)

/*
 * erase_begin. Every ring that ends with this one is marked before the first is erased; what
 * follows, in any round of the loop, is the erasing. That all are told before is no difference to
 * a decoder that reads when it likes.
 */
inline erase_begin(t) {
#ifndef MUTATE_MARK_AFTER_ERASE
	ring[t].dead = 1;
#endif
	ring[t].phase = ENDING;
	ring[t].todo = 2;
	d = ring[t].cam;
	if
	:: !ring[t].silent -> tell_decoder(d, DROP, t)
	:: else
	fi;
	d = 0
}
#define BUSY (ring[0].todo || ring[1].todo || ring[RINGS - 1].todo)

/* end_attaches */
inline end_all(m) {
	i = 0;
	do
	:: i < RINGS ->
		if
		:: LASTS(i) && ring[i].cam == m -> erase_begin(i)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* framemuxd, told to kill, looks whether it is still that generation. */
inline condemn(m) {
	if
	:: cam[m].decoder && !cam[m].condemned ->
		cam[m].condemned = 1;
		if
		:: IS_UP(m) -> cam[m].killed = 1
		:: else
		fi;
		end_all(m)
	:: else
	fi
}

/* tenure_close, revoke_lease_gone */
inline lease_close(c) {
	lease[c].state = ENDED;
	if
	:: lease[c].asked -> G6_blind_when_answered(c); lease[c].answered = 1
	:: else
	fi
}

/* tenure_end */
inline lease_end(c) {
	lease[c].ends = 1;
	if
	:: lease[c].state == WAITING -> lease_close(c)
	:: lease[c].state == ATTACHED && ring[lease[c].at].phase != ENDING ->
		x = lease[c].at;
		erase_begin(x);
		x = 0
	:: else
	fi
}

/* What nobody looks at any more makes no two states of one. */
inline forget_ring(t) {
	ring[t].cam = 0;
	ring[t].gen = 0;
	ring[t].silent = 0;
	ring[t].orphan = 0;
	ring[t].mapper = 0;
	ring[t].slot = 0;
	ring[t].n = 0;
	ring[t].fcam = 0;
	ring[t].fgen = 0;
	ring[t].old = 0;
	ring[t].early = 0
}

/* finish, tenure_detached */
inline finish(t) {
#ifndef MUTATE_NO_SECOND_ERASE
	ring[t].body = ERASED; /* nobody shows what is dead, so nobody sees it half done */
	ring[t].trailer = ERASED;
#endif
	ring[t].phase = OVER;
	c = ring[t].lease;
	lease[c].at = NONE;
	if
	:: lease[c].ends -> lease_close(c)
	:: else -> lease[c].state = WAITING
	fi;
	if
	:: IS_CLEAR(t) -> forget_ring(t)
	:: else
	fi;
	c = 0
}

#ifdef MUTATE_RING_REUSED
#define IS_FREE(x) (ring[x].phase == FRESH || ring[x].phase == OVER)
#else
#define IS_FREE(x) (ring[x].phase == FRESH)
#endif
#define MAY_BEGIN(c)                                                                               \
	(lease[c].state == WAITING && cam[lease[c].cam].decoder && cam[lease[c].cam].link &&       \
		!cam[lease[c].cam].condemned && (IS_FREE(0) || IS_FREE(1) || IS_FREE(RINGS - 1)))

/* attach_begin: ring_make, send_ring */
inline attach_begin(c) {
	x = 0;
	do
	:: !IS_FREE(x) -> x++
	:: else -> break
	od;
	G1_never_used_again(x);
	ring[x].lease = c;
	ring[x].cam = lease[c].cam;
	ring[x].gen = cam[lease[c].cam].known;
	ring[x].phase = MAPPING;
	ring[x].writer = FLIGHT;
#ifdef MUTATE_WRONG_DECODER
	ring[x].mapper = 1 - lease[c].cam;
#else
	ring[x].mapper = lease[c].cam;
#endif
	lease[c].state = ATTACHED;
	lease[c].at = x;
	d = ring[x].mapper;
	tell_decoder(d, GIVE, x);
	d = 0;
	x = 0
}

#define MAY_GIVE(c)                                                                                \
	(lease[c].state == ATTACHED && ring[lease[c].at].phase == READY && empty(to_client[c]))

/* attach_give: the client has acknowledged the one before */
inline attach_give(c) {
	x = lease[c].at;
	ring[x].phase = GIVEN;
	d = ring[x].cam;
	tell_decoder(d, GO, x);
	d = 0;
#ifdef MUTATE_RING_SHARED
	if /* both look at one camera: why two rings? */
	:: lease[1 - c].state == ATTACHED && lease[1 - c].cam == lease[c].cam -> x = lease[1 - c].at
	:: else
	fi;
#endif
	to_client[c] ! x;
	x = 0
}

/* attach_mapped; a ring that has no writer when it is sealed is not mapped (ring_seal) */
inline on_took(m, t) {
	if
	:: !cam[m].condemned && ring[t].phase == MAPPING && ring[t].writer != NOBODY ->
		ring[t].phase = READY
	:: !cam[m].condemned && ring[t].phase == MAPPING && ring[t].writer == NOBODY -> condemn(m)
	:: else /* crossed a drop */
	fi
}

inline on_let_go(m, t) {
	if
	:: !cam[m].condemned && ring[t].phase == ENDING -> ring[t].silent = 1
	:: else
	fi
}

/* decoder_free: what is unread on the link is lost */
inline on_dead(m) {
	cam[m].decoder = 0;
	cam[m].link = 0;
	cam[m].condemned = 0;
	do
	:: from_decoder[m] ? _, _
	:: empty(from_decoder[m]) -> break
	od;
	i = 0;
	do
	:: i < RINGS ->
		if
		:: ring[i].phase != FRESH && ring[i].phase != OVER && ring[i].cam == m ->
			ring[i].silent = 1;
			ring[i].orphan = 1
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
#ifndef MUTATE_OLD_GENERATION_KEPT
	end_all(m)
#endif
}

/* camera_pair_born */
inline on_born(m) {
	G1_one_pair_of_a_camera(m);
	cam[m].decoder = 1;
	cam[m].link = 1;
	cam[m].known = k;
	k = 0
}

/*
 * The kernel's answer to F_RDLCK. A second after the pair is reaped the broker gives up on writers
 * (HOPELESS_MS); the model shows that there are none then.
 */
#if defined(MUTATE_BELIEVES_LET_GO)
#define NO_WRITER(x) (ring[x].writer == NOBODY || ring[x].silent)
#elif defined(MUTATE_ANSWERS_BEFORE_REAP)
#define NO_WRITER(x) (ring[x].writer == NOBODY || cam[ring[x].cam].condemned)
#else
#define NO_WRITER(x) (ring[x].writer == NOBODY || ring[x].orphan)
#endif
#ifdef MUTATE_NO_KILL
#define MAY_KILL(x) false
#else
#define MAY_KILL(x) (ring[x].phase == ENDING && !NO_WRITER(x))
#endif
#define MAY_FINISH(x) (ring[x].phase == ENDING && NO_WRITER(x))
/* Patience is over: with mapping (MAP_LIMIT_S), with letting go (REVOKED_MS, USUAL_MS). */
#define IS_LATE(x, m) (ring[x].cam == m && (ring[x].phase == MAPPING || MAY_KILL(x)))
#define IS_LATE_OF(m)                                                                              \
	(cam[m].decoder && !cam[m].condemned &&                                                    \
		(IS_LATE(0, m) || IS_LATE(1, m) || IS_LATE(RINGS - 1, m)))
#define HAS_LASTING(c) (lease[c].state == ATTACHED && LASTS(lease[c].at))

#define ERASES(x)                                                                                  \
	:: atomic { ring[x].todo == 2 -> ring[x].body = ERASED; ring[x].todo = 1 };                \
	   atomic { ring[x].trailer = ERASED; ring[x].todo = 0; ring[x].dead = 1 }
#define EVENT(guard) atomic { !BUSY && (guard) ->

#define OF_LEASE(c)                                                                                \
	/* on_turn */                                                                              \
	:: EVENT(MAY_BEGIN(c)) attach_begin(c) }                                                   \
	/* next_turn */                                                                            \
	:: EVENT(MAY_GIVE(c)) attach_give(c) }                                                     \
	/* tenure_client_gone */                                                                   \
	:: EVENT(lease[c].gone && !lease[c].ends) lease_end(c) }                                   \
	/* tenure_darken, tenure_reattach */                                                       \
	:: EVENT(refits < REFITS && HAS_LASTING(c))                                                \
		refits++; x = lease[c].at; erase_begin(x); x = 0 }

#define OF_CAMERA(m)                                                                               \
	:: EVENT(nempty(news[m]))                                                                  \
		if                                                                                 \
		:: news[m] ? BORN, k -> on_born(m)                                                 \
		:: news[m] ? DEAD, _ -> on_dead(m)                                                 \
		fi }                                                                               \
	:: EVENT(cam[m].link && nempty(from_decoder[m]))                                           \
		from_decoder[m] ? k, x;                                                            \
		if                                                                                 \
		:: k == TOOK -> on_took(m, x)                                                      \
		:: else -> on_let_go(m, x)                                                         \
		fi;                                                                                \
		k = 0; x = 0 }                                                                     \
	/* on_gone: the end of the link, or the protocol broken on it */                           \
	:: EVENT(cam[m].link && ((!IS_UP(m) && empty(from_decoder[m])) || cam[m].kind == LOUD))    \
		cam[m].link = 0; condemn(m) }                                                      \
	:: EVENT(IS_LATE_OF(m)) condemn(m) }

proctype broker() {
	byte i, x, k, c, d;

end:	do
	ERASES(0)
	ERASES(1)
#if RINGS > 2
	ERASES(2)
#endif
	/* open_handle, tenure_new */
	:: EVENT(lease[0].state == UNASKED) lease[0].state = WAITING }
#ifdef SECOND
	:: EVENT(lease[1].state == UNASKED) lease[1].state = WAITING; lease[1].cam = SECOND }
#endif
	OF_LEASE(0)
	OF_LEASE(1)
	OF_CAMERA(0)
	OF_CAMERA(1)
	/* check */
	:: EVENT(MAY_FINISH(0)) finish(0) }
	:: EVENT(MAY_FINISH(1)) finish(1) }
#if RINGS > 2
	:: EVENT(MAY_FINISH(2)) finish(2) }
#endif
	/* revoke_begin */
	:: EVENT(lease[0].state != UNASKED && !lease[0].asked)
		lease[0].asked = 1;
		if
		:: lease[0].state == ENDED -> lease_close(0)
		:: else -> lease_end(0)
		fi }
	od
}

/* --- a camera's pair, and framemuxd about it ------------------------------------------------- */

#define HAS(x, m) (ring[x].writer == MAPPED && ring[x].mapper == m)
#define IS_WANTED(m)                                                                               \
	((lease[0].state != UNASKED && lease[0].cam == m) ||                                       \
		(lease[1].state != UNASKED && lease[1].cam == m))

inline forget(r) {
	ring[r].live = 0;
	ring[r].held = 0
}

/* Maps, sockets and what was in them. */
inline kernel_cleans_up(m) {
	r = 0;
	do
	:: r < RINGS ->
		if
		:: ring[r].writer != NOBODY && ring[r].mapper == m ->
			ring[r].writer = NOBODY;
			forget(r)
		:: else
		fi;
		r++
	:: else -> break
	od;
	do
	:: to_decoder[m] ? _, _
	:: empty(to_decoder[m]) -> break
	od;
	r = 0
}

/* check_owner, attach_make, and the answer */
inline on_give(m, r) {
	if
	:: ring[r].cam == m || IS_EVIL(m) ->
		ring[r].writer = MAPPED;
		from_decoder[m] ! TOOK, r
	:: IS_EVIL(m) -> ring[r].writer = NOBODY; from_decoder[m] ! TOOK, r /* a lie */
	:: ring[r].cam != m && !IS_EVIL(m) -> ring[r].writer = NOBODY
	fi
}

/* attach_go; a frame that came before it may be under way to others, or held back in the codec */
inline on_go(r) {
	ring[r].live = 1;
#ifdef MUTATE_BEFORE_ATTACH
	ring[r].held = 1 /* else came_in_time has none of it */
#endif
}

/* attach_drop */
inline on_drop(m, r) {
	if
	:: !IS_EVIL(m) ->
		if
		:: HAS(r, m) -> ring[r].writer = NOBODY; forget(r)
		:: else
		fi;
		from_decoder[m] ! LET_GO, r
	:: IS_EVIL(m) -> from_decoder[m] ! LET_GO, r /* a lie */
	:: IS_EVIL(m) -> skip
	fi
}

#define MAY_WRITE(x, m)                                                                            \
	(!IS_EVIL(m) && HAS(x, m) && ring[x].live && ring[x].slot == DECODERS &&           \
		ring[x].n < FRAMES)

/* convert_write; publish_one begins */
inline write_frame(m, x) {
	G1_one_decoder_writes_it(x, m);
	G6_blind_ever_after(x);
	ring[x].n++;
	ring[x].body = ring[x].n;
	ring[x].fcam = m;
	ring[x].fgen = cam[m].gen;
	ring[x].old = 0;
	ring[x].early = ring[x].held || ring[x].phase < GIVEN;
	ring[x].held = 0
}

/* read_credits */
inline take_credit(m, x) {
#ifdef MUTATE_CREDIT_OF_ANOTHER
	if /* the next in the table */
	:: HAS((x + 1) % RINGS, m) -> ring[(x + 1) % RINGS].slot = DECODERS
	:: else -> ring[x].slot = DECODERS
	fi
#else
	ring[x].slot = DECODERS
#endif
}

inline write_junk(m, x) {
	G1_one_decoder_writes_it(x, m);
	G6_blind_ever_after(x);
	ring[x].body = JUNK
}

#define EACH(x, m)                                                                                 \
	:: atomic { MAY_WRITE(x, m) -> write_frame(m, x); r = x; goto announce }                   \
	:: atomic { HAS(x, m) && ring[x].slot == CREDITED && !IS_EVIL(m) -> take_credit(m, x) } \
	:: atomic { HAS(x, m) && IS_EVIL(m) && ring[x].body != JUNK -> write_junk(m, x) }

#define MUST_DIE(m) (cam[m].killed || cam[m].kind == MORTAL)

proctype pair(byte m) {
	byte r, k;

	/* pair_open, pair_announce */
end:	atomic {
		births < BIRTHS && IS_WANTED(m) ->
			births++;
			cam[m].gen++;
			cam[m].alive = 1;
			cam[m].killed = 0;
			if
			:: cam[m].kind = HONEST
			:: mortals < MORTALS -> cam[m].kind = MORTAL; mortals++
			:: evils < EVILS -> cam[m].kind = EVIL; evils++
			:: evils < EVILS && LOUDS -> cam[m].kind = LOUD; evils++
			fi;
			news[m] ! BORN, cam[m].gen
	}
endlife:
	do
	:: atomic { to_decoder[m] ? k, r ->
			if
			:: k == GIVE -> on_give(m, r)
			:: k == GO && HAS(r, m) -> on_go(r)
			:: k == GO && !HAS(r, m)
			:: k == DROP -> on_drop(m, r)
			fi; k = 0; r = 0 }
	EACH(0, m)
	EACH(1, m)
	EACH(RINGS - 1, m)
	:: MUST_DIE(m) -> goto dies
	od;
announce: /* trailer and message; or it dies in the midst of the frame */
	if
	:: atomic { true -> ring[r].trailer = ring[r].n; ring[r].slot = SENT; r = 0 }; goto endlife
	:: MUST_DIE(m) -> goto dies
	fi;
dies:
	atomic { cam[m].alive = 0; kernel_cleans_up(m) };
	/* reaped: after_death */
	news[m] ! DEAD, 0;
	goto end
}

/* --- clients, and time ----------------------------------------------------------------------- */

/* What tag and trailer vouch for: this frame, of the capability's camera, for this attach. */
#define IS_VERIFIED(x, c)                                                                          \
	(ring[x].body == ring[x].n && ring[x].trailer == ring[x].n &&                              \
		ring[x].fcam == lease[c].cam && ring[x].fgen == ring[x].gen)
#ifdef MUTATE_AGE_UNCHECKED
#define IS_TOO_OLD(x) false
#else
#define IS_TOO_OLD(x) ring[x].old
#endif

proctype client(byte c) {
	byte x = NONE, got, seq;

end:	do
	/* view_begin_attach: the one before has ended */
	:: atomic { to_client[c] ? x -> G1_one_lease_has_it(x, c) }
	/* view_drain, frames_acquire */
	:: atomic { x != NONE && ring[x].dead -> x = NONE }
	:: atomic { x != NONE && !ring[x].dead && ring[x].slot == SENT ->
			if
			:: IS_TOO_OLD(x) -> ring[x].slot = CREDITED
			:: !IS_TOO_OLD(x) && IS_VERIFIED(x, c) ->
				ring[x].slot = ACQUIRED; seq = ring[x].n; goto holds
			:: else -> G4_no_false_alarm(x); x = NONE
			fi }
	:: lease[c].state != UNASKED -> goto stopped
	od;
holds:	/* the application copies, then framemux_check */
	got = ring[x].body;
	if
	:: atomic { ring[x].trailer != seq || IS_TOO_OLD(x) -> goto returns }
	:: atomic { ring[x].trailer == seq && !IS_TOO_OLD(x) -> G5_within_the_limit(x) }
	:: goto stopped
	fi;
	atomic {
		if
		:: !ring[x].dead -> /* shown */
			G5_whole(got, seq);
			G5_of_its_camera(x, c);
			G5_of_this_generation(x);
			G5_not_before_the_attach(x);
			G6_not_shown(c)
		:: else
		fi
	}
returns: /* framemux_release */
	atomic {
		if
		:: !ring[x].dead -> ring[x].slot = CREDITED
		:: else
		fi;
		got = 0;
		seq = 0;
		goto end
	};
stopped: /* dies, closes the view, or is stopped for ever */
	atomic {
		got = 0;
		seq = 0;
		x = 0;
		if
		:: lease[c].gone = 1
		:: skip
		fi
	}
}

/* A client that only takes and gives back: what it does to others. */
proctype taker(byte c) {
	byte x = NONE;

end:	do
	:: atomic { to_client[c] ? x -> G1_one_lease_has_it(x, c) }
	:: atomic { x != NONE && ring[x].dead -> x = NONE }
	:: atomic { x != NONE && !ring[x].dead && ring[x].slot == SENT ->
			if
			:: IS_VERIFIED(x, c) -> G6_not_shown(c); ring[x].slot = CREDITED
			:: else -> G4_no_false_alarm(x); x = NONE
			fi }
	:: atomic { lease[c].state != UNASKED ->
			x = 0;
			if
			:: lease[c].gone = 1
			:: skip
			fi; break }
	od
}

#define AGES(x) (ring[x].lease == 0 && !ring[x].dead && (ring[x].slot == SENT || ring[x].slot == ACQUIRED) && !ring[x].old)
proctype time() {
end:	do
	:: atomic { AGES(0) -> ring[0].old = 1 }
	:: atomic { AGES(1) -> ring[1].old = 1 }
	:: RINGS > 2 && AGES(RINGS - 1) -> ring[RINGS - 1].old = 1
	od
}

/* Nothing moves any more. */
proctype last() {
end:	timeout;
	d_step {
		G6_is_answered(0);
		every_attach_ends(0);
		every_attach_ends(1);
		every_attach_ends(RINGS - 1)
	}
}

init {
	atomic {
		lease[0].at = NONE;
		lease[1].at = NONE;
		run broker();
		run pair(0);
		run pair(1);
#if defined(SECOND) && !defined(LOOKS)
		run taker(0);
#else
		run client(0);
		run time();
#endif
#ifdef SECOND
		run taker(1);
#endif
		run last()
	}
}
