# mux/ingest
