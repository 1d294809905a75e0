#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The daemon is killed and started again and again, while new connections come all the
# time: those that are established live, and those that begin meanwhile succeed by their
# next try.
. "$(dirname "$0")/lib/lib.sh"

kills=${REWIRE_TEST_KILLS:-5}
rate=${REWIRE_TEST_RATE:-50}
stay=20
many=$helpers/many

# result NAME: of the client's report
result() {
	jq ".$1" "$work/report"
}

# Of a list of flows, the public ports that have more than one endpoint inside, with two of those.
# Ten thousands of flows, again and again, are too many for jq.
with_two() {
	awk '$9 == "as" { print $12, $6 }' | sort -u | awk '
		$1 == port { print port, endpoint, $2 }
		{ port = $1; endpoint = $2 }'
}

list() {
	rewire -o flow show vni 10
}

# While flows are listed, a port may become free and another's. Who shares it now, does in the next list.
shared_ports() {
	list | with_two > "$work/two"
	if [ -s "$work/two" ]; then
		list | with_two | comm -12 "$work/two" - | wc -l
	else
		echo 0
	fi
}

# milliseconds of some clock
milliseconds() {
	local now=$EPOCHREALTIME

	echo $((${now/./} / 1000))
}

# Each time once more, before it is ready. Who tries in vain for some time tries again after as long,
# so the daemon is there for longer than it was not.
kill_and_start() {
	local killed absent=0

	for ((i = 0; i < kills; i++)); do
		sleep "$(((absent + 2000) / 1000)).$((RANDOM % 10))"
		sleep "$((RANDOM % 3)).$((RANDOM % 10))"
		killed=$(milliseconds)
		stop_rewired KILL
		launch_rewired
		[ $i = 0 ] || sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		rewired_ready || early=$((early + 1))
		stop_rewired KILL
		sleep "0.$((RANDOM % 4))"
		start_rewired || return
		absent=$(($(milliseconds) - killed))
		shared=$((shared + $(shared_ports)))
	done
}

topology && attach_all || exit 1
addresses=()
for ((i = 11; i < 20; i++)); do
	ip -n out address add "198.51.100.$i/24" dev eth0
	ip -n t1 address add "10.0.0.$i/24" dev eth0
	ip -n t1 route add "198.51.100.$i" via 10.0.0.1 src "10.0.0.$i"
	addresses+=("198.51.100.$i")
done
write_config '.pools[0].mapping = "endpoint-independent" | .pools[0].quarantine = 0'
start_rewired || exit 1
# Else connections that have ended would by far outnumber those that live
rewire policy set id 1 tcp-closed 1000
spawn out "$many" serve 7777
wait_for 30 listens out -t 7777
spawn t1 "$many" connect 7777 "$rate" "$stay" "$work/report" "${addresses[@]}"
check "connections stand" wait_for 60 eval '[ "$(rewire -j flow count state established | jq .flows)" -ge $stay ]'
equal "a port with two endpoints would be seen" \
	"$(list | head -n 1 | sed 'p; s/ 10[0-9.]*:/ 10.9.9.9:/' | with_two | wc -l)" 1
shared=0 early=0
kill_and_start
equal "the daemon was killed and started again $kills times" "$i" "$kills"
check "$early times more before it was ready" test $early -gt 0
equal "no public port had two endpoints at any time" "$shared" 0
touch "$work/report.stop"
check "all connections come to an end" wait_for 120 test -s "$work/report"
note "$(< "$work/report")"
check "as many have begun as should have" \
	jq -e --argjson rate "$rate" '.begun >= 0.9 * $rate * .seconds' "$work/report"
equal "each that was established has lived" "$(result broken)" 0
equal "each that was begun has succeeded" "$(result failed) $(result lived)" "0 $(result begun)"
check "some by a second try, since nobody decided meanwhile" test "$(result retried)" -gt 0
check "the daemon follows" wait_for 20 eval '[ "$(status rotations)" -gt 2 ]'
note "$(rewire -j stats show | jq -c "[.. | objects | to_entries[] | select(.value | type == \"number\" and . > 0)] | from_entries")"
rewire flow flush
# A flow that went by an order is remembered for a minute, if it is established
check "no port is lost" wait_for 120 eval '[ "$(rewire -j pool show | jq "[.[].addresses[].tcp.used] | add")" = 0 ]'
note "$(rewire -j daemon show)" "$(< "$work/rewired.log")"
stop_rewired
test_end
