#!/bin/sh
# Makes .venv from a hash-pinned lock: `deploy/setup.sh run` or `deploy/setup.sh dev`.
# Does nothing when .venv already holds that lock; a broken or half-made .venv is made anew.
set -eu

cd "$(dirname "$0")/.."
what=${1:?run or dev}
lock=requirements/$what.txt
stamp=.venv/kinguard.lock

fits() { # A name on PATH may be a shim that does not run, or the wrong version.
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

fingerprint() { # The lock, the interpreter's version and the folder: one of them changed means a new .venv.
    "$1" -c 'import hashlib, pathlib, sys
lock = hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest()
print(lock, "%d.%d" % sys.version_info[:2], pathlib.Path.cwd())' "$2"
}

holds() {
    [ -f "$stamp" ] && fits .venv/bin/python && grep -qxF "$(fingerprint .venv/bin/python "$1")" "$stamp"
}

# The dev lock contains the run lock, so a .venv made for tests also runs.
if holds "requirements/dev.txt" || holds "$lock"; then
    exit 0
fi

python=
for candidate in python3.12 python3.11 python3; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Kinguard needs Python 3.11 or 3.12; on Debian or Ubuntu: sudo apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version has no venv module; on Debian or Ubuntu: sudo apt-get install python$version-venv" >&2
    exit 1
fi

echo "Setting up .venv from $lock (once, about a minute) ..."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"

# The project itself is used from this folder: no build, no network.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd >"$site/kinguard.pth"
cat >.venv/bin/kinguard <<'SCRIPT'
#!/bin/sh
exec "$(dirname "$0")/python" -m authz_service.cli "$@"
SCRIPT
chmod +x .venv/bin/kinguard
fingerprint .venv/bin/python "$lock" >"$stamp"
