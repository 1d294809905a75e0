#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A running daemon keeps its configuration, whatever it is told that is wrong.
. "$(dirname "$0")/lib/lib.sh"

objects=100000
[ "$KERNEL" = fast ] || objects=5000	# where kernels are emulated

running_as_before() {
	[ "$(rewire -j config show)" = "$running" ] && [ "$(rewire -j rule show | sum_rules)" = "$rules" ]
}

sum_rules() {
	jq -c 'map(del(.id, .hits)) | sort'
}

# control TEXT: one exchange on the control socket
control() {
	printf '%s\n' "$1" | timeout 20 nc -U -N "$REWIRE_SOCKET"
}

# answers NAME TEXT REGEX
answers() {
	match "$1" "$(control "$2" | head -1)" "$3"
}

reloads() {
	write_config '.services[0].id = 3'
	kill -HUP "$rewired_pid"
	check "a reload of a bad configuration is reported" \
		wait_for 20 grep -q "both have the id 3" "$work/rewired.log"
	check "the running configuration stays" running_as_before
	refuse "so does applying it" 2 "both have the id 3" rewire apply "$config"
	check "which changes nothing" running_as_before
	write_config '.services[2].dport = 8000'
	check "a dry run is answered" rewire apply "$config" dry-run
	check "and changes nothing" running_as_before
	check "a good configuration is applied" rewire apply "$config"
	equal "its rules are the kernel's" \
		"$(rewire -j rule show | jq -c '[.[] | select(.policy == 3) | .dport[0]] | unique')" '[8000]'
	equal "and it is shown" "$(rewire -j config show | jq '[.services[] | select(.id == 3)][0].dport')" 8000
	write_config
	check "the usual one is back" rewire apply "$config"
	check "just as it was" running_as_before
}

garbage() {
	local n pids=''

	answers "not JSON" 'rubbish' '"error".*column'
	answers "half a character behind a backslash" $'{"a":"\\\303\251"}' '"error".*column'
	refuse "a long key, cut in the middle of a character" 2 'unknown key "a.*\?"' \
		timeout 60 "$bin/rewire" apply <(printf '{"a%s": 1}' "$(printf 'é%.0s' {1..40})")
	answers "not a request" '[1, 2]' '"error".*a request is one object'
	answers "no version" '{"id": 1, "method": "status"}' '"error".*jsonrpc'
	answers "an unknown method" '{"jsonrpc": "2.0", "id": 1, "method": "explode"}' 'no method .*explode'
	answers "unknown parameters" \
		'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": {"a": 1}}' 'unknown key'
	answers "parameters of a wrong type" \
		'{"jsonrpc": "2.0", "id": 1, "method": "backend.set", "params": {"id": "x"}}' 'id is not'
	match "half a request" "$(printf '{"jsonrpc": "2.0", "id": 1, "meth' | timeout 20 nc -U -N "$REWIRE_SOCKET")" \
		'"error".*column'
	match "one whose line has no end, but which is whole" \
		"$(printf '{"jsonrpc": "2.0", "id": 6, "method": "status"}' | timeout 20 nc -U -N "$REWIRE_SOCKET")" '"id": ?6'
	head -c 100000 /dev/urandom | timeout 20 nc -U -N "$REWIRE_SOCKET" > "$work/output"
	tr '\0' 'x' < /dev/zero | head -c 80000000 | timeout 60 nc -U -N "$REWIRE_SOCKET" > "$work/output"
	for ((n = 0; n < 70; n++)); do
		sleep 60 | nc -U "$REWIRE_SOCKET" > /dev/null & pids="$pids $!"
	done
	answers "others may ask while more clients are idle than there may be" '{"jsonrpc": "2.0", "id": 7, "method": "status"}' '"id": ?7'
	# shellcheck disable=SC2086
	kill $pids
	check "the daemon survives all of it" kill -0 "$rewired_pid"
	check "and has not changed" running_as_before
	refuse "a user without privilege may not ask" 1 "Permission denied" \
		setpriv --reuid 65534 --regid 65534 --clear-groups nc -U -N "$REWIRE_SOCKET"
	chmod 755 "$work" && chmod 666 "$REWIRE_SOCKET"
	equal "not even where the socket lets it in" "$(printf '%s\n' '{"jsonrpc": "2.0", "id": 8, "method": "status"}' |
		timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups nc -U -N "$REWIRE_SOCKET")" ""
	answers "where who may asks as before" '{"jsonrpc": "2.0", "id": 9, "method": "status"}' '"id": ?9'
	refuse "a socket in use is not taken over" 2 "another rewired listens on" \
		timeout 20 "$helpers/enter" t1 "$bin/rewired" -c "$config" -s "$REWIRE_SOCKET"
	match "traffic flows" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
}

