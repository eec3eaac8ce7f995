# mux/resolve
