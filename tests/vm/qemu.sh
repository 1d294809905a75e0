# SPDX-License-Identifier: GPL-2.0
# A guest in QEMU with one of Debian's kernels; sourced by run.
# shellcheck shell=bash disable=SC2154

# qemu ACCELERATION LOG ARGUMENT...: a machine whose only device is its log. One that is emulated
# is a simple one: wide registers make each switch slow, and a fifth level each page.
qemu() {
	local acceleration=$1 log=$2 cpu=max
	shift 2
	[ "$acceleration" = kvm ] || cpu=Westmere,+rdrand
	exec_bound setsid qemu-system-x86_64 -machine q35 -cpu "$cpu" -accel "$acceleration" -smp "$cpus" -m "$memory" \
		-nodefaults -display none -serial "file:$log" -no-reboot \
		-kernel "$tree/vmlinuz" -initrd "$tree/initrd" "$@" < /dev/null
}

# A /dev/kvm can be there and yet hang any guest: believe a kernel that boots.
# The answer holds until the host boots anew.
acceleration() {
	local boot answer answered_in known=$REWIRE_BUILD/acceleration

	boot=$(< /proc/sys/kernel/random/boot_id)
	read -r answer answered_in 2>/dev/null < "$known"
	if [ "${answered_in:-}" != "$boot" ]; then
		answer=tcg,thread=multi,tb-size=512
		if [ -w /dev/kvm ]; then
			say "trying whether KVM works"
			(qemu kvm "$dir/probe" -append "console=ttyS0 panic=-1 INIT=none" 2> /dev/null) & probe=$!
			for _ in {1..100}; do
				grep -aqs 'first process' "$dir/probe" && answer=kvm && break
				kill -0 $probe 2>/dev/null || break
				sleep 0.1
			done
			kill -9 -- -$probe 2>/dev/null
			wait $probe 2>/dev/null
		fi
		echo "$answer $boot" > "$known"
	fi
	echo "$answer"
}

# Emulation is slow: what takes a minute there is no stall.
patience="rcupdate.rcu_cpu_stall_timeout=120 rcupdate.rcu_exp_cpu_stall_timeout=0 watchdog_thresh=60
	workqueue.watchdog_thresh=120 sysctl.kernel.hung_task_timeout_secs=240"

prepare_machine() {
	"$scripts/fetch-kernel" "$kernel" || exit 125
	tree=$REWIRE_BUILD/kernels/$kernel
	modules=$tree/lib/modules/$(< "$tree/release")
	make_initrd "$tree/initrd" "$tree" "$(< "$tree/release")"
	accelerator=$(acceleration)
}

start_machine() {
	qemu "$accelerator" "$log" -device virtio-rng-pci \
		-virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
		-virtfs "local,path=$results,mount_tag=results,security_model=none" \
		-append "console=ttyS0 ignore_loglevel log_buf_len=1M panic=-1 nokaslr mitigations=off ${patience//$'\n\t'/ } RUN=$dir INIT=$here/guest-init $append"
}
