# make bench: what the mux costs beside a bare decoder. Short; BENCH_FLAGS=--rounds=9 for better figures.
bench_programs = tests/bench/bench_audit tests/bench/bench_decode tests/bench/bench_client tests/bench/bench_live
check_PROGRAMS += $(bench_programs)
tests_bench_bench_audit_SOURCES = tests/bench/bench_audit.c
tests_bench_bench_audit_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
tests_bench_bench_audit_LDADD = libdaemon.la
tests_bench_bench_decode_SOURCES = tests/bench/bench_decode.c tests/bench/bench_decoder.h
tests_bench_bench_decode_CFLAGS = $(AM_CFLAGS) $(AVFORMAT_CFLAGS)
tests_bench_bench_decode_LDADD = $(AVFORMAT_LIBS)
tests_bench_bench_live_SOURCES = tests/bench/bench_live.c tests/bench/bench_code.h \
	tests/bench/bench_decoder.h
tests_bench_bench_live_CFLAGS = $(AM_CFLAGS) $(AVCODEC_CFLAGS)
tests_bench_bench_live_LDADD = $(AVCODEC_LIBS)
tests_bench_bench_client_SOURCES = tests/bench/bench_client.c tests/bench/bench_code.h
tests_bench_bench_client_CFLAGS = $(AM_CFLAGS)
tests_bench_bench_client_LDADD = libframemux.la

EXTRA_DIST += tests/bench/bench.py tests/bench/bench_audit.py tests/bench/bench_init.py tests/bench/bench_join.py tests/bench/bench_revoke.py tests/bench/bench_stale.py
bench: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/bench/bench.py --build $(abs_builddir) $(BENCH_FLAGS)
bench-join: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/bench/bench_join.py --build $(abs_builddir) $(BENCH_FLAGS)
bench-revoke: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/bench/bench_revoke.py --build $(abs_builddir) $(BENCH_FLAGS)
bench-init: all servers
	python3 $(srcdir)/tests/bench/bench_init.py --build $(abs_builddir) $(BENCH_FLAGS)
bench-stale: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/bench/bench_stale.py --build $(abs_builddir) $(BENCH_FLAGS)
bench-audit: all $(check_PROGRAMS)
	python3 $(srcdir)/tests/bench/bench_audit.py --build $(abs_builddir) $(BENCH_FLAGS)
.PHONY: bench bench-audit bench-init bench-join bench-revoke bench-stale
