# mux/daemon
