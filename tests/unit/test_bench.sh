#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the bench makes of numbers: costs above the floor, their ratios, and when there is none.
. "$(dirname "$0")/../lib/tap.sh"

report() {
	/usr/bin/python3 -B "$tests/bench/report.py" "$@"
}

# results REWIRE...: three rounds, in which a packet takes so many nanoseconds by Rewire, 300
# by a peer, and 200 by the floor; every second burst is slowed down by something else
results() {
	/usr/bin/python3 - "$@" <<-'END'
		import json, sys
		def system(name, times):
		    return {"family": 4, "flows": "1k", "size": 64, "system": name,
		            "rounds": [[[400, one], [400, 3 * one]] * 4 for one in times]}
		rewire = [float(word) for word in sys.argv[1:]]
		print(json.dumps({
		    "guest": {"kind": "no guest", "kernel": "0", "processors": 1, "date": "now"},
		    "rounds": 3, "bursts": 8, "titles": {"rewire": "Rewire", "peer": "Peer", "floor": "Floor"},
		    "measurements": [system("rewire", rewire), system("peer", [300] * 3),
		                     system("floor", [200] * 3)]}))
	END
}

results 250 250 250 > "$work/steady.json"
results 250 270 450 > "$work/unsteady.json"
results 350 350 350 > "$work/slow.json"

report --text "$work/steady.json" > "$work/steady"
match "a cost is above the floor" "$(grep '^Rewire' "$work/steady")" ' 250 +50 '
match "a ratio is of costs, in the same rounds" "$(grep '^Rewire' "$work/steady")" ' 0\.50 \('
match "the sheet says in which guest it was measured" "$(< "$work/steady")" 'Guest: no guest'
match "there is no ratio of rounds that differ" \
	"$(report --text "$work/unsteady.json" | grep '^Rewire')" 'none: rounds differ by'
check "a build that was slowed down shows" report --slower "$work/steady.json" "$work/slow.json"
refuse "one that was not does not" 1 ' 0 ns more' report --slower "$work/steady.json" "$work/steady.json"
test_end
