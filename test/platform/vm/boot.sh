#!/bin/bash
# boot.sh uml|qemu COMMAND...: boots a small virtual machine (see prepare.sh), runs COMMAND in it as root in the same
# directory, prints what it prints, and exits with its status. The guest's file system is this machine's, read-only
# under a tmpfs. Needs no root here. The boot and run time go to stderr, and on failure the console does too.
#
# BSD_SOCKETS_VM_LIMIT: seconds after which the machine is ended (600).  BSD_SOCKETS_VM_ENV: names of variables to pass.
# BSD_SOCKETS_VM_ACCEL: qemu's -accel (tcg; kvm is ten times faster where it works).
# Exit status 125: the machine did not boot or died (then stderr ends with its console).
set -u
here=$(cd "$(dirname "$0")" && pwd)
CACHE=${BSD_SOCKETS_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bsd-sockets-vm}
limit=${BSD_SOCKETS_VM_LIMIT:-600}
kind=$1
shift

job=$(mktemp -d "${TMPDIR:-/tmp}/bsd-sockets-vm.XXXXXX")
trap 'rm -rf "$job"' EXIT
cp "$here/guest/job" "$job/guest-job"
printf 'cd %q\n' "$PWD" >"$job/command"
printf '%q ' "$@" >>"$job/command"
: >"$job/environment"
for name in LANG NODE_OPTIONS ${BSD_SOCKETS_VM_ENV:-}; do
  [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}" >>"$job/environment"
done

# The guest's memory is a file in TMPDIR for user-mode-linux: /dev/shm, so that no disk is involved.
boot_uml() {
  TMPDIR=/dev/shm timeout -k 5 "$limit" "$CACHE/uml/usr/bin/linux.uml" mem=1536M \
    uml_dir="$job/" root=/dev/root rootfstype=hostfs rootflags=/ ro init="$here/guest/uml-init" \
    quiet con=null con0=null,fd:1 random.trust_cpu=on JOB="$job" MODULES="$CACHE/uml/usr/lib/uml/modules"
}

# Emulated by default: /dev/kvm, where it is there at all, is often nested, and such a guest may hang in its boot.
boot_qemu() {
  local accel=${BSD_SOCKETS_VM_ACCEL:-tcg,thread=multi,tb-size=512} modules=$CACHE/kernel/lib/modules
  [ -d "$modules" ] || modules=$CACHE/kernel/usr/lib/modules
  # The emulated TSC is this machine's. Told its frequency (half the BogoMIPS), the guest need not measure it, which
  # on a busy machine went wrong by a factor of three, and all its clocks with it.
  # Nor need it look whether the emulated timer works, which a busy machine fails (no_timer_check).
  local khz
  khz=$(awk '/^bogomips/ { printf "tsc_early_khz=%d", $3 * 500; exit }' /proc/cpuinfo)
  share() { echo "-fsdev local,id=$1,path=$2,security_model=none,multidevs=remap$3 -device virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
  # shellcheck disable=SC2046 # share's words are separate arguments
  timeout -k 5 "$limit" qemu-system-x86_64 -M q35 -accel "$accel" -cpu max -m 1536 \
    -nodefaults -no-user-config -display none -no-reboot -serial stdio -device virtio-rng-pci \
    -kernel "$CACHE/vmlinux" -initrd "$CACHE/initramfs.cpio" $(share host / ,readonly=on) $(share job "$job" '') \
    -append "console=ttyS0 quiet loglevel=3 panic=-1 reboot=t tsc=reliable no_timer_check $khz mitigations=off nokaslr \
      random.trust_cpu=on audit=0 selinux=0 apparmor=0 MODULES=$modules"
}

: >"$job/output"
tail -f -n +1 --pid=$$ "$job/output" &
tail=$!
started=$(date +%s.%N)
case $kind in uml) boot_uml ;; qemu) boot_qemu ;; esac </dev/null >"$job/console" 2>&1
ended=$(date +%s.%N)
sleep 0.3 # tail -f looks at regular intervals
kill "$tail"
wait "$tail" 2>/dev/null

if [ ! -f "$job/status" ]; then
  echo "boot.sh: the $kind machine gave no exit status within $limit s; its console ends with:" >&2
  tail -20 "$job/console" >&2
  exit 125
fi
read -r booted finished <"$job/times"
awk -v k="$kind" -v b="$booted" -v f="$finished" -v s="$started" -v e="$ended" \
  'BEGIN { printf "boot.sh: %s booted in %.1f s, ran for %.1f s, %.1f s in all\n", k, b, f - b, e - s }' >&2
exit "$(cat "$job/status")"
