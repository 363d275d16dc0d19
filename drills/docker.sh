#!/bin/sh
# Builds the image of the Dockerfile and runs it, where there is no Docker engine: Debian's buildah, over a root that
# debootstrap makes and that is tagged with the name the Dockerfile asks for. Needs root.
#
# Checked: the image builds, runs as uid 10001, refuses to serve before it is migrated, migrates, answers /healthz, stops
# when it is told to, and declares a health check.
set -eu
cd "$(dirname "$0")/.."

BASE=docker.io/library/python:3.11-slim
IMAGE=localhost/afterglow
DATABASE=sqlite:////srv/afterglow/var/drill.db
PORT=${PORT:-8099}
WORK=$(mktemp -d)
CONTAINER=""
SERVER=""

for tool in buildah debootstrap; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install buildah debootstrap" >&2; exit 1; }
done

STORE="--root $WORK/store --runroot $WORK/run --storage-driver vfs"
inside() { # shellcheck disable=SC2086
  buildah $STORE run --isolation chroot --env "AFTERGLOW_DATABASE_URL=$DATABASE" "$CONTAINER" -- "$@"
}
stop() {
  # shellcheck disable=SC2016  expanded inside
  inside sh -c 'kill "$(cat var/pid)"'
}
cleanup() {
  [ -z "$SERVER" ] || stop 2>/dev/null || true
  # shellcheck disable=SC2086  STORE is several words
  [ -z "$CONTAINER" ] || buildah $STORE rm "$CONTAINER" >/dev/null || true
  rm -rf "$WORK"
}
trap cleanup EXIT INT TERM

echo "== a Debian with Python, in the place of $BASE"
mirror=$(grep -rhoE '(https?|file)://[^ ]*debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/ 2>/dev/null \
  | grep -v snapshot | head -n 1 | tr -d ' ')
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$WORK/base" "$mirror" >"$WORK/log" \
  || { tail -n 20 "$WORK/log"; exit 1; }
# The certificates of this machine, so that the installers inside reach what the installers outside reach.
cp /etc/ssl/certs/ca-certificates.crt "$WORK/base/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$WORK/base/etc/pip.conf"
mkdir -p "$WORK/base/etc/uv" && printf 'system-certs = true\n' >"$WORK/base/etc/uv/uv.toml"
ln -sf python3 "$WORK/base/usr/bin/python"
tar -C "$WORK/base" -cf "$WORK/base.tar" .
printf 'FROM scratch\nADD base.tar /\n' >"$WORK/Basefile"
# shellcheck disable=SC2086
buildah $STORE build --quiet --isolation chroot --format docker --tag "$BASE" --file "$WORK/Basefile" "$WORK"

echo "== build"
started=$(date +%s)
# shellcheck disable=SC2086
buildah $STORE build --isolation chroot --format docker --pull-never --tag "$IMAGE" . >"$WORK/log" 2>&1 \
  || { tail -n 40 "$WORK/log"; exit 1; }
echo "built in $(($(date +%s) - started)) s"
# shellcheck disable=SC2086
CONTAINER=$(buildah $STORE from --pull-never "$IMAGE")

echo "== who runs it"
inside sh -c 'id; test "$(id -u)" = 10001; test ! -w app'

echo "== it refuses to serve a database that was not migrated"
if inside afterglow serve --port "$PORT"; then echo "it served" >&2; exit 1; fi

echo "== migrate, serve, ask"
inside afterglow migrate
# No longer than two minutes, whatever happens to this script.
inside sh -c "echo \$\$ > var/pid; exec timeout --foreground 120 afterglow serve --host 127.0.0.1 --port $PORT" \
  >"$WORK/serve.log" 2>&1 &
SERVER=$!
tries=0
until inside python -c "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:$PORT/healthz', timeout=2).read().decode())"; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ] || { cat "$WORK/serve.log"; exit 1; }
  sleep 0.5
done 2>/dev/null

echo "== stop"
stop
wait "$SERVER" || true
SERVER=""
if inside python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:$PORT/healthz', timeout=2)" 2>/dev/null; then
  echo "it still serves" >&2
  exit 1
fi
# shellcheck disable=SC2086
buildah $STORE inspect --type image --format '{{.Docker.Config.Healthcheck.Test}} {{.Docker.Config.User}}{{"\n"}}' "$IMAGE"
echo "== it all worked"
