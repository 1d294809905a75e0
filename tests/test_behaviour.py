#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What becomes of a packet, byte by byte: each file of behaviour/ is an area.

Arguments: areas, instead of all.
"""
import importlib
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = os.path.join(here, "lib"), os.path.join(here, "behaviour")
import tap


def area(name):
    def test():
        stage = importlib.import_module(name).run()
        tap.point(stage.balanced(), f"G10: {name}: received = translated + passed + dropped + held",
                  stage.counters())
        stage.close()
    test.__name__ = name
    return test


def named():
    """A name says which standard or requirement wants it so."""
    nameless = [name for name in tap.names if not re.search(r"RFC \d+|IEEE 802|\b[SXGHT]\d+", name)]
    tap.point(len(tap.names) >= 200 or sys.argv[1:], "G11: there are hundreds of behaviours", len(tap.names))
    tap.equal("G11: each is named by its standard or requirement", nameless, [])


AREAS = sorted(file[:-3] for file in os.listdir(os.path.join(here, "behaviour"))
               if file.endswith(".py") and file != "talk.py")
tap.run(*map(area, sys.argv[1:] or AREAS), named)
