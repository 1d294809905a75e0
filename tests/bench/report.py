#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py [--text] RESULTS.json...: a table of what was measured, and RESULTS.{txt,svg,png}.

Results of other programs than measure.py are a table alone.

report.py --slower PLAIN.json SLOW.json: whether Rewire's cost shows that it was slowed down.
"""
import argparse
import json
import os
import sys
from math import inf
from statistics import median

from figures import Figure, comparisons
from generator import PATIENCE

LINE = "{:<36} {:>9} {:>9} {:>9} {:>8}   {}"


def head(results):
    guest = results["guest"]
    return (f"Guest: {guest['kind']}, kernel {guest['kernel']}, {guest['processors']} processors; "
            f"Rewire {guest.get('revision', 'before')}\n"
            f"{guest['date']}, {results['rounds']} rounds of {results['bursts']} bursts at least, "
            f"systems interleaved{', each in a start of its own' * ('starts' in results)}\n"
            "Nanoseconds a packet: of the whole way (made, forwarded, dropped), and above the floor")


def ratio(figure, worst=max):
    """Where there is none, in no round it was more than this; of what should be large, less."""
    if max(figure.values) == inf:
        return "none: a round without a cost, or with one that never ends"
    if not figure.sound:
        bound = "most" if worst is max else "least"
        return f"none: rounds differ by {figure.spread:.0%}; at {bound} {worst(figure.values):.2f}"
    return f"{figure.median:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def delivery(slot):
    """How packets come"""
    return f"all of {slot} us at once" if slot else "one by one"


def table(results):
    lines = [head(results)]
    for (family, flows, size, slot), one in comparisons(results).items():
        best = one.best_peer()
        lines += ["", f"IPv{family}, {flows} flow{'s' * (flows != '1')}, {size} bytes, {delivery(slot)}; plain router "
                  f"{one.plain:.0f} ns; ratio of costs to {best}'s",
                  LINE.format("", "way", "cost", "quartiles", "", "ratio")]
        for system in one.systems:
            cost = one.cost(system)
            lines.append(LINE.format(
                results["titles"][system], f"{one.nanoseconds(system):.0f}",
                f"{cost.median:.0f}", f"{cost.low:.0f}", f"to {cost.high:.0f}",
                "" if system == "floor" or not best else ratio(one.ratio(system, best))))
        lines += [f"{results['titles'][out['system']]:<36} left out: a packet of each flow takes more than {PATIENCE} s"
                  for out in results.get("left_out", ()) if (out["family"], out["flows"]) == (family, flows)]
    return "\n".join(lines) + "\n"


NEW = "{:<36} {:>9} {:>18} {:>22} {:>9} {:>9}   {}"
DAEMON = "vswitchd"          # the other system whose daemon decides


def new_flows_table(results):
    lines = [where(results), f"{results['guest']['date']}, {results['rounds']} rounds, systems interleaved",
             "New flows a second without a loss, and microseconds that first packets wait: medians of rounds, and a "
             "round's of its trials"]
    for one in results["measurements"]:
        lines += ["", f"IPv{one['family']}; ratios to Open vSwitch's daemon",
                  NEW.format("", "a second", "quartiles", "ratio", "p50", "p99", "ratio of p99")]
        for system, rates in one["rates"].items():
            waits = one["waits"][system]
            lines.append(NEW.format(
                results["titles"][system], *rates_of(rates, one["rates"]),
                *(f"{Figure([wait[part] for wait in waits]).median:.0f}" for part in ("p50", "p99")),
                *ratios_to_daemon([wait["p99"] for wait in waits],
                                  {name: [wait["p99"] for wait in its] for name, its in one["waits"].items()})))
    return "\n".join(lines) + "\n"


def rates_of(rates, all_rates):
    """Three texts; they may not have been looked for"""
    if not rates:
        return ["", "", ""]
    rate = Figure(rates)
    return [f"{rate.median:.0f}", f"{rate.low:.0f} to {rate.high:.0f}", *ratios_to_daemon(rates, all_rates, min)]


def ratios_to_daemon(values, all_values, worst=max):
    """One text: of the rounds' ratios to those of the other daemon"""
    if DAEMON not in all_values or values == all_values[DAEMON]:
        return [""]
    return [ratio(Figure([ours / theirs if theirs < inf else inf for ours, theirs in zip(values, all_values[DAEMON])]), worst)]


def percent(shares):
    share = Figure([100 * one for one in shares])
    return f"{share.median:.2f} % ({share.low:.2f} to {share.high:.2f})"


def where(results):
    """It was measured; by the clock, whatever else is said of the guest"""
    guest = results["guest"]
    return (f"Guest: {guest['kind'].split(',')[0]}, kernel {guest['kernel']}, {guest['processors']} processors; "
            f"Rewire {guest.get('revision', 'before')}")


def state_table(results):
    ours = results["rewire"]
    lines = [where(results), f"{results['guest']['date']}, {results['flows']} idle flows", "",
             f"Of a processor, by the clock: expiry {percent(ours['expiry_share'])}, "
             f"four dumps of changes a second {percent(ours['change_dump_share'])}",
             "Once:",
             "Bytes a flow:   " + ", ".join(f"{name} {one['bytes']:.0f}" for name, one in results.items()
                                            if isinstance(one, dict) and "bytes" in one),
             "Ended a second: " + ", ".join(f"{name} {one['ended_per_second']:.0f}" for name, one in results.items()
                                            if isinstance(one, dict) and "ended_per_second" in one)]
    return "\n".join(lines) + "\n"


FARED = "{:<36} {:>20} {:>20} {:>14} {:>14}"


