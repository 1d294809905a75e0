# SPDX-License-Identifier: GPL-2.0
# A guest in a User Mode Linux kernel, debug or fast; sourced by run.
# shellcheck shell=bash disable=SC2154

prepare_machine() {
	tree=$("$scripts/build-uml-kernel" "$kernel") || exit 125
	modules=$(echo "$tree"/lib/modules/*)
	make_initrd "$tree/initrd"
	# Each page of a guest's vmalloc space is a mapping of the host's
	if [ "$(< /proc/sys/vm/max_map_count)" -lt 1048576 ]; then
		echo 1048576 > /proc/sys/vm/max_map_count || die "cannot raise vm.max_map_count"
	fi
}

checkers=
# Without slab_debug, per-CPU caches of free objects keep stale pointers to objects in
# use, which hide leaks from kmemleak.
[ "$kernel" = fast ] || checkers="kasan_multi_shot slab_debug=F"
no_devices="dummy.numdummies=0 ifb.numifbs=0"

# The guest's memory is a file: in a file system with huge pages, of this run alone.
# shellcheck disable=SC2086
start_machine() {
	mkdir "$dir/memory"
	export TMPDIR=$dir/memory
	exec_bound setsid unshare -m bash -c '
		mount -t tmpfs -o huge=always,mode=700 tmpfs "$TMPDIR" && exec "$@"
	' _ "$tree/linux" "mem=$memory" "ncpus=$cpus" seccomp=on "initrd=$tree/initrd" \
		"uml_dir=$dir/memory" con=null con0=null,fd:1 ignore_loglevel panic=-1 \
		$checkers $no_devices "RUN=$dir" "INIT=$here/guest-init" $append \
		< /dev/null > "$log" 2>&1
}
