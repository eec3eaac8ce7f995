# clients/ctl
