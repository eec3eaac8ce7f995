# The soak's clients: those of framemuxctl check.
check_PROGRAMS += tests/soak/crowd
tests_soak_crowd_SOURCES = tests/soak/crowd.c
tests_soak_crowd_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_soak_crowd_LDADD = libctl.la libframemux.la
servers: tests/soak/crowd
EXTRA_DIST += tests/soak/soak.py
