#!/bin/sh
# Debian's programs that the tests drive: installed by apt where that is allowed, named where it is not.
set -eu
missing=""
for pair in chromium:chromium firefox-esr:firefox-esr ffmpeg:ffmpeg nginx:nginx-light varnishd:varnish; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
say="The tests drive real programs that are not installed:$missing. Say: apt-get install$missing"
if ! command -v apt-get >/dev/null; then
    echo "$say" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "$say (as root)" >&2
    exit 1
fi
echo "Installing$missing for the tests ..."
export DEBIAN_FRONTEND=noninteractive
# The tests start what they need: nothing that is installed here may begin to serve by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod +x $policy
    trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of packages
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || { echo "$say" >&2; exit 1; }
