#!/bin/sh
# bluetooth.sh: two Bluetooth controllers, hci0 and hci1, emulated by btvirt and within reach of each other; does nothing if
# they are there. Their addresses are always 00:AA:01:00:00:00 and 00:AA:01:01:00:01. Only in a virtual machine of ours.
set -e
if [ ! -e /sys/class/bluetooth/hci1 ]; then
  # In the background for as long as the guest lives, holding none of the caller's pipes.
  setsid btvirt -l2 </dev/null >/dev/null 2>&1 &
  for _ in $(seq 100); do
    [ ! -e /sys/class/bluetooth/hci1 ] || break
    sleep 0.1
  done
fi
for controller in hci0 hci1; do hciconfig $controller up piscan; done
