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
# Bold on terminals only, and not where NO_COLOR is set (https://no-color.org).
bold='' plain=''
[[ ! -t 1 || -n ${NO_COLOR:-} || ${TERM:-dumb} == dumb ]] || bold=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() {
    printf '%s: %s\n' "$name" "$*" >&2
    exit 1
}
[[ -n $version ]] || fail "no project(… VERSION X.Y.Z) in CMakeLists.txt"

# Repository names on the registry, as the original has them. Its tags (`latest`, `1.0.0` and the like) are in use by
# Python services and stay what they are: images of version 1 carry tags that begin with `cpp`, and nothing here ever
# moves `latest`. `tag` names one version for good, `newest` follows the releases; so do the two of the debug image.
organisation=ecorrouge
host_image=$organisation/rococo-service-host
onbuild_image=$organisation/rococo-service-base-onbuild
major=${version%%.*}
if ((major < 2)); then
    tag=cpp-$version
    newest=cpp
else
    tag=$version
    newest=$major
fi
debug_tag=$tag-debug
newest_debug=$newest-debug
# What Dockerfiles of the original 0.1.x build on. Its `python-3.11` is in use, too: from version 2 on, ours takes its place.
python_tag=$version-python-3.11
newest_python=python-3.11

# refuse_tag_of_the_original TAG: the last word before a tag is made or pushed.
refuse_tag_of_the_original() {
    [[ $1 != "$python_tag" || $1 == 1.0.0-* ]] || return 0
    [[ ! $1 =~ ^(latest|[01](\..*)?)$ ]] ||
        fail "the tag '$1' belongs to the images for Python services, and is never reused"
}
