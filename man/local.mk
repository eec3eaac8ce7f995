# Manual pages, and the commented configuration that goes with them.
dist_man_MANS += man/framemux-dump.1 man/framemux-view.1 man/framemuxctl.1 man/libframemux.3 man/framemux.conf.5 \
	man/framemux.7 man/framemux-audit.7 man/framemux-cameras.7 man/framemux-capability.7 \
	man/framemux-gst.7 man/framemux-guarantees.7 man/framemux-policy.7 man/framemux-protocol.7 man/framemuxd.8
dist_doc_DATA = data/framemux.conf docs/compositor.md
