#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What decisions go by: a few summaries that replace each other (S3), and what the daemon
# does when they do not come.
. "$(dirname "$0")/lib/lib.sh"

rounds=${REWIRE_TEST_ROUNDS:-5}

# pieces [FILTER]: of the collection
pieces() {
	rewire -j punt metadata | jq -c "${1:-.}"
}

decision_is() {
	[ "$(status decision)" = "$1" ]
}

rotates() {
	wait_for 60 more_than rotations $(($(status rotations) + ${1:-1}))
}

# verdict NUMBER: a decision with this number, by nobody
verdict() {
	in_ns host env PYTHONPATH="$tests/lib" /usr/bin/python3 - "$1" <<-'END'
		import sys
		import flows
		from flows import Maker
		from netlink import Rewire
		flows.VNI, flows.OUTER = 10, 0
		Maker(Rewire()).make([int(sys.argv[1])])
	END
}

# The whole of the kernel's summary
summary() {
	rewire -j summary show | jq -c "map(select(.watermark != null))[0].$1"
}

flow_of() {
	flows "[.[] | select(.orig.sport == $1 and .action == \"translate\")] | length"
}

watermark_is_newest() {
	[ "$(summary watermark)" = "$(summary newest)" ]
}

# What is there, and that the ranges of numbers leave none out
collection() {
	local round shapes

	rotates 2
	equal "S3.1: two local summaries and two of flows" "$(pieces '[.[].piece] - ["L_cut"]')" '["L_cur","L_prev","F_new","F_prev"]'
	match "in text as well" "$(rewire punt metadata)" "metadata piece L_cur generation [0-9]+ first [0-9]+ last [0-9]+"
	for ((round = 0; round < rounds; round++)); do
		send_from t1 $((5000 + 100 * round)) $((5099 + 100 * round))
		shapes+=$(pieces '[([.[].piece] - ["L_held", "L_cut"]), ([.[].piece] | length <= 6),
			([.[] | select(.first)] | [.[:-1], .[1:]] | transpose | all(.[0].first == .[1].last + 1))]')$'\n'
		rotates
	done
	equal "S3.1: no more of them, whatever there is to decide" "$(sort -u <<< "${shapes%?}")" \
		'[["L_cur","L_prev","F_new","F_prev"],true,true]'
	equal "each decision is accounted for" "$(status decision)" \
		"$(rewire -j daemon show | jq '.counters | .flows + .existing + .retries + .failed')"
	check "a batch of punts is one call to receive them, and one to answer" wait_for 10 eval \
		"[ \"\$(rewire -j daemon show | jq '.counters | (.batches + .overruns - .receives) as \$more | \$more >= 0 and \$more <= .retries')\" = true ]"
	check "of most of what was sent" test "$(status decision)" -gt $((50 * rounds))
}

# Each has one that is newer in the place of the one before
rotation() {
	local before after

	before=$(pieces 'map({(.piece): .generation}) | add')
	rotates 2
	after=$(pieces 'map({(.piece): .generation}) | add')
	equal "S3.2: each is replaced by a later one" \
		"$(jq -cn --argjson a "$before" --argjson b "$after" '["L_cur", "L_prev", "F_new", "F_prev"] | all($b[.] > $a[.])')" true
	check "S3.8: the watermark has all that was decided" wait_for 20 watermark_is_newest
}

# Numbers that nobody sent do not stop the watermark, and are not given again.
gaps() {
	local before

	before=$(status decision)
	verdict $((before + 50000))
	check "a gap in the numbers is given up" wait_for 20 watermark_is_newest
	rotates
	send_from t1 7000 7000
	check "S3.8: decisions are numbered above those of others" wait_for 20 decision_is $((before + 50001))
	check "the daemon is killed" stop_rewired KILL
	verdict $((before + 60000))
	check "the watermark stays below a gap meanwhile" test "$(summary watermark)" -lt $((before + 60000))
	start_rewired
	check "the next one gives it up" wait_for 20 watermark_is_newest
	send_from t1 7001 7001
	check "and goes on above it" wait_for 20 decision_is $((before + 60001))
}

# S3.11
stale() {
	local decided

	stop_rewired
	rewire flow flush
	rewired_options=(--period 100)
	start_rewired
	rotates 5
	send_from t1 8000 8000
	check "while summaries come there are ports" wait_for 20 eval "[ \"\$(flow_of 8000) \$(status stale)\" = '1 false' ]"
	stop_rewired
	rewired_options+=(--limit 200 --freeze)
	start_rewired
	check "S3.11: without a summary the collection is stale" wait_for 20 eval '[ "$(status stale)" = true ]'
	decided=$(counter flows)
	send_from t1 8000 8000
	send_from t1 8001 8002
	check "S3.11: and no port is given, which is counted" wait_for 20 eval '[ "$(counter stale)" -gt 0 ]'
	equal "flows that are there go on, and no new one is made" "$(flow_of 8000) $(flow_of 8001) $(counter flows)" \
		"1 0 $decided"
	match "what needs no port is decided" "$(fetch out "$web4" whoami)" "^b[12] "
	equal "no piece was dropped for its age" "$(pieces 'map(.piece)')" '["L_cur","L_prev","F_new"]'
}

rewired_options=(--period 300)
set_up
for backend in b1 b2; do
	start_http $backend 8080 || exit 1
done
collection
rotation
gaps
stale
note "$(rewire punt metadata)"
note "$(rewire -j daemon show)"
note "$(< "$work/rewired.log")"
stop_rewired
test_end
