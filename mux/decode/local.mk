# mux/decode
