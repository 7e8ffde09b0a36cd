#!/bin/sh
# Installs what demo and tests use beside Go: Debian's Prosody, Chromium and
# iproute2. Does nothing where they are installed already.
set -eu
missing=""
command -v prosody >/dev/null || missing="$missing prosody"
command -v chromium >/dev/null || missing="$missing chromium"
command -v ip >/dev/null || missing="$missing iproute2"
command -v gcc >/dev/null || missing="$missing gcc libc6-dev" # the race detector
[ -z "$missing" ] && exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "installing:$missing"
$sudo apt-get update -q
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing
