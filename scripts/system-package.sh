#!/usr/bin/env bash
# See that a program is there, from Debian's packages if need be: system-package.sh PROGRAM PACKAGE ("-": ask for the package only).
# Where it cannot be had that is a note, since the tests that need it say so and are skipped; in CI ($CI is set) it is a failure,
# unless $GENSPAN_LEFT_OUT names the program or the package.
set -u
program=$1 package=$2
command -v "$program" >/dev/null 2>&1 && exit 0

absent() {
  echo "$package $1" >&2
  case "${CI:-}" in "" | 0 | false) exit 0 ;; esac
  case " ${GENSPAN_LEFT_OUT:-} " in *[\ ,]"$program"[\ ,]* | *[\ ,]"$package"[\ ,]*) exit 0 ;; esac
  exit 1
}

command -v apt-get >/dev/null 2>&1 || absent "is not installed, and there is no apt-get to install it"
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
echo "Installing the system package $package ..." >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "$package"; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  absent "could not be installed (as root: apt-get install $package)"
fi
