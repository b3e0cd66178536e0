#!/usr/bin/env bash
# Make a virtual environment: venv.sh FOLDER PYTHON WHAT-TO-INSTALL...
set -euo pipefail
folder=$1 python=$2
shift 2

say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
  echo "genspan needs Python 3.10 or newer; '$python' is $("$python" --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2
  exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  "$(dirname "$0")/system-package.sh" - "python3-venv"
fi
say "Making $folder with $("$python" --version) ..."
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv
say "Installing $* ..."
"$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "$@"
touch "$folder/.ready"
