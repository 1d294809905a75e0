#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Configurations are applied as differences: what would change is told, what changes is all or nothing,
# and what is there already is left alone.
. "$(dirname "$0")/lib/lib.sh"

objects=${REWIRE_TEST_OBJECTS:-2000}

# applied [WORD...]: the sentences about objects, in one line
applied() {
	rewire apply "$config" "$@" | grep -v '^apply' | xargs
}

# counts: of rules and targets that change
counts() {
	rewire -j apply "$config" | jq -c '[.rules_added, .rules_deleted, .targets_set, .targets_deleted, (.changed | length)]'
}

kernel() {
	rewire -j rule show | jq -c 'map(del(.hits)) | sort'
	rewire -j target show | jq -c 'map(del(.flows)) | sort'
}

set_up
start_http out 80 && start_http b1 8080 && start_http b2 8080 || exit 1
before=$(kernel)
equal "the configuration in force, applied once more, changes nothing" "$(counts)" "[0,0,0,0,0]"
equal "not even numbers of rules" "$(kernel)" "$before"

write_config 'del(.services[1]) | .services[1].backends[1].weight = 3 | .pools += [{ name: "more", vni: 0, addresses: "203.0.113.99" }] |
	.services += [{ name: "new", id: 9, vni: 20, source: { pool: "more" } }] | .services[1].dport = 81'
change='+ pool more - service nat-t2 ~ service web: dport, backends + service new'
equal "a dry run tells what would change, object by object" "$(applied dry-run)" "$change"
equal "and changes nothing" "$(kernel)" "$before"
equal "it is not saved, either" "$(rewire -j config show | jq '.services | length')" 5
equal "applied, the same is told" "$(applied)" "$change"
equal "and in force" "$(rewire -j service show | jq -c 'map(.name)')" '["nat-t1","web","dns","one","new"]'
equal "a second time it changes nothing" "$(counts)" "[0,0,0,0,0]"
rules=$(kernel)

jq '.services[3].backends[0].port = 0' "$config" > "$work/bad.json"
line=$(grep -n '"id": 51' "$work/bad.json" | cut -d : -f 1)
refuse "a refusal names file, line and object" 2 "$work/bad.json:$((line - 2)): backend \"b1\": port" rewire apply "$work/bad.json"
refuse "also of a dry run" 2 "$work/bad.json:$((line - 2)): " rewire apply "$work/bad.json" dry-run
refuse "from standard input" 2 "-:$((line - 2)): " rewire apply - < "$work/bad.json"
head -c 500 "$config" > "$work/bad.json"
refuse "half a file is refused with its line" 1 "$work/bad.json:[0-9]+:[0-9]+: " rewire apply "$work/bad.json"
: > "$work/bad.json"
refuse "an empty one, too" 1 "$work/bad.json:1:" rewire apply "$work/bad.json"
printf '{}\0{}' > "$work/bad.json"
refuse "and one with a zero byte" 1 "zero byte" rewire apply "$work/bad.json"
equal "the running configuration is untouched" "$(kernel)" "$rules"

jq '.services[2].id = 1' "$config" > "$config.bad" && cp "$config.bad" "$config"
kill -HUP "$rewired_pid"
check "a reload names the line, too" wait_for 20 grep -qE "line [0-9]+: id: services .* both have the id 1" "$work/rewired.log"
equal "which changes nothing" "$(kernel)" "$rules"

sleep 60 | nc -U "$REWIRE_SOCKET" > /dev/null & silent=$!
match "a client that says nothing does not hold up others" "$(status pid)" "^$rewired_pid$"
kill $silent

write_config '.pools += [range('"$objects"' / 2) | { name: "p\(.)", vni: 10, addresses: "10.\(100 + (. / 65536 | floor)).\(. / 256 | floor | . % 256).\(. % 256)", ports: "5000-5009" }] |
	.services += [range('"$objects"' / 2) | { name: "s\(.)", id: (100 + .), vni: 20, protocol: "tcp", dport: 80, source: { pool: "p\(.)" },
		dst: "172.\(16 + (. / 65536 | floor)).\(. / 256 | floor | . % 256).\(. % 256)" }]'
check "$objects objects are applied at once" rewire apply "$config"
equal "their rules are there" "$(rewire -j rule show | jq '[.[] | select(.policy >= 100 and .policy < 1000000)] | length')" $((objects / 2))
equal "and a second time nothing changes" "$(counts)" "[0,0,0,0,0]"
match "flows are decided" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
write_config
check "and taken back" rewire apply "$config"
match "flows are decided again" "$(fetch t1 "$out4" whoami)" "^out $nat4 "
stop_rewired
test_end
