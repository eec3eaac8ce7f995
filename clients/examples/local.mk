# How to be a client: what to do with a view, and in three loops. Compiled and run by the tests; they
# see the installed header only.
example_programs = clients/examples/with_poll clients/examples/with_libevent
if HAVE_WAYLAND_SERVER
example_programs += clients/examples/with_wayland
endif
check_PROGRAMS += $(example_programs)
example_common = clients/examples/picture.c clients/examples/picture.h
clients_examples_with_poll_SOURCES = clients/examples/with_poll.c $(example_common)
clients_examples_with_poll_LDADD = libframemux.la
clients_examples_with_libevent_SOURCES = clients/examples/with_libevent.c $(example_common)
clients_examples_with_libevent_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
clients_examples_with_libevent_LDADD = libframemux.la $(EVENT_LIBS)
clients_examples_with_wayland_SOURCES = clients/examples/with_wayland.c $(example_common)
clients_examples_with_wayland_CFLAGS = $(AM_CFLAGS) $(WAYLAND_SERVER_CFLAGS)
clients_examples_with_wayland_LDADD = libframemux.la $(WAYLAND_SERVER_LIBS)
