# Manual pages, and the commented configuration that goes with them.
dist_man_MANS += man/framemux-dump.1 man/framemuxctl.1 man/libframemux.3 man/framemux.conf.5 \
	man/framemux.7 man/framemux-audit.7 man/framemux-cameras.7 man/framemux-capability.7 \
	man/framemux-gst.7 man/framemux-guarantees.7 man/framemux-policy.7 man/framemux-protocol.7 man/framemuxd.8
dist_doc_DATA = data/framemux.conf data/wall.conf docs/compositor.md
# With their programs.
if HAVE_VIEW
dist_man_MANS += man/framemux-view.1
else
EXTRA_DIST += man/framemux-view.1
endif
if HAVE_WLROOTS
dist_man_MANS += man/framemux-wall.1
else
EXTRA_DIST += man/framemux-wall.1
endif
