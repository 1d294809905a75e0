#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each style checker has its say: faults that are planted in a copy of the sources are found.
. "$(dirname "$0")/../lib/tap.sh"

# finds WHAT PATTERN
finds() {
	check "$1" grep -qE "$2" "$work/said"
}

repo=$(cd "$tests/.." && pwd)
export REWIRE_BUILD=$repo/build
mkdir "$work/copy"
tar -C "$repo" -c --exclude ./build --exclude ./.git . | tar -C "$work/copy" -x
cat >> "$work/copy/kmod/address.c" <<-'END'

	static u32 __maybe_unused planted_order(__be32 value)
	{
		return value;
	}
END
cat >> "$work/copy/kmod/tcp_check.c" <<-'END'

	u32 planted(u32 value)
	{
		if(value)
			return value;
		return 0;
	}
END
printf '#!/bin/bash\ncd "$1"\n' > "$work/copy/scripts/planted"
"$work/copy/tests/lint" > "$work/said" 2>&1
equal "sources with faults do not pass" $? 1
finds "the compiler's warnings (W=1) are findings" "warning|error: .*no previous prototype for .planted."
finds "so are sparse's, of byte order" "incorrect type in return expression"
finds "so are checkpatch's" "SPACING.*before the open parenthesis"
finds "so are shellcheck's" "SC2164"
test_end
