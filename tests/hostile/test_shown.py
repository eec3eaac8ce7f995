"""REDTEAM 45 and 49: faults in every call, and clocks that jump. Neither can be had in a running mux
without changing it, so programs of make check show them, and are run here."""
import os

import table
from shown import run_programs

FULL = bool(os.environ.get("FRAMEMUX_FULL"))


@table.row(45, "each call of birth, restart, lease, attach, revoke, state fails once",
    "clean error, nothing leaked, never an unsealed fd")
def test_each_call_fails_once(s):
    every = {} if FULL else {"FAULT_EVERY": "23"}  # make check does more of them
    return run_programs(s, "fault/test_lease", "fault/test_daemon", "fault/test_state", **every)


@table.row(49, "suspend and clock jumps, with clocks of the test's",
    "leases expire on boot time; nothing from before shown")
def test_clocks_jump(s):
    return run_programs(s, "unit/test_broker", "unit/test_ingest_suspend", "unit/test_decode_idle",
        "unit/test_attach_life")
