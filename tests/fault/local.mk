# Each call of a path fails once. Faults come in by the linker (shim.c); the list of what is wrapped:
fault_wrap = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray \
	-Wl,--wrap=posix_memalign -Wl,--wrap=strdup -Wl,--wrap=free -Wl,--wrap=event_new \
	-Wl,--wrap=event_free -Wl,--wrap=event_add \
	-Wl,--wrap=evutil_make_socket_nonblocking -Wl,--wrap=memfd_create \
	-Wl,--wrap=ftruncate -Wl,--wrap=fallocate -Wl,--wrap=mmap -Wl,--wrap=mprotect \
	-Wl,--wrap=madvise -Wl,--wrap=fstat -Wl,--wrap=fchmod -Wl,--wrap=fchown \
	-Wl,--wrap=open -Wl,--wrap=__open_2 -Wl,--wrap=openat -Wl,--wrap=fcntl \
	-Wl,--wrap=close -Wl,--wrap=read -Wl,--wrap=write -Wl,--wrap=fsync \
	-Wl,--wrap=fdatasync -Wl,--wrap=socketpair -Wl,--wrap=socket -Wl,--wrap=connect \
	-Wl,--wrap=send -Wl,--wrap=sendmsg -Wl,--wrap=recv -Wl,--wrap=recvmsg \
	-Wl,--wrap=accept4 -Wl,--wrap=getsockopt -Wl,--wrap=setsockopt -Wl,--wrap=poll \
	-Wl,--wrap=__poll_chk -Wl,--wrap=timerfd_create -Wl,--wrap=timerfd_settime -Wl,--wrap=epoll_create1 \
	-Wl,--wrap=epoll_ctl -Wl,--wrap=epoll_wait -Wl,--wrap=renameat -Wl,--wrap=renameat2 \
	-Wl,--wrap=unlinkat -Wl,--wrap=mkdir -Wl,--wrap=chmod -Wl,--wrap=flock \
	-Wl,--wrap=fork -Wl,--wrap=syscall -Wl,--wrap=eventfd -Wl,--wrap=pthread_create \
	-Wl,--wrap=open_memstream -Wl,--wrap=fclose -Wl,--wrap=clock_gettime
FAULT_SOURCES = tests/fault/shim.c tests/fault/shim.h
FAULT_TEST_SOURCES = $(FAULT_SOURCES) tests/fault/runs.c tests/fault/runs.h
FAULT_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)

if HAVE_CHECK
fault_tests = tests/fault/test_audit tests/fault/test_lease tests/fault/test_daemon tests/fault/test_state
check_PROGRAMS += tests/fault/decode $(fault_tests)
TESTS += $(fault_tests)
tests_fault_decode_SOURCES = tests/fault/decode.c $(FAULT_SOURCES)
tests_fault_decode_CFLAGS = $(FAULT_CFLAGS)
tests_fault_decode_LDFLAGS = $(fault_wrap)
tests_fault_decode_LDADD = libdecode.la $(EVENT_LIBS) $(UNIT_LIBS)
tests_fault_test_lease_SOURCES = tests/fault/test_lease.c tests/fault/stage.c tests/fault/stage.h \
	$(BROKER_SCENE) $(FAULT_TEST_SOURCES)
tests_fault_test_lease_CFLAGS = $(FAULT_CFLAGS) \
	-DFAULT_DECODE_BINARY='"$(abs_top_builddir)/tests/fault/decode"'
tests_fault_test_lease_LDFLAGS = $(fault_wrap) -Wl,--wrap=broker_run_on
tests_fault_test_lease_LDADD = libbroker.la libclient.la libcommon.la $(UNIT_LIBS)
tests_fault_test_daemon_SOURCES = tests/fault/test_daemon.c $(PAIR_SCENE) $(FAULT_TEST_SOURCES)
tests_fault_test_daemon_CFLAGS = $(FAULT_CFLAGS)
tests_fault_test_daemon_LDFLAGS = $(fault_wrap)
tests_fault_test_daemon_LDADD = libdaemon.la $(EVENT_LIBS) $(UNIT_LIBS)
tests_fault_test_audit_SOURCES = tests/fault/test_audit.c tests/unit/audit_check.h tests/unit/work_folder.h
tests_fault_test_audit_CFLAGS = $(UNIT_CFLAGS)
tests_fault_test_audit_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat,--wrap=unlinkat \
	-Wl,--wrap=openat,--wrap=pwrite,--wrap=write
tests_fault_test_audit_LDADD = libdaemon.la $(UNIT_LIBS)
tests_fault_test_state_SOURCES = tests/fault/test_state.c tests/unit/work_folder.h $(FAULT_TEST_SOURCES)
tests_fault_test_state_CFLAGS = $(FAULT_CFLAGS) -pthread
tests_fault_test_state_LDFLAGS = $(fault_wrap) -pthread
tests_fault_test_state_LDADD = libdaemon.la $(EVENT_LIBS) $(UNIT_LIBS)
endif
