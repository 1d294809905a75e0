# SPDX-License-Identifier: GPL-2.0
# bash completion for rewire

# The words that may follow an object and a command.
_rewire_arguments() {
	local key="vni protocol src dst"
	local filter="$key reply state policy target action dev idle-min idle-max age-min age-max since"
	local more="to policy target decision timeout dev outdev remote id lladdr one-way dscp"
	more+=" ttl packet-rate byte-rate burst copy"

	case $1-${2-} in
	attach-add)	echo "dev local vni tunnel" ;;
	attach-del)	echo "dev local" ;;
	rule-add)	echo "vni family src dst protocol sport dport preference" \
				"pass drop punt forward policy hold orphan via dev outvni" ;;
	address-add | address-del)
			echo "vni ip" ;;
	rule-del)	echo "id" ;;
	rule-show)	echo "vni" ;;
	limit-set)	echo "vni all flows rate burst holds held-packets held-bytes udp-share" ;;
	limit-del | limit-show) echo "vni all" ;;
	policy-set)	echo "id tcp pickup mss tcp-unreplied tcp-syn-sent tcp-syn-received tcp-established" \
				"tcp-fin-wait tcp-last-ack tcp-time-wait tcp-closed udp-unreplied udp-replied" \
				"icmp other-unreplied other-replied" ;;
	policy-del)	echo "id" ;;
	target-add | target-set)
			echo "id state" ;;
	target-del)	echo "id" ;;
	flow-add)	echo "$key $more" ;;
	flow-del | flow-get)
			echo "$key" ;;
	flow-show | flow-count | flow-flush)
			echo "$filter" ;;
	flow-top)	echo "group by limit $filter" ;;
	verdict-add)	echo "flow drop pass $key $more punt lifetime reject" ;;
	suspicion-set)	echo "on off interval" ;;
	suspicion-pin)	echo "attribute value weight" ;;
	suspicion-learn)
			echo "attribute value" ;;
	service-show | pool-show | pool-clients | backend-show)
			echo "name" ;;
	pool-find)	echo "address port vni protocol" ;;
	backend-set)	echo "id state" ;;
	explain-*)	echo "dev local vni protocol src dst flags length ttl df" ;;
	apply-*)	echo "dry-run" ;;
	restore-*)	echo "dry-run merge" ;;
	esac
}

_rewire_commands() {
	case $1 in
	attach | rule | address)	echo "show add del help" ;;
	limit | policy | delegate)	echo "show set del help" ;;
	target)		echo "show add set del help" ;;
	flow)		echo "show add del get count flush top save restore help" ;;
	verdict)	echo "add help" ;;
	monitor)	echo "flow punt config daemon help" ;;
	backend)	echo "show set help" ;;
	suspicion)	echo "show set pin learn help" ;;
	punt)		echo "show networks metadata help" ;;
	pool)		echo "show clients find help" ;;
	summary | stats | service | config | daemon)
			echo "show help" ;;
	esac
}

# The values of an argument; nothing for a number or an address.
_rewire_values() {
	local object=$1 argument=$2

	case $argument in
	protocol)	echo "tcp udp udplite sctp dccp icmp icmpv6 gre esp ah ipip ipv6" ;;
	family)		echo "inet inet6" ;;
	group)		echo "flow src dst vni target policy state" ;;
	by)		echo "flows packets bytes" ;;
	action)		echo "translate drop pass" ;;
	hold)		echo "hold drop" ;;
	attribute)	echo "hops identification dscp ecn ip-options window mss options payload" \
				"reserved flags port length" ;;
	orphan)		echo "drop pass hold" ;;
	reject)		echo "prohibited reset" ;;
	ttl)		echo "decrement keep" ;;
	dev | outdev)	ls /sys/class/net ;;
	state)
		if [ "$object" = flow ]; then
			echo "unreplied replied syn-sent syn-received established" \
				"fin-wait last-ack time-wait closed"
		else
			echo "active draining down"
		fi ;;
	name)
		rewire -j "$object" show 2>/dev/null |
			sed 's/},{/\n/g' | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' ;;
	esac
}

# Whether a word is an argument that a value follows.
_rewire_takes_value() {
	case $1 in
	vni | src | dst | protocol | sport | dport | preference | policy | hold | orphan | id | \
	family | state | target | decision | timeout | dev | outdev | via | outvni | punt | lifetime | reject | name | address | port | \
	remote | lladdr | dscp | ttl | flags | length | flows | rate | holds | held-packets | held-bytes | udp-share | \
	interval | attribute | value | weight | packet-rate | byte-rate | burst | copy)
		return 0 ;;
	esac
	return 1
}

_rewire() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local words="" object="" command="" i=1

	# An option's value is not the object.
	while [ "$i" -lt "$COMP_CWORD" ] && [[ ${COMP_WORDS[i]} == -* ]]; do
		case ${COMP_WORDS[i]} in
		-n* | --n* | -b* | --b* | -so* | --so*) i=$((i + 1)) ;;
		esac
		i=$((i + 1))
	done
	[ "$i" -lt "$COMP_CWORD" ] && object=${COMP_WORDS[i]}
	[ "$((i + 1))" -lt "$COMP_CWORD" ] && command=${COMP_WORDS[i + 1]}

	if [ -z "$object" ]; then
		case $previous in
		-n* | --n*) words=$(ls /run/netns 2>/dev/null) ;;
		-b* | --b* | -so* | --so*) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
		*) words="attach address rule limit target policy flow punt verdict explain suspicion summary stats service pool backend config
			apply save restore daemon help" ;;
		esac
		[[ $current == -* ]] && words="-json -pretty -stats -details -oneline -timestamp
			-color -netns -batch -force --socket -Version -help"
	elif [ "$object" = explain ]; then
		if _rewire_takes_value "$previous"; then
			words=$(_rewire_values explain "$previous")
		else
			words=$(_rewire_arguments explain)
		fi
	elif [ "$object" = apply ] || [ "$object" = save ] || [ "$object" = restore ]; then
		mapfile -t COMPREPLY < <(compgen -f -W "$(_rewire_arguments "$object")" -- "$current")
		return
	elif [ -z "$command" ]; then
		words=$(_rewire_commands "$object")
	elif [ "$object-$command-$previous" = rule-add-punt ] || ! _rewire_takes_value "$previous"; then
		words=$(_rewire_arguments "$object" "$command")
	else
		words=$(_rewire_values "$object" "$previous")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _rewire rewire
