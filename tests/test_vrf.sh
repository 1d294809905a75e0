#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Virtual networks whose routes are in a VRF each: the same prefixes, led elsewhere.
#
#   t1 10.0.0.2 ── t1 (vrf-a) ┐            (VRF a) b1 ── 192.0.2.9, fd33::9 behind 10.1.0.11
#   t2 10.0.0.2 ── t2 (vrf-b) ┴─ host ─────(VRF b) b2 ── 192.0.2.9, fd33::9 behind 10.1.0.12
. "$(dirname "$0")/lib/lib.sh"

far4=192.0.2.9 far6=fd33::9

# vrf NAME TABLE DEVICE...
vrf() {
	local dev

	ip -n host link add "$1" type vrf table "$2"
	ip -n host link set dev "$1" up
	for dev in "${@:3}"; do
		ip -n host link set dev "$dev" master "$1"
	done
}

# far NAMESPACE VRF HOST: an address that both VRFs have a route to
far() {
	ip -n "$1" address add $far4/32 dev lo
	ip -n "$1" address add $far6/128 dev lo nodad
	ip -n host route add vrf "$2" "10.1.0.$3/32" dev "$1"
	ip -n host -6 route add vrf "$2" "fd00:30::$3/128" dev "$1"
	ip -n host route add vrf "$2" 192.0.2.0/24 via "10.1.0.$3" dev "$1" onlink
	ip -n host -6 route add vrf "$2" fd33::/64 via "fd00:30::$3" dev "$1" onlink
}

port=4000

# flow VNI TO-VNI ADDRESS SOURCE GUEST: IPv6 addresses in brackets
flow() {
	rewire flow add vni "$1" protocol tcp src "$5:$port" dst "$3:80" to vni "$2" src "$4:$port"
}

whoami_is() {
	[[ $(fetch "$1" "$2" whoami --local-port $port) == *"$3"* ]]
}

# no_way NAMESPACE ADDRESS: what it sends there has no route
no_way() {
	local before

	before=$(reason drop-no-route)
	! fetch "$1" "$2" whoami --local-port $port --max-time 2 && [ "$(reason drop-no-route)" -gt "$before" ]
}

# both NAME [COMMAND SAYING]: both tenants reach the same address, each its own; or the
# first one does something else.
both() {
	local family far guest new

	for family in 4 6; do
		far=$far4 guest=10.0.0.2 new=10.1.0.1 port=$((port + 1))

		[ $family = 4 ] || { far="[$far6]" guest="[fd00:10::2]" new="[fd00:30::1]"; }
		check "S2.8: $1: IPv$family: a flow of each tenant" eval \
			"flow 10 30 $far $new $guest && flow 20 40 $far $new $guest"
		check "S2.8: $1: IPv$family: the first tenant's ${3:-goes by the first VRF}" \
			"${2:-whoami_is}" t1 "${far//[][]/}" b1
		check "S2.8: $1: IPv$family: the second's by the other, to the same address" \
			whoami_is t2 "${far//[][]/}" b2
		rewire flow flush
	done
}

topology || exit 1
vrf vrf-a 100 t1 b1
vrf vrf-b 200 t2 b2
# Addresses of IPv6 go with the table
for dev in t1 t2; do
	ip -n host address replace fd00:10::1/64 dev $dev nodad
done
for dev in b1 b2; do
	ip -n host address replace fd00:30::1/128 dev $dev nodad
done
far b1 vrf-a 11
far b2 vrf-b 12
start_http b1 80 && start_http b2 80 || exit 1
rewire attach add dev t1 vni 10 && rewire attach add dev t2 vni 20 &&
	rewire attach add dev b1 vni 30 && rewire attach add dev b2 vni 40 || exit 1
both "one device in each virtual network"

# A route that refuses is its own VRF's alone.
ip -n host route add vrf vrf-a unreachable $far4
ip -n host -6 route add vrf vrf-a unreachable $far6
both "a route that refuses in the first VRF" no_way "has no way"
ip -n host route del vrf vrf-a unreachable $far4
ip -n host -6 route del vrf vrf-a unreachable $far6

# Of two devices, a route of their VRF chooses.
for dev in x1 x2; do
	ip -n host link add $dev type dummy
	ip -n host link set dev $dev up
done
ip -n host link set dev x1 master vrf-a
ip -n host link set dev x2 master vrf-b
rewire attach add dev x1 vni 30 && rewire attach add dev x2 vni 40 || exit 1
both "two devices in each"

# The main table must not be asked.
ip -n host route add 192.0.2.0/24 dev u0
ip -n host -6 route add fd33::/64 dev u0
both "a route of the main table besides"

# A device that leaves its VRF has its routes elsewhere.
port=$((port + 1))
check "a flow of the first tenant" flow 10 30 $far4 10.1.0.1 10.0.0.2
rewire attach del dev x1
ip -n host link set dev b1 nomaster
before=$(reason drop-no-route)
in_ns t1 curl -s --max-time 2 --local-port $port http://$far4/whoami > /dev/null
check "S2.8: the route goes with the VRF, and so does the packet: nowhere" \
	test "$(reason drop-no-route)$(reason drop-neighbour)" != "$before"
test_end
