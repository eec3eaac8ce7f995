# framemux-resolve: the addresses of a name, one-shot and unprivileged.
role_PROGRAMS += framemux-resolve
framemux_resolve_SOURCES = mux/resolve/main.c
framemux_resolve_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_resolve_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_resolve_LDADD =
