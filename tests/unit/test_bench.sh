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
		    return {"family": 4, "flows": "1k", "size": 64, "slot": 0, "system": name,
		            "rounds": [[[400, one], [400, 3 * one]] * 4 for one in times]}
		rewire = [float(word) for word in sys.argv[1:]]
		print(json.dumps({
		    "guest": {"kind": "no guest", "kernel": "0", "processors": 1, "date": "now"},
		    "rounds": 3, "bursts": 8, "left_out": [], "titles": {"rewire": "Rewire", "peer": "Peer", "floor": "Floor"},
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

jq '.titles.late = "Late" | .left_out = [{"family": 4, "flows": "1k", "system": "late"}]' "$work/steady.json" > "$work/late.json"
match "a system that took too long to get its flows is said to be left out" \
	"$(report --text "$work/late.json" | grep '^Late')" ' left out: .* more than [0-9]+ s$'

jq '.measurements |= map(select(.system != "peer"))' "$work/slow.json" > "$work/without.json"
/usr/bin/python3 -B "$tests/bench/join.py" "$work/joined.json" "$work/steady.json" "$work/slow.json"
report --text "$work/joined.json" > "$work/joined"
match "rounds of two starts are those of one run" "$(grep '^Rewire' "$work/joined")" 'rounds differ by .*at most 1\.50'
match "the sheet says that they were starts" "$(< "$work/joined")" '6 rounds .*start of its own'
/usr/bin/python3 -B "$tests/bench/join.py" "$work/joined.json" "$work/steady.json" "$work/without.json"
equal "a system that is not in all of them is in none" "$(report --text "$work/joined.json" | grep -c '^Peer')" 0

guest='"guest": {"kind": "no guest", "kernel": "0", "processors": 1, "date": "now", "revision": "0"}, "rounds": 3'
cat > "$work/state.json" <<-END
	{$guest, "flows": 1000, "rewire": {"bytes": 290.4, "expiry_share": [0.005, 0.02, 0.006],
	 "change_dump_share": [0.0002, 0.0002, 0.0003], "ended_per_second": 2000}, "peer": {"bytes": 400}}
END
report --text "$work/state.json" > "$work/state"
match "what idle flows cost is the median of rounds" "$(< "$work/state")" 'expiry 0\.60 % .*changes a second 0\.02 %'
match "their memory is told beside that of peers" "$(< "$work/state")" 'rewire 290, peer 400'
cat > "$work/fairness.json" <<-END
	{$guest, "flood": 1000, "rate": 10, "titles": {"peer": "Peer"}, "fairness": [{"family": 4, "fared": {"peer":
	 {"alone": [{"came": 1, "p50": 10, "p99": 20}], "flooded": [{"came": 0, "p50": null, "p99": null},
	  {"came": 0.5, "p50": 1, "p99": null}, {"came": 0, "p50": null, "p99": null}]}}}]}
END
report --text "$work/fairness.json" > "$work/fairness"
match "of a quiet network's flows, those of the worst round are told" "$(grep '^Peer' "$work/fairness")" ' 0\.0% +100\.0% '
match "those that did not come have waited for ever" "$(grep '^Peer' "$work/fairness")" ' inf inf +10 20$'
cat > "$work/rates.json" <<-END
	{$guest, "titles": {"rewired": "Rewire", "vswitchd": "Other"}, "measurements": [{"family": 4,
	 "rates": {"rewired": [100, 200, 150], "vswitchd": [10, 10, 10]},
	 "waits": {"rewired": [{"p50": 1, "p99": 2}, {"p50": 1, "p99": 9}, {"p50": 1, "p99": 5}],
	  "vswitchd": [{"p50": 1, "p99": 10}, {"p50": 1, "p99": 10}, {"p50": 1, "p99": 10}]}}]}
END
report --text "$work/rates.json" > "$work/rates"
match "rates that differ are told by the worst round, and so are waits" "$(grep '^Rewire' "$work/rates")" \
	'at least 10\.00 .*at most 0\.90$'
cat > "$work/capacity.json" <<-END
	{$guest, "tried": 2000, "capacity": {"Peer": {"flows": 1000, "bytes": 250.2}, "None": {"flows": 0, "bytes": null}}}
END
report --text "$work/capacity.json" > "$work/capacity"
match "a table's capacity is told with what a flow takes of memory" "$(grep '^Peer' "$work/capacity")" ' 1000, 250 bytes each$'
match "or that there is none" "$(grep '^None' "$work/capacity")" ' 0$'
test_end
