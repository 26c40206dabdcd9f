# shellcheck shell=bash
# What the scripts that fetch things have in common; sourced, not run.

# shellcheck disable=SC2034
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/ortho-ci

log() { echo "$(basename "$0"): $*" >&2; }

# EX_TEMPFAIL: this machine lacks the means, nothing is wrong with the code.
missing() { log "$*"; exit 75; }

twice() { "$@" || { log "$1 failed, trying again"; sleep 5; "$@"; }; }

# $DEBIAN_MIRROR, or else the first Debian archive of this machine's apt (not the security updates, not a third party).
mirror() {
    local uri='$(REPO_URI)' # apt's placeholder
    local found=${DEBIAN_MIRROR:-$(apt-get indextargets --format "$uri" 'Created-By: Packages' 2>/dev/null | grep -m 1 -E '/debian/?$' || true)}
    echo "${found:-http://deb.debian.org/debian/}"
}
