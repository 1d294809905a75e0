# SPDX-License-Identifier: GPL-2.0
"""Which functions a function calls, itself or by others, as its machine code has it."""
import re
import subprocess


class Calls:
    """Of object files together."""

    def __init__(self, *paths):
        self.calls = {}
        for path in paths:
            done = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", path],
                                  capture_output=True, text=True, check=True)
            self.read(done.stdout)

    def read(self, text):
        starts = {int(found[1], 16): found[2]
                  for found in re.finditer(r"^([0-9a-f]+) <([^>]+)>:", text, re.M)}
        name = None
        for line in text.splitlines():
            if found := re.match(r"[0-9a-f]+ <([^>]+)>:", line):
                name = found[1]
                self.calls[name] = set()
            elif found := re.search(r"R_X86_64_\S+\s+\.text(?:\+0x([0-9a-f]+))?$", line):
                place = int(found[1] or "0", 16)        # one of a jump counts from its end
                self.calls[name].add(starts.get(place) or starts.get(place + 4, ".text"))
            elif found := re.search(r"R_X86_64_\S+\s+([^\s+-]+)", line):
                self.calls[name].add(found[1])
            elif found := re.search(r"\t(?:call|j\w+)\s+[0-9a-f]+ <([^>+]+)", line):
                self.calls[name].add(found[1])

    def outside(self, name):
        """All symbols of other objects that NAME may get to; its data is among them."""
        todo, seen = [name], set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self.calls.get(name, ())
        return {name for name in seen if name not in self.calls}
