# framemux-resolve: the addresses of a name, one-shot, unprivileged and confined.
noinst_LTLIBRARIES += libresolve.la
libresolve_la_SOURCES = mux/resolve/confine.c mux/resolve/confine.h
libresolve_la_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
libresolve_la_LIBADD = $(SECCOMP_LIBS)
role_PROGRAMS += framemux-resolve
framemux_resolve_SOURCES = mux/resolve/main.c
framemux_resolve_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_resolve_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_resolve_LDADD = libresolve.la
