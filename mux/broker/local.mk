# framemux-broker: capabilities, leases, rings, erasing. Links no codec and no network library.
noinst_LTLIBRARIES += libbroker.la
libbroker_la_SOURCES = \
	mux/broker/accept.c mux/broker/accept.h \
	mux/broker/asks.c mux/broker/asks.h \
	mux/broker/attach.c mux/broker/attach.h \
	mux/broker/audit.c mux/broker/audit.h \
	mux/broker/audit_read.c mux/broker/audit_read.h \
	mux/broker/audit_sums.c mux/broker/audit_sums.h \
	mux/broker/barred.c mux/broker/barred.h \
	mux/broker/broker.c mux/broker/broker.h \
	mux/broker/camera.c mux/broker/camera.h \
	mux/broker/client.c mux/broker/client.h \
	mux/broker/conn.c mux/broker/conn.h \
	mux/broker/control.c mux/broker/control.h \
	mux/broker/daemon_link.c mux/broker/daemon_link.h \
	mux/broker/decoder.c mux/broker/decoder.h \
	mux/broker/drain.c mux/broker/drain.h \
	mux/broker/erase.c mux/broker/erase.h \
	mux/broker/expiry.c mux/broker/expiry.h \
	mux/broker/filter.c mux/broker/filter.h \
	mux/broker/grant.c mux/broker/grant.h \
	mux/broker/held.c mux/broker/held.h \
	mux/broker/keys.c mux/broker/keys.h \
	mux/broker/lease.c mux/broker/lease.h \
	mux/broker/list.h mux/broker/rate.h \
	mux/broker/listener.c mux/broker/listener.h \
	mux/broker/open.c mux/broker/open.h \
	mux/broker/plan.c mux/broker/plan.h \
	mux/broker/quota.c mux/broker/quota.h \
	mux/broker/reload.c mux/broker/reload.h \
	mux/broker/revoke.c mux/broker/revoke.h \
	mux/broker/ring.c mux/broker/ring.h \
	mux/broker/secrets.h \
	mux/broker/standing.c mux/broker/standing.h \
	mux/broker/status.c mux/broker/status.h \
	mux/broker/watch.c mux/broker/watch.h \
	mux/broker/swap.c mux/broker/swap.h \
	mux/broker/tenure.c mux/broker/tenure_attach.c mux/broker/tenure.h \
	mux/broker/unit.c mux/broker/unit.h \
	mux/broker/verify.c mux/broker/verify.h
libbroker_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(EVENT_CFLAGS) $(DRM_CFLAGS) $(SECCOMP_CFLAGS)
libbroker_la_LIBADD = liblink.la $(EVENT_LIBS) $(SODIUM_LIBS)

role_PROGRAMS += framemux-broker
framemux_broker_SOURCES = mux/broker/main.c
framemux_broker_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
framemux_broker_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
framemux_broker_LDADD = libbroker.la
