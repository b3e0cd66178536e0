#!/usr/bin/env bash
# See that Node.js and npm are there and new enough for the JavaScript package.
set -u
wanted="20.19"
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "The JavaScript package needs Node.js $wanted or newer and npm, which are not installed." >&2
  exit 1
fi
node -e '
const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
' || {
  echo "The JavaScript package needs Node.js $wanted or newer; node is $(node --version)." >&2
  exit 1
}
