#!/bin/sh
# Runs node with these arguments where another processor's programs start, too: in a user namespace, which has a binfmt_misc of its
# own since Linux 6.7, so that nothing on the machine changes. FOREIGN_FORMAT: the line for binfmt_misc; FOREIGN_BINARY: the addon,
# in place of the one that is built here; FOREIGN_NODE: the Node.js that child processes get; HOST_NODE: the one to run.
set -e
if [ "$1" != --inside ]; then
  exec unshare --user --map-root-user --mount --net "$0" --inside "$@"
fi
shift
ip link set lo up
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$FOREIGN_FORMAT" >/proc/sys/fs/binfmt_misc/register
mount --bind "$FOREIGN_BINARY" build/Release/bsd_sockets.node
exec "$HOST_NODE" --import 'data:text/javascript,process.execPath=process.env.FOREIGN_NODE' "$@"
