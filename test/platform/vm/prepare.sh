#!/bin/bash
# prepare.sh: gets what the virtual machines of `npm run test:vm` need, once: Debian's tools by apt-get install, its
# kernels by apt-get download, unpacked into the cache (never installed: this machine's own boot is not touched).
#
#   $CACHE/uml/      user-mode-linux and its modules
#   $CACHE/kernel/   the distribution's kernel and its modules, for qemu
#   $CACHE/vmlinux, $CACHE/initramfs.cpio   what qemu boots, made from that kernel
#
# Usage: prepare.sh uml|qemu|bluetooth ...    Exit status 3: this machine cannot have it; stderr says why and what to do.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
CACHE=${BSD_SOCKETS_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bsd-sockets-vm}
export DEBIAN_FRONTEND=noninteractive
cannot() { echo "test:vm: $*" >&2; exit 3; }

command -v apt-get >/dev/null || cannot 'apt-get is missing: the kernels come from Debian packages (run it in a Debian container)'
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "the virtual machines are made for amd64, this is $(dpkg --print-architecture)"
mkdir -p "$CACHE"

# Package lists are often absent in containers; refreshed at most once a run, and only when something is to be fetched.
refresh() {
  [ -z "${refreshed:-}" ] || return 0
  refreshed=1
  [ "$(id -u)" != 0 ] || apt-get -qq update || echo 'test:vm: apt-get update failed, going on with the lists that are there' >&2
}

# install PROGRAM=PACKAGE...: apt-get install for those programs that are missing.
install() {
  local pair missing=()
  for pair; do PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || cannot "needs root once, to run: apt-get install --no-install-recommends ${missing[*]}"
  refresh
  echo "test:vm: installing ${missing[*]}" >&2
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >"$CACHE/apt.log" 2>&1 ||
    cannot "apt-get install ${missing[*]} failed: $(tail -3 "$CACHE/apt.log")"
}

# fetch PACKAGE DIRECTORY: unpacks a package into the cache. It gets its final name only when it is whole.
fetch() {
  local package=$1 directory=$CACHE/$2 work
  [ ! -d "$directory" ] || return 0
  refresh
  echo "test:vm: downloading $package" >&2
  work=$(mktemp -d "$CACHE/$2.XXXXXX")
  chmod 755 "$work" # apt drops to its own user for downloads
  (cd "$work" && apt-get -qq download "$package" >"$CACHE/apt.log" 2>&1 && dpkg-deb -x ./*.deb root) ||
    { rm -rf "$work"; cannot "apt-get download $package failed: $(tail -3 "$CACHE/apt.log")"; }
  mv "$work/root" "$directory"
  rm -rf "$work"
}

uml() {
  install busybox=busybox-static modprobe=kmod ip=iproute2
  fetch user-mode-linux uml
}

qemu() {
  install busybox=busybox-static modprobe=kmod ip=iproute2 cpio=cpio xz=xz-utils zstd=zstd qemu-system-x86_64=qemu-system-x86
  if [ ! -d "$CACHE/kernel" ]; then
    refresh
    # linux-image-amd64 is a meta package: what it depends on is the kernel.
    fetch "$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -1)" kernel
  fi
  local modules=$CACHE/kernel/lib/modules
  [ -d "$modules" ] || modules=$CACHE/kernel/usr/lib/modules
  local release
  release=$(ls "$modules")
  [ -f "$modules/$release/modules.dep" ] || depmod -b "${modules%/lib/modules}" "$release"
  [ -f "$CACHE/vmlinux" ] || extract_kernel "$CACHE/kernel/boot/vmlinuz-$release"
  make_initramfs "${modules%/lib/modules}" "$release"
}

# The ELF kernel inside a bzImage (as the kernel's scripts/extract-vmlinux does). qemu boots it directly: letting the
# image decompress itself under emulation takes longer than the whole boot.
extract_kernel() {
  local image=$1 magic tool offset
  for magic in '\xfd7zXZ\x00 xz' '\x28\xb5\x2f\xfd zstd' '\x1f\x8b\x08 gzip'; do
    tool=${magic#* }
    for offset in $(LC_ALL=C grep -aboP "${magic% *}" "$image" | cut -d: -f1); do
      # The stream is followed by other bytes, so the tools complain at its end; the ELF header tells whether it worked.
      tail -c +$((offset + 1)) "$image" | $tool -dcq >"$CACHE/vmlinux.new" 2>/dev/null || true
      [ "$(head -c 4 "$CACHE/vmlinux.new")" = $'\x7fELF' ] || continue
      mv "$CACHE/vmlinux.new" "$CACHE/vmlinux"
      return 0
    done
  done
  cannot "no ELF kernel found inside $image"
}

# busybox, the modules that reach the host's file system, and guest/qemu-init.
make_initramfs() {
  local base=$1 release=$2 tree module file name
  tree=$(mktemp -d "$CACHE/initramfs.XXXXXX")
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,mnt,host,root}
  cp "$(command -v busybox)" "$tree/bin/"
  cp "$here/guest/qemu-init" "$tree/init"
  chmod +x "$tree/init"
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$base" -S "$release" --show-depends $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++' | while read -r file; do
    name=$(basename "$file")
    case $name in
      *.xz) name=${name%.xz}; xz -dc "$file" >"$tree/modules/$name" ;;
      *.zst) name=${name%.zst}; zstd -dcq "$file" >"$tree/modules/$name" ;;
      *) cp "$file" "$tree/modules/$name" ;;
    esac
    echo "$name" >>"$tree/modules/order"
  done
  (cd "$tree" && find . | cpio -o -H newc --quiet) >"$CACHE/initramfs.cpio.new"
  mv "$CACHE/initramfs.cpio.new" "$CACHE/initramfs.cpio"
  rm -rf "$tree"
}

# btvirt emulates Bluetooth controllers behind /dev/vhci; hciconfig brings them up.
bluetooth() { install hciconfig=bluez btvirt=bluez-test-tools; }

for part; do
  case $part in uml | qemu | bluetooth) "$part" ;; *) echo "usage: prepare.sh uml|qemu|bluetooth ..." >&2; exit 2 ;; esac
done
