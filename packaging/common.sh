# What the scripts of this folder share; they source it.
# shellcheck disable=SC2034  # used where it is sourced
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"

# The one place where the version is written.
version=$(sed -nE '/^project\(/,/^\)/ s/^ *VERSION +([0-9]+\.[0-9]+\.[0-9]+) *$/\1/p' CMakeLists.txt)
revision=$(git rev-parse HEAD)
# The commit's time and not now: the same sources make the same packages and image labels.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

name=$(basename "$0")
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() {
    printf '%s: %s\n' "$name" "$*" >&2
    exit 1
}
[[ -n $version ]] || fail "no project(… VERSION X.Y.Z) in CMakeLists.txt"

# Repository names on the registry, as the original has them.
organisation=ecorrouge
host_image=$organisation/rococo-service-host
onbuild_image=$organisation/rococo-service-base-onbuild
