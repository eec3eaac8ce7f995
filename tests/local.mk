# tests

# The model: run by hand or by scripts/check.
dist_noinst_SCRIPTS += tests/model/run
EXTRA_DIST += tests/model/attach.pml
