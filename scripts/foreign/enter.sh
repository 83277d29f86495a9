#!/bin/sh
# Runs HOST_NODE with these arguments where programs of another processor or C library start, too: in user, mount and network
# namespaces of its own, so that nothing on the machine changes.
#
#   FOREIGN_NODE    the Node.js that child processes get
#   FOREIGN_BINARY  the addon, in place of the one that is built here
#   FOREIGN_FORMAT  the line for binfmt_misc, which a user namespace has for itself since Linux 6.7
#   FOREIGN_LIB     a folder whose files are seen in /usr/lib, beside those that are there
set -e
if [ "$1" != --inside ]; then
  exec unshare --user --map-root-user --mount --net "$0" --inside "$@"
fi
shift
ip link set lo up
if [ -n "$FOREIGN_FORMAT" ]; then
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  printf '%s' "$FOREIGN_FORMAT" >/proc/sys/fs/binfmt_misc/register
fi
if [ -n "$FOREIGN_LIB" ]; then
  mount -t overlay overlay -o "lowerdir=$FOREIGN_LIB:/usr/lib" /usr/lib
fi
mount --bind "$FOREIGN_BINARY" build/Release/bsd_sockets.node
if [ "$HOST_NODE" = "$FOREIGN_NODE" ]; then exec "$HOST_NODE" "$@"; fi
exec "$HOST_NODE" --import ./scripts/foreign/host.mjs "$@"
