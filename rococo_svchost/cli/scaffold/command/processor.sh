#!/bin/sh
# Runs once for each message, whose body is on standard input. Exit code 0: it is done; 65: no retry can help; any other: it
# failed, and is tried again.
set -eu

message=$(cat)
echo "Received message: $message"
