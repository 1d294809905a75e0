#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test that is content, though a program of its own did not live to its end.
echo "ok 1 - content"
echo "1..1"
sh -c 'kill -SEGV $$'
exit 0