def fairness_table(results):
    lines = [where(results),
             f"{results['guest']['date']}, {results['rounds']} rounds, systems interleaved",
             f"First packets of {results['rate']} new flows a second of a quiet network, while another one floods with "
             f"{results['flood']}", "Microseconds, medians of rounds"]
    for one in results["fairness"]:
        lines += ["", FARED.format(f"IPv{one['family']}", "came through, least", "and without a flood", "p50 and p99", "without")]
        for name, fared in one["fared"].items():
            came = [f"{min(trial['came'] for trial in fared[how]):.1%}" for how in ("flooded", "alone")]
            waits = [" ".join(f"{median([inf if trial[part] is None else trial[part] for trial in fared[how]]):.0f}"
                              for part in ("p50", "p99")) for how in ("flooded", "alone")]
            lines.append(FARED.format(results["titles"][name], *came, *waits))
    return "\n".join(lines) + "\n"


def capacity_table(results):
    lines = [where(results),
             f"{results['guest']['date']}; flows that are all there, and all forwarded, of {results['tried']}"]
    lines += [f"{title:<36} {one['flows']:>9}" + " or more" * (one["flows"] == results["tried"]) + (f", {one['bytes']:.0f} bytes each" if one["flows"] else "")
              for title, one in results["capacity"].items()]
    return "\n".join(lines) + "\n"


def processors_table(results):
    lines = [where(results), f"{results['guest']['date']}, {results['rounds']} rounds, {results['flows']} flows; "
             "what two processors forward, of what one does"]
    lines += [f"{results['titles'][name]:<36} {ratio(Figure([both / one for one, both in rates]), min)}"
              for name, rates in results["rates"].items()]
    return "\n".join(lines) + "\n"


def dumps_table(results):
    lines = [where(results), f"{results['guest']['date']}; seconds to list {results['flows']} flows, medians of rounds"]
    lines += [f"{name:<36} {median([wall for wall, _ in times]):.2f}" for name, times in results["dump_seconds"].items()]
    return "\n".join(lines) + f"\nRatio: {ratio(Figure(results['ratios']))}\n"


def text_of(results):
    """By what was measured"""
    if "dump_seconds" in results:
        return dumps_table(results)
    if "ratios" in results:
        return processors_table(results)
    if "fairness" in results:
        return fairness_table(results)
    if "capacity" in results:
        return capacity_table(results)
    if "expiry_share" in results.get("rewire", {}):
        return state_table(results)
    if "measurements" not in results:
        sys.exit("These are results that have no table any more")
    return new_flows_table(results) if "waits" in results["measurements"][0] else table(results)


def plot(results, stem):
    """Costs by number of flows, a panel for each family, size and delivery"""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = comparisons(results)
    panels = list(dict.fromkeys((family, size, slot) for family, _, size, slot in found))
    figure, axes = pyplot.subplots(1, len(panels), squeeze=False, sharey=True,
                                   figsize=(1.5 + 4 * len(panels), 4.5))
    for axis, (family, *how) in zip(axes[0], panels):
        loads = [flows for f, flows, *h in found if (f, h) == (family, how)]
        systems = list(dict.fromkeys(name for flows in loads for name in found[family, flows, *how].systems
                                     if name != "floor"))
        for place, system in enumerate(systems):
            there = [x for x, flows in enumerate(loads) if system in found[family, flows, *how].systems]
            costs = [found[family, loads[x], *how].cost(system) for x in there]
            middle = [cost.median for cost in costs]
            axis.bar([x + place / (len(systems) + 1) for x in there], middle,
                     width=1 / (len(systems) + 1), label=results["titles"][system],
                     yerr=[[cost.median - cost.low for cost in costs],
                           [cost.high - cost.median for cost in costs]])
        axis.set_xticks([x + (len(systems) - 1) / 2 / (len(systems) + 1)
                         for x in range(len(loads))], loads)
        axis.set_xlabel("flows")
        axis.set_title(f"IPv{family}, {how[0]} bytes,\n{delivery(how[1])}", fontsize="small")
    axes[0][0].set_ylabel("ns a packet above the floor")
    axes[0][0].legend(fontsize="small")
    guest = results["guest"]
    figure.suptitle(f"{guest['kind']}, kernel {guest['kernel']}", fontsize="small")
    figure.tight_layout()
    for kind in "svg", "png":
        figure.savefig(f"{stem}.{kind}")


# What an added 100 ns may look like: the delay's own loop is not exact
SLOWER = range(60, 250)


def slower(plain, slow):
    """By how many nanoseconds a packet, in the loads of both; whether that is what was added"""
    before, after = (comparisons(results) for results in (plain, slow))
    right = True
    for load, one in before.items():
        added = after[load].cost("rewire").median - one.cost("rewire").median
        right &= int(added) in SLOWER
        print(f"IPv{load[0]}, {load[1]} flows, {delivery(load[3])}: {added:.0f} ns more a packet, where 100 were added")
    return right


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", action="store_true", help="make no files")
    parser.add_argument("--slower", action="store_true")
    parser.add_argument("results", nargs="+")
    options = parser.parse_args()
    results = []
    for path in options.results:
        with open(path, encoding="ascii") as file:
            results.append(json.load(file))
    if options.slower:
        sys.exit(not slower(*results))
    for path, one in zip(options.results, results):
        text, stem = text_of(one), os.path.splitext(path)[0]
        print(text)
        if options.text:
            continue
        with open(stem + ".txt", "w", encoding="ascii") as file:
            file.write(text)
        if "bursts" in one:
            plot(one, stem)


if __name__ == "__main__":
    main()
