#!/bin/sh
# Debian's programs that the tests drive: installed by apt where that is allowed, named where it is not. Without
# the browsers and FFmpeg there is no use in going on; tests of caches, of nginx-rtmp and of GStreamer are then skipped.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
needed="" useful=""
for pair in chromium:chromium firefox-esr:firefox-esr ffmpeg:ffmpeg; do
    command -v "${pair%%:*}" >/dev/null || needed="$needed ${pair##*:}"
done
for pair in nginx:nginx-light varnishd:varnish curl:curl; do
    command -v "${pair%%:*}" >/dev/null || useful="$useful ${pair##*:}"
done
[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] || useful="$useful libnginx-mod-rtmp"
gst-inspect-1.0 hlsdemux >/dev/null 2>&1 ||
    useful="$useful gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
missing="$needed$useful"
[ -z "$missing" ] && exit 0
give_up() {
    echo "The tests drive real programs that are not installed:$missing. Say: apt-get install$missing$1" >&2
    [ -z "$needed" ] # without the useful ones it goes on
    exit
}
command -v apt-get >/dev/null || give_up ""
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    give_up " (as root)"
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
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || give_up ""
