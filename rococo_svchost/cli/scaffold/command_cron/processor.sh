#!/bin/sh
# Runs whenever it is due. Exit code 0: it is done; any other: it failed, and is tried again.
set -eu

echo "Running, due ${ROCOCO_SCHEDULED_AT:-now}"
