#!/usr/bin/env bash
# See that a program is there, from Debian's packages if need be: system-package.sh PROGRAM PACKAGE ("-": ask for the package only).
# Never fails: what needs the program says so when it is skipped.
program=$1 package=$2
command -v "$program" >/dev/null 2>&1 && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "note: $package is not installed and there is no apt-get to install it; what needs it is skipped" >&2
  exit 0
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
echo "Installing the system package $package ..." >&2
if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "$package"; } >/dev/null 2>&1; then
  echo "note: $package could not be installed (as root: apt-get install $package); what needs it is skipped" >&2
fi
exit 0
