# For whoever starts framemuxd: systemd's units; service folders for s6 and runit, OpenRC's script.
data_systemd = data/framemux.service data/framemux.socket data/framemux-control.socket
data_scripts = data/s6/framemux/run data/runit/framemux/run data/runit/framemux/check \
	data/runit/framemux/log/run data/openrc/framemux
data_made = $(data_systemd) data/framemux.sysusers data/framemux.tmpfiles $(data_scripts)

systemdsystemunit_DATA = $(data_systemd)
initdir = $(datadir)/framemux/init
s6dir = $(initdir)/s6/framemux
s6_SCRIPTS = data/s6/framemux/run
s6_DATA = data/s6/framemux/notification-fd
runitdir = $(initdir)/runit/framemux
runit_SCRIPTS = data/runit/framemux/run data/runit/framemux/check
runitlogdir = $(runitdir)/log
runitlog_SCRIPTS = data/runit/framemux/log/run
openrcdir = $(initdir)/openrc
openrc_SCRIPTS = data/openrc/framemux

$(data_made): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@runstatedir[@]|$(runstatedir)|g' \
		-e 's|@localstatedir[@]|$(localstatedir)|g' -e 's|@NOTIFY[@]|$(SYSTEMD_NOTIFY)|g' \
		$(SYSTEMD_NOTIFY_EDIT) \
		$< >$@.tmp && { case $@ in */run | */check | */openrc/*) chmod +x $@.tmp ;; esac; } && mv $@.tmp $@

# Named as their folders want them: framemux.conf.
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) data/framemux.sysusers '$(DESTDIR)$(sysusersdir)/framemux.conf'
	$(INSTALL_DATA) data/framemux.tmpfiles '$(DESTDIR)$(tmpfilesdir)/framemux.conf'
uninstall-hook:
	rm -f '$(DESTDIR)$(sysusersdir)/framemux.conf' '$(DESTDIR)$(tmpfilesdir)/framemux.conf'
all-local: $(data_made)
CLEANFILES += $(data_made)
EXTRA_DIST += $(data_made:=.in) data/s6/framemux/notification-fd
