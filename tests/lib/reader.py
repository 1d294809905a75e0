#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""reader.py SECONDS: begin to read the list of flows, and no more of it for so long. Until it ends,
the module is in use."""
import struct
import sys
import time

from netlink import DUMP, Rewire

rewire = Rewire()
rewire.send(rewire.family, struct.pack("=BBH", rewire.c["CMD_FLOW_GET"], 1, 0), DUMP)
print("reading", flush=True)
time.sleep(float(sys.argv[1]))
