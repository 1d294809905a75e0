#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The host's own packets are a virtual network like any other.
. "$(dirname "$0")/lib/lib.sh"

topology && attach_all || exit 1
check "the host's own output is attached" rewire attach add local vni 40
write_config '.services += [{ "name": "nat-host", "id": 6, "vni": 40, "source": { "pool": "public" },
	"dst": ["198.51.100.9", "2001:db8:1::9"] }]'
start_rewired && data_file 10000000 && start_http out 80 "$data" && start_dns out || exit 1

match "the host's connections have the public address, IPv4" "$(fetch host "$out4" whoami)" \
	"^out $nat4 [0-9]+\$"
match "the host's connections have the public address, IPv6" "$(fetch host "$out6" whoami)" \
	"^out $nat6 [0-9]+\$"
for offloads in on off; do
	set_offloads $offloads
	check "curl gets 10000000 bytes, IPv4, offloads $offloads" download host "$out4" "$data_sum"
	check "curl gets 10000000 bytes, IPv6, offloads $offloads" download host "$out6" "$data_sum"
done
check "ping, IPv4" ping_three host "$out4"
check "ping, IPv6" ping_three host "$out6"
check "dig" resolve host "$out4"
equal "its flows are of its virtual network" \
	"$(flows '[.[].orig.vni] | unique')" '[40]'
match "a tenant's flows go on beside it" "$(fetch t1 "$out4" whoami)" "^out $nat4 [0-9]+\$"
check "what no rule claims is the host's as before" in_ns host ping -n -c 1 -W 5 10.1.0.11
refuse "attached twice" 2 "attached already" rewire attach add local vni 41
check "the host's own output is detached" rewire attach del local
equal "its flows are gone" "$(flows '[.[] | select(.orig.vni == 40)] | length')" 0
match "its connections have its own address again" "$(fetch host "$out4" whoami)" \
	"^out 198.51.100.1 [0-9]+\$"
test_end
