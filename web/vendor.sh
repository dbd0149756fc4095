#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches the page's library, in the version below, into vendor/, with its licences. What npm delivers must be what
# vendor/SHA256SUMS says; with --renew, after the version was changed here, the sums are written anew instead.
set -eu
cd "$(dirname "$0")"
renew=${1:-}

# htm's standalone file contains preact and its hooks: one file, and no import map, which the page's policy would refuse.
htm=3.1.1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# unpack NAME VERSION: the package as npm has it, in $scratch/NAME/package.
unpack() {
    mkdir "$scratch/$1"
    (cd "$scratch/$1" && npm pack --silent "$1@$2" >/dev/null && tar -xzf ./*.tgz)
}
unpack htm $htm

mkdir -p vendor
cp "$scratch/htm/package/preact/standalone.module.js" vendor/preact-htm.js
cp "$scratch/htm/package/LICENSE" vendor/LICENSE.htm
# The standalone file was built from a preact of that line; its licence is the same in all versions.
unpack preact 10.9.0
cp "$scratch/preact/package/LICENSE" vendor/LICENSE.preact

cd vendor
if [ "$renew" = --renew ]; then
    sha256sum -- LICENSE.* *.js >SHA256SUMS
else
    sha256sum --check --quiet SHA256SUMS
fi
