#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad configurations are refused with a sentence that says what is wrong and where.
. "$(dirname "$0")/../lib/tap.sh"
. "$tests/lib/daemon.sh"

# bad NAME REGEX JQ-FILTER: the usual configuration, spoilt by the filter, is refused.
bad() {
	write_config "$3"
	refuse "$1" 1 "$2" "$bin/rewired" -k -c "$config"
}

# bad_text NAME REGEX TEXT
bad_text() {
	printf '%s' "$3" > "$config"
	refuse "$1" 1 "$2" "$bin/rewired" -k -c "$config"
}

write_config
check "the usual configuration is good" "$bin/rewired" -k -c "$config"
bad_text "garbage" "line 1" 'rubbish { ['
bad_text "half a configuration" "line 1" '{ "pools": [ '
printf '{}\0{ rubbish' > "$config"
refuse "a null character" 1 "holds a null character" "$bin/rewired" -k -c "$config"
bad_text "a list" "not an object" '[]'
bad_text "a key given twice" "uplicate" '{ "pools": [], "pools": [] }'
bad "two pools of a name" 'two pools are called "public"' \
	'.pools += [.pools[0] | .addresses = ["192.0.2.1"]]'
bad "two services of a name" 'two services are called "web"' '.services[0].name = "web"'
bad "two backends of a name" 'two backends are called "b1"' '.services[2].backends[1].name = "b1"'
bad "two services of an id" 'both have the id 3' '.services[0].id = 3'
bad "two backends of an id" 'both have the id 31' '.services[2].backends[1].id = 31'
bad "pools that overlap" 'overlap' '.pools += [.pools[0] | .name = "other"]'
bad "an address twice in a pool" 'twice' '.pools[0].addresses += ["203.0.113.64/31"]'
bad "a pool that is not there" 'no pool "nowhere"' '.services[0].source.pool = "nowhere"'
bad "an unknown key" 'unknown key "adresses"' '.pools[0].adresses = []'
bad "an unknown key at the top" 'unknown key "servces"' '.servces = []'
bad "a number for a name" 'name is not a string' '.services[0].name = 7'
bad "a bad name" 'name is not 1 to 63' '.services[0].name = "a b"'
bad "a port of 0" 'service "web".*dport' '.services[2].dport = 0'
bad "a port too high" 'service "web".*dport' '.services[2].dport = 65536'
bad "an empty range of ports" 'pool "public".*ports' '.pools[0].ports = "2000-1000"'
bad "a VNI too large" 'vni is not a whole number from 0 to 16777215' '.services[0].vni = 16777216'
bad "no VNI" 'vni is missing' 'del(.services[0].vni)'
bad "a prefix with bits behind it" 'src "10.0.0.1/24"' '.services[0].src = "10.0.0.1/24"'
bad "not an address" 'addresses "example"' '.pools[0].addresses = ["example"]'
bad "addresses of two families that can never meet" 'different address families' \
	'.services[0].dst = "192.0.2.1" | .services[0].src = "fd00:10::/64"'
bad "a port without a protocol that has them" 'dport needs a protocol that has ports' \
	'.services[4].dport = 53'
bad "a protocol that cannot be translated" 'protocol 51 cannot be translated' \
	'.services[2].protocol = 51 | del(.services[2].dport)'
bad "an unknown scheduler" 'scheduler is not "maglev", "round-robin", "least" or "source"' \
	'.services[2].destination.scheduler = "random"'
bad "a service that does nothing" 'neither source nor destination' 'del(.services[0].source)'
bad "backends without a destination" 'backends without a destination' 'del(.services[2].destination)'
bad "services that match the same" 'are those of service' \
	'.services += [.services[0] | .name = "again" | .id = 9]'
bad "services whose ports overlap, as many of each" 'dport 85-95 overlaps with 80-90 of service "web"' \
	'.services[2].dport = "80-90" | .services += [.services[2] | .name = "again" | .id = 9 | .dport = "85-95" |
		.backends[].id += 100]'
bad "an unknown backend state" 'state is not "active"' '.services[2].backends[0].state = "up"'
jq -nc '{ networks: [range(65536) | { vni: . }] }' > "$config"
refuse "more networks than a daemon decides for" 1 "names 65536 virtual networks, more than 65535" "$bin/rewired" -k -c "$config"
jq -nc '{ networks: [range(65535) | { vni: . }] }' > "$config"
check "but for so many it does" "$bin/rewired" -k -c "$config"
refuse "a configuration that is not there" 1 "No such file" "$bin/rewired" -k -c "$work/none"

# Where it is in the file, which has a line for each bracket, key and value
line_of() {
	grep -n "$1" "$config" | sed -n "${2:-1}s/:.*//p"
}

# named NAME LINE-OF-NAME JQ-FILTER: the refusal begins with the line where the object begins
named() {
	local line

	write_config "$3"
	line=$(line_of "\"name\": \"$2\"" "${4:-1}")
	refuse "$1" 1 "$config: line $((line - 1)): " "$bin/rewired" -k -c "$config"
}

