# mux/broker
