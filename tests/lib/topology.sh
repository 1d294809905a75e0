# SPDX-License-Identifier: GPL-2.0
# The test network: a host between two tenants, the outside and two backends, each
# a network namespace; sourced by lib.sh.
# shellcheck shell=bash
#
#   namespace t1                  namespace host                 namespace out
#   10.0.0.2/24  eth0 ──────── t1 ┌───────────────┐ u0 ──── eth0 198.51.100.9/24
#   fd00:10::2             vni 10 │ 10.0.0.1      │ vni 0        2001:db8:1::9
#                                 │ fd00:10::1    │              routes by host:
#   namespace t2, the same subnet │               │              203.0.113.0/24
#   10.0.0.2/24  eth0 ──────── t2 │ 198.51.100.1  │              2001:db8:f::/64
#   fd00:10::2             vni 20 │ 2001:db8:1::1 │
#                                 │               │ b1 ──── eth0 10.1.0.11/24
#                                 │ 10.1.0.1      │ vni 30       fd00:30::11
#                                 │ fd00:30::1    │              namespace b1
#                                 │               │
#                                 │               │ b2 ──── eth0 10.1.0.12/24
#                                 └───────────────┘ vni 30       fd00:30::12
#                                                                namespace b2
#
# The host does not forward: whatever crosses it, the module has moved.

namespaces="host t1 t2 out b1 b2"
out4=198.51.100.9 out6=2001:db8:1::9

# in_ns NAMESPACE COMMAND...
in_ns() {
	local ns=$1
	shift
	"$helpers/enter" "$ns" "$@"
}

# Namespaces to come do not forward, use addresses at once and do not chatter.
set_defaults() {
	sysctl -qw net.core.devconf_inherit_init_net=1 net.ipv4.ip_forward=0 \
		net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.default.accept_ra=0 \
		net.ipv6.conf.default.router_solicitations=0
}

# The following print commands for "ip -batch": few processes are fast processes.

# guest_link NAMESPACE DEVICE: join NAMESPACE's eth0 to the host's DEVICE
guest_link() {
	echo "link add $2 type veth peer name eth0 netns $1"
	echo "link set $2 up"
}

# guest_subnet DEVICE NET4 NET6: the host's side of a whole subnet
guest_subnet() {
	echo "address add $2.1/24 dev $1"
	echo "address add $3::1/64 dev $1 nodad"
}

# guest_address DEVICE NET4 NET6 NUMBER: the host's side of one address of a subnet
guest_address() {
	echo "address add $2.1/32 dev $1"
	echo "address add $3::1/128 dev $1 nodad"
	echo "route add $2.$4/32 dev $1"
	echo "route add $3::$4/128 dev $1"
}

# set_up_guest NAMESPACE NET4 NET6 NUMBER
# Ports that tests name are no connection's by chance.
set_up_guest() {
	in_ns "$1" sysctl -qw net.ipv4.ip_local_reserved_ports=40000-50999 &&
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		address add $2.$4/24 dev eth0
		address add $3::$4/64 dev eth0 nodad
		route add default via $2.1
		route add default via $3::1
	END
}

add_tenant() {
	{ guest_link "$1" "$1"; guest_subnet "$1" 10.0.0 fd00:10; } | ip -n host -batch - &&
	set_up_guest "$1" 10.0.0 fd00:10 2
}

# Build everything.
topology() {
	local ns

	at_exit remove_topology
	set_defaults || return
	for ns in $namespaces; do
		echo "netns add $ns"
	done | ip -batch - || return
	ip -n host -batch - <<-END &&
		link set lo up
		$(guest_link t1 t1; guest_subnet t1 10.0.0 fd00:10)
		$(guest_link t2 t2; guest_subnet t2 10.0.0 fd00:10)
		$(guest_link out u0; guest_subnet u0 198.51.100 2001:db8:1)
		$(guest_link b1 b1; guest_address b1 10.1.0 fd00:30 11)
		$(guest_link b2 b2; guest_address b2 10.1.0 fd00:30 12)
	END
	set_up_guest t1 10.0.0 fd00:10 2 && set_up_guest t2 10.0.0 fd00:10 2 &&
	set_up_guest out 198.51.100 2001:db8:1 9 &&
	set_up_guest b1 10.1.0 fd00:30 11 && set_up_guest b2 10.1.0 fd00:30 12
}

remove_topology() {
	local ns

	for ns in $namespaces; do
		stop_all_in "$ns"
		ip netns del "$ns"
	done
}

# End whatever still runs in a namespace.
stop_all_in() {
	local pids

	pids=$(ip netns pids "$1" 2>/dev/null)
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null
}

# each_link COMMAND...: for both ends of each veth pair, as COMMAND NAMESPACE DEVICE.
each_link() {
	local link

	for link in host:t1 host:t2 host:u0 host:b1 host:b2 t1:eth0 t2:eth0 out:eth0 b1:eth0 b2:eth0; do
		"$@" "${link%:*}" "${link#*:}" || return
	done
}

set_mtu() {
	each_link set_link_mtu "$1"
}

set_link_mtu() {
	ip -n "$2" link set "$3" mtu "$1"
}

# set_offloads on|off
set_offloads() {
	each_link set_link_offloads "$1"
}

set_link_offloads() {
	in_ns "$2" ethtool -K "$3" tx "$1" rx "$1" tso "$1" gso "$1" gro "$1" > /dev/null
}