named "the line of a bad pool" public '.pools[0].ports = 0'
named "the line of a bad service" dns '.services[3].hold = 1'
named "the line of a bad backend" b2 '.services[2].backends[1].weight = 999'
named "the line of the second of a name" web '.services[0].name = "web"' 2
named "the line of the second of an id" nat-t2 '.services[1].id = 1'
named "the line of a pool that overlaps" other '.pools += [.pools[0] | .name = "other"]'
named "the line of a service that matches what another does" nat-t3 '.services += [.services[0] | .id = 9 | .name = "nat-t3"]'
named "the line of a service whose ports overlap" again '.services[2].dport = "80-90" |
	.services += [.services[2] | .name = "again" | .id = 9 | .dport = "85-95" | .backends[].id += 100]'
named "the line of a service in a loop" loop '.services += [{ name: "loop", id: 9, vni: 0, dst: "192.0.2.0/24",
	destination: { vni: 0, addresses: "192.0.2.9" } }]'
named "the line of a backend in an unknown network" b1 '.networks = [{ vni: 0 }, { vni: 10 }, { vni: 20 }]'

# big OBJECTS: so many pools and services, one to a hundred
big() {
	jq -n --argjson n "$1" '($n / 100) as $pools | {
		pools: [range($pools) | { name: "p\(.)", vni: (. % 1000), addresses: "10.\(. / 65536 | floor).\(. / 256 | floor | . % 256).\(. % 256)" }],
		services: [range($n - $pools) | { name: "s\(.)", id: (. + 1), vni: (. % 4096), source: { pool: "p\(. % $pools)" },
			dst: "172.\(16 + (. / 65536 | floor)).\(. / 256 | floor | . % 256).\(. % 256)" }] }'
}

write_config '.services[2].dport = "80-90" |
	.services += [.services[2] | .name = "again" | .id = 9 | .dport = "85-94" | .backends[].id += 100]'
check "of ports that overlap fewer are more exact" "$bin/rewired" -k -c "$config"

# bounded COMMAND...: in 1 GiB of memory and 60 seconds of a processor
bounded() {
	(ulimit -v 1048576 -t 60 && "$@")
}

# rules NUMBER: two services, which need so many
rules() {
	jq -n --argjson n "$1" '{ pools: [{ name: "p", vni: 0, addresses: "203.0.113.64" }],
		services: [2, $n - 2 - 6 | { name: "s\(.)", id: ., vni: ., source: { pool: "p" },
			src: [range(.) | "10.\(. / 65536 | floor).\(. / 256 | floor | . % 256).\(. % 256)"] }] }'
}

rules 131072 > "$config"
check "as many rules as there may be" "$bin/rewired" -k -c "$config"
rules 131073 > "$config"
line=$(line_of '"name": "p"')
refuse "one more, which is the pool's" 1 \
	"$config: line $((line - 1)): all services and pools together need 131073 rules, more than the kernel's 131072" \
	"$bin/rewired" -k -c "$config"
rules 131080 > "$config"
line=$(line_of '"name": "s131072"')
refuse "and the second service's" 1 "$config: line $((line - 1)): all .* need 131080 rules" "$bin/rewired" -k -c "$config"

jq -n '{ services: [{ name: "s", id: 1, vni: 1, source: { vni: 0, addresses: "192.0.2.1" },
	src: [range(20000) | "10.0.\(. / 256 | floor).\(. % 256)"], dst: [range(20000) | "172.16.\(. / 256 | floor).\(. % 256)"] }] }' > "$config"
refuse "each source with each destination, a few hundred million" 1 "line 3: .* need 400000000 rules" bounded "$bin/rewired" -k -c "$config"
jq -n '{ pools: [range(11) | { name: "p\(.)", vni: ., addresses: "10.0.0.0/20" }] }' > "$config"
line=$(line_of '"name": "p10"')
refuse "as many addresses" 1 "line $((line - 1)): pool \"p10\": with it all pools have more than 43690 addresses" \
	bounded "$bin/rewired" -k -c "$config"

big 100000 > "$config"
check "100,000 objects are checked in bounded time and memory" bounded "$bin/rewired" -k -c "$config"
sed -i '$s/}$/,"x":1}/; $!b' "$config"
refuse "and refused in them" 1 'unknown key "x"' bounded "$bin/rewired" -k -c "$config"

# chain SERVICES: each has the next one's address as its backend
chain() {
	jq -nc --argjson n "$1" '
		def at: "10.\(. / 65536 | floor).\(. / 256 | floor | . % 256).\(. % 256)";
		{ services: [range($n) | { name: "s\(.)", id: (. + 1), vni: 0, protocol: "tcp", dst: at, dport: 80,
			destination: { scheduler: "round-robin" }, backends: [{ name: "b", id: (. + 1), vni: 0, addresses: (. + 1 | at), port: 80 }] }] }'
}

chain 30000 > "$config"
check "services may lead from one to the next" bounded "$bin/rewired" -k -c "$config"
chain 30000 | jq -c '.services[29999].backends[0].addresses = "10.0.0.0"' > "$config"
refuse "but not in a circle, however long" 1 'its backend "b" is service "s[0-9]*", which leads back to it' \
	bounded "$bin/rewired" -k -c "$config"
big 100000 | jq -c '.services[98999].source.pool = "nowhere"' > "$config"
refuse "by the last one, too" 1 'service "s98999": source: there is no pool "nowhere"' bounded "$bin/rewired" -k -c "$config"
test_end
