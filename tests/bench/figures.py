# SPDX-License-Identifier: GPL-2.0
"""What the measured numbers say.

A round's figure of a system is the lower quartile of its bursts, divided by that of the bursts of
the plain router between them: what else the machine does only makes bursts slower, those of the
router, too. A system's cost is how much that is above the same figure of the floor, so it is
what the system does with a packet, in units of a packet through a plain router.
"""
from statistics import median, quantiles

# Ratios whose rounds differ by more are no result
SPREAD_MAX = 0.25


def lower_quartile(values):
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


class Figure:
    """Of rounds: their median, and their spread, which is the distance of their quartiles."""

    def __init__(self, values):
        self.values = values
        self.median = median(values)
        low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        self.low, self.high = low, high
        self.spread = (high - low) / abs(self.median) if self.median else float("inf")

    @property
    def sound(self):
        return len(self.values) > 1 and self.median > 0 and self.spread <= SPREAD_MAX


class Comparison:
    """All systems under one load: family, number of flows, size of packets, delivery."""

    def __init__(self, measurements):
        self.paired = {one["system"]: [lower_quartile([system for _, system in bursts]) /
                                       lower_quartile([plain for plain, _ in bursts])
                                       for bursts in one["rounds"]] for one in measurements}
        plain = [plain for one in measurements for bursts in one["rounds"] for plain, _ in bursts]
        self.plain = lower_quartile(plain)

    @property
    def systems(self):
        return list(self.paired)

    def nanoseconds(self, system):
        """Of a whole packet: making it, forwarding it, dropping it."""
        return self.plain * median(self.paired[system])

    def costs(self, system):
        """Above the floor, by round, in units of the plain router."""
        return [one - floor for one, floor in zip(self.paired[system], self.paired["floor"])]

    def cost(self, system):
        """Above the floor, in nanoseconds."""
        return Figure([self.plain * cost for cost in self.costs(system)])

    def ratio(self, system, other):
        """Of the costs of two systems in the same rounds; one that is none is a bad measurement"""
        return Figure([ours / theirs if ours > 0 and theirs > 0 else float("inf")
                       for ours, theirs in zip(self.costs(system), self.costs(other))])

    def best_peer(self, system="rewire"):
        peers = [other for other in self.paired
                 if other != "floor" and not other.startswith(system)]
        return min(peers, key=lambda other: self.cost(other).median, default=None)


def comparisons(results):
    """By (family, flows, size, slot), in the order of measurement"""
    found = {}
    for one in results["measurements"]:
        load = one["family"], one["flows"], one["size"], one.get("slot", 0)
        found.setdefault(load, []).append(one)
    return {load: Comparison(measurements) for load, measurements in found.items()}