# many FILE ADDRESSES [ID]: services with so many addresses each; the last one's id
many() {
	/usr/bin/python3 - $objects "${@:2}" <<-'END' > "$1"
		import ipaddress, json, sys
		number, addresses = int(sys.argv[1]), int(sys.argv[2])
		service = lambda n: {
		    "name": f"s{n}", "id": n + 1, "vni": 10, "dst": [str(ipaddress.IPv4Address(0xac100000 + n * addresses + i))
		                                                      for i in range(addresses)],
		    "source": {"vni": 0, "addresses": "192.0.2.0/24"}}
		services = [service(n) for n in range(number)]
		if len(sys.argv) > 3:
		    services[-1]["id"] = int(sys.argv[3])
		print(json.dumps({"services": services}, indent=1))
	END
}

# last_line FILE: where its last service begins
last_line() {
	echo $(($(grep -n "\"s$((objects - 1))\"" "$1" | cut -d : -f 1) - 1))
}

many_objects() {
	local file=$work/many.json addresses=$((131072 / objects + 1)) last="s$((objects - 1))"

	many "$file" 1 7
	refuse "of $objects objects the bad one is named, and its line" 2 \
		"many.json:$(last_line "$file"): id: services \"s6\" and \"$last\" both have the id 7" rewire apply "$file"
	check "and nothing changes" running_as_before
	many "$file" $addresses
	refuse "those that need more rules than the kernel has are refused" 2 \
		"many.json:[0-9]+: all services and pools together need $((objects * addresses)) rules" rewire apply "$file"
	check "which changes nothing" running_as_before
	match "traffic flows" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
}

# ports_used: by the pool whose address a change takes away
ports_used() {
	rewire -j pool show | jq '[.[] | select(.name == "one") | .addresses[].tcp.used] | add'
}

# fill_targets: as many as the kernel takes, many to a message, and what it says then
fill_targets() {
	in_ns host env PYTHONPATH="$tests/lib" /usr/bin/python3 - <<-'END'
		import struct
		from netlink import REQUEST, Refused, Rewire, u32
		rewire, c = Rewire(), Rewire.c

		def message(number):
		    payload = (struct.pack("=BBH", c["CMD_TARGET_SET"], 1, 0) + u32(c["A_TARGET_ID"], number) +
		               u32(c["A_TARGET_STATE"], c["TARGET_STATE_ACTIVE"]))
		    return struct.pack("=IHHII", 16 + len(payload), rewire.family, REQUEST, number, 0) + payload

		for first in range(1000000, 1065000, 1000):
		    rewire.socket.send(b"".join(message(first + n) for n in range(1000)))
		try:
		    for number in range(1065000, 1066000):
		        rewire.command("TARGET_SET", message(number)[20:])
		except Refused as refused:
		    print(refused)
	END
}

# A change is looked at before the kernel is asked, by a daemon that looks at no other time.
refused_by_the_kernel() {
	local line delegated

	stop_rewired
	write_config '.pools += [{ name: "one", vni: 0, quarantine: 0, addresses: "203.0.113.65" },
			{ name: "two", vni: 0, quarantine: 0, addresses: "203.0.113.67", mapping: "endpoint-dependent" }] |
		.services[0].source.pool = "one" | .services[1] += { source: { pool: "two" }, delegate: true }'
	rewired_options+=(--freeze)
	start_rewired
	hold_connection c t1 "$out4"
	match "a connection has a port" "$(ask_on c)" "^out 203.0.113.65 "
	check "the daemon takes the flows from the kernel" rewire apply "$config"
	match "there are as many targets as there may be" "$(fill_targets)" "ENOSPC: There are as many"
	fetch t2 "$out4" whoami > /dev/null
	delegated=$(rewire -j delegate show | jq -c 'map(del(.conflicts))')
	match "and decisions that are delegated" "$delegated" '"flows":[1-9]'
	jq '.pools[1].addresses = ["203.0.113.66"] | .pools[2].ports = "3000-4000" |
		.services[2].backends[0].id = 99' \
		"$config" > "$work/other.json"
	line=$(($(grep -n '"id": 99' "$work/other.json" | cut -d : -f 1) - 2))
	refuse "so the kernel refuses another backend, which is named by its line" 2 \
		"other.json:$line: target 99: There are as many targets" rewire apply "$work/other.json"
	equal "what was delegated is again what it was" "$(rewire -j delegate show | jq -c 'map(del(.conflicts, .flows))')" \
		"$(jq -c 'map(del(.flows))' <<< "$delegated")"
	equal "whose pool would have lost the connection's address: its port is in use" "$(ports_used)" 1
	release_connection c
}

set_up
start_http out 80 || exit 1
running=$(rewire -j config show) rules=$(rewire -j rule show | sum_rules)
reloads
garbage
many_objects
refused_by_the_kernel
check "the daemon ends when it is told to" stop_rewired
refuse "without it the command line says so" 2 "no daemon answers" rewire service show
test_end
