# What a person runs from a fresh clone.
dist_noinst_SCRIPTS += scripts/setup scripts/build-tree scripts/demo scripts/check \
	scripts/fault scripts/fuzz scripts/policy-sign scripts/soak
EXTRA_DIST += scripts/demo.py
