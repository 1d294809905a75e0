#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What guests' real programs carry in other protocols than TCP: tunnels of GRE, ESP and
# VXLAN from a tenant to the outside through NAT, and downloads by QUIC through NAT and
# the load balancer.
. "$(dirname "$0")/lib/lib.sh"

bytes=${REWIRE_TEST_BYTES:-3000000}
inner4=172.31.0

# carry NAME: what a tunnel between t1 and out carries arrives
carry() {
	check "$1: ping through the tunnel is answered" \
		in_ns t1 ping -n -c 3 -i 0.2 -W 20 $inner4.2
	check "$1: ping as large as fits the tunnel, and larger" \
		in_ns t1 ping -n -c 2 -i 0.2 -W 20 -s 3000 $inner4.2
	check "$1: $bytes bytes arrive" download t1 $inner4.2 "$data_sum"
}

# ends T1-COMMANDS OUT-COMMANDS: make both ends of a tunnel called carry
ends() {
	ip -n t1 -batch - <<< "$1" && ip -n out -batch - <<< "$2" &&
	ip -n t1 address add $inner4.1/24 dev carry && ip -n t1 link set carry up &&
	ip -n out address add $inner4.2/24 dev carry && ip -n out link set carry up
}

remove_ends() {
	ip -n t1 link del carry
	ip -n out link del carry
	rewire flow flush
} > /dev/null 2>&1

# public PROTOCOL: the addresses that flows of it have outside
public() {
	flows "[.[] | select(.orig.vni == 10 and .orig.protocol == \"$1\") | .reply.dst] | unique"
}

gre() {
	local family kind guest outside address

	for family in 4 6; do
		kind=gre guest=10.0.0.2 address=nat4 outside=out4
		[ $family = 4 ] || kind=ip6gre guest=fd00:10::2 address=nat6 outside=out6
		if ! ends "link add carry type $kind local $guest remote ${!outside}" \
			"link add carry type $kind local ${!outside} remote ${!address}" 2> /dev/null; then
			lacking "RFC 2784: GRE over IPv$family"
			remove_ends
			continue
		fi
		carry "RFC 2784: GRE over IPv$family"
		equal "RFC 2784: GRE over IPv$family has a flow by addresses" "$(public gre)" "[\"${!address}\"]"
		remove_ends
	done
}

# security NAMESPACE MINE PEER IN-SOURCE OWN OTHER: a tunnel of ESP
security() {
	local key=0x0102030405060708090a0b0c0d0e0f1011121314 namespace=$1 family
	local cipher="aead rfc4106(gcm(aes)) $key 128"

	ip -n "$namespace" -batch - <<-END || return
		xfrm state add src $2 dst $3 proto esp spi 0x$5 mode tunnel $cipher
		xfrm state add src $4 dst $2 proto esp spi 0x$6 mode tunnel $cipher
		xfrm policy add src $inner4.$5 dst $inner4.$6 dir out tmpl src $2 dst $3 proto esp mode tunnel
		xfrm policy add src $inner4.$6 dst $inner4.$5 dir in tmpl src $4 dst $2 proto esp mode tunnel
		address add $inner4.$5/32 dev lo
		route add $inner4.$6/32 dev eth0 via $7 src $inner4.$5
	END
}

esp() {
	if ! security t1 10.0.0.2 $out4 $out4 1 2 10.0.0.1 2> /dev/null ||
	   ! security out $out4 $nat4 $nat4 2 1 198.51.100.1 2> /dev/null; then
		lacking "RFC 4303: ESP"
		return
	fi
	carry "RFC 4303: ESP"
	equal "RFC 4303: ESP has a flow by addresses" "$(public esp)" "[\"$nat4\"]"
	for ns in t1 out; do
		ip -n $ns xfrm policy flush
		ip -n $ns xfrm state flush
		ip -n $ns address flush dev lo to $inner4.0/24
		ip -n $ns route flush $inner4.0/24
	done
	rewire flow flush
}

# Both ends send to port 4789, so that its flows have to be made by hand. What they send
# from, of a range of two, is one port or two, as the kernel understands it.
# vxlan_flows GUEST OUTSIDE PUBLIC
vxlan_flows() {
	rewire flow add vni 10 protocol udp src "$1:4789" dst "$2:4789" to vni 0 src "$3:4789" &&
	rewire flow add vni 10 protocol udp src "$1:4790" dst "$2:4789" to vni 0 src "$3:4790" &&
	rewire flow add vni 0 protocol udp src "$2:4790" dst "$3:4789" to vni 10 dst "$1:4789"
}

vxlan() {
	local family guest outside address more="dstport 4789 srcport 4789 4790 dev eth0"

	for family in 4 6; do
		guest=10.0.0.2 outside=$out4 address=$nat4
		[ $family = 4 ] || guest="[fd00:10::2]" outside="[$out6]" address="[$nat6]"
		check "RFC 7348: VXLAN over IPv$family: its flows are made" \
			vxlan_flows "$guest" "$outside" "$address"
		outside=${outside//[][]} address=${address//[][]}
		ends "link add carry type vxlan id 7 remote $outside $more" \
			"link add carry type vxlan id 7 remote $address $more"
		carry "RFC 7348: VXLAN over IPv$family"
		equal "RFC 7348: VXLAN over IPv$family: no other flow was needed" \
			"$(flows '[.[] | select(.orig.dport == 4789)] | length')" 3
		remove_ends
	done
}

# serve_quic NAMESPACE PORT
serve_quic() {
	spawn "$1" gtlsserver -q -d /tmp '*' "$2" "$work/key.pem" "$work/certificate.pem"
	wait_for 30 listens "$1" -u "$2"
}

# fetch_quic NAMESPACE ADDRESS PORT SUM: a file by HTTP/3 arrives whole
fetch_quic() {
	local got=$work/quic/${data##*/}

	rm -f "$got"
	mkdir -p "$work/quic"
	in_ns "$1" timeout 120 gtlsclient -q --no-quic-dump --no-http-dump --exit-on-all-streams-close \
		--download "$work/quic" "$2" "$3" "https://rewire.test/${data##*/}"
	[ "$(sha256sum < "$got")" = "$4" ]
}

quic() {
	local name

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=rewire.test -keyout "$work/key.pem" -out "$work/certificate.pem" 2> /dev/null
	check "QUIC servers run" eval "serve_quic out 4433 && serve_quic b1 4433"
	for name in out4 out6; do
		check "RFC 9000: $bytes bytes by QUIC through NAT: ${!name}" \
			fetch_quic t1 "${!name}" 4433 "$data_sum"
	done
	for name in one4 one6; do
		check "RFC 9000: $bytes bytes by QUIC through the balancer: ${!name}" \
			fetch_quic out "${!name}" 4433 "$data_sum"
	done
	equal "RFC 9000: a download is a flow" "$(flows '[.[] | select(
		(.orig.dport == 4433) and (.orig.protocol == "udp"))] | length')" 4
}

set_up
data_file "$bytes"
start_http out 80 "$data"
gre
esp
vxlan
quic
equal "and nothing was dropped for being of an unknown protocol" "$(reason drop-unsupported)" 0
test_end
