# What a person runs from a fresh clone.
dist_noinst_SCRIPTS += scripts/setup scripts/build-tree scripts/demo scripts/check \
	scripts/fuzz scripts/soak
	scripts/fuzz scripts/fault
EXTRA_DIST += scripts/demo.py
