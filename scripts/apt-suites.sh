# SPDX-License-Identifier: GPL-2.0
# Packages of Debian suites that this machine does not subscribe to.
#
# Sourced by the fetch scripts.  A private apt configuration below
# $REWIRE_BUILD/apt takes its mirrors, keyring and proxy from the machine's own
# configuration, which stays untouched.
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REWIRE_BUILD=${REWIRE_BUILD:-$repo/build}
mkdir -p "$REWIRE_BUILD/apt/none" || exit 1
REWIRE_BUILD=$(cd "$REWIRE_BUILD" && pwd)
apt_dir=$REWIRE_BUILD/apt
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

say() {
	echo "${0##*/}: $*" >&2
}

# apt_mirror SUITE: the mirror the machine is configured to take SUITE from.
apt_mirror() {
	apt-get --print-uris update | sed -n "s|^'\(.*\)/dists/$1/.*|\1|p" | head -1
}

apt_private() {
	local tool=$1
	shift
	"$tool" -qq \
		-o Dir::Etc::SourceList="$apt_dir/sources.list" \
		-o Dir::Etc::SourceParts="$apt_dir/none" \
		-o Dir::Etc::PreferencesParts="$apt_dir/none" \
		-o Dir::State="$apt_dir/state" \
		-o Dir::State::status="$apt_dir/status" \
		-o Dir::Cache="$apt_dir/cache" \
		-o APT::Sandbox::User=root \
		-o Acquire::Retries=3 \
		"$@"
}

# Make the package lists current, and keep others from fetching until this script
# ends.  Once a day is often enough to look for newer kernels.
apt_update() {
	local main security

	exec 8> "$apt_dir/lock"
	flock 8
	"$repo/scripts/install-packages" vm || exit 1
	. /etc/os-release
	[ "${ID:-}" = debian ] || die "needs Debian's packages; this is ${PRETTY_NAME:-no Debian}"
	if [ -n "$(find "$apt_dir/updated" -mmin -1440 2>/dev/null)" ]; then
		return
	fi
	main=$(apt_mirror "$VERSION_CODENAME")
	[ -n "$main" ] || die "no mirror of Debian in the machine's apt configuration"
	security=$(apt_mirror "$VERSION_CODENAME-security")
	mkdir -p "$apt_dir/state/lists/partial" "$apt_dir/cache/archives/partial"
	: > "$apt_dir/status"
	{
		echo "deb [signed-by=$apt_keyring] $main bookworm main"
		[ -z "$security" ] ||
			echo "deb [signed-by=$apt_keyring] $security bookworm-security main"
		echo "deb [signed-by=$apt_keyring] $main bookworm-backports main"
		echo "deb [signed-by=$apt_keyring] $main trixie-backports main"
	} > "$apt_dir/sources.list"
	say "updating package lists"
	apt_private apt-get update || die "apt-get update failed"
	touch "$apt_dir/updated"
}

# apt_newest REGEX: the package of that name with the highest version.
apt_newest() {
	apt_private apt-cache --names-only search "^$1\$" | cut -d' ' -f1 | sort -V | tail -1
}

# apt_unpack DIR PACKAGE...: unpack packages below DIR without installing them.
apt_unpack() {
	local dir=$1 debs deb
	shift
	debs=$(mktemp -d "$REWIRE_BUILD/debs.XXXXXX") || exit 1
	say "downloading $*"
	(cd "$debs" && apt_private apt-get download "$@") ||
		{ rm -rf "$debs"; die "download failed"; }
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$dir" || { rm -rf "$debs"; die "cannot unpack $deb"; }
		rm "$deb"
	done
	rmdir "$debs"
}
