#!/bin/bash
# volume-server.sh - VMs of the lab: volume servers (LVM, LIO, tgt) and VMM nodes (open-iscsi, multipath), one image for both.
# Needs root; neither systemd nor KVM. They and whoever speaks to them live in a network namespace of their own, with the host
# at 10.98.0.1: nothing of it reaches the machine's network. The image is built once and kept in $VBS_CACHE together with the
# state of a booted VM, from which a new one is there in seconds.
#
#   volume-server.sh image                 builds what the cache lacks (minutes), prints the image's path
#   volume-server.sh start NAME [--ip A/LEN[,A/LEN]]
#                                          a fresh VM; its addresses (default 10.98.0.11/24; a second one is on a second link).
#                                          It has a volume group vg0 (4 GiB, /dev/vdb) with a thin pool `pool` of 2 GiB, and an
#                                          empty disk /dev/vdc of 1 GiB
#   volume-server.sh sh NAME CMD           runs CMD there and passes its exit status on; VBS_LAB_SH_SECONDS limits it (60)
#   volume-server.sh put NAME DIR FILE...  copies files and directories into DIR there, over the network
#   volume-server.sh reboot NAME           as a power button would: disks stay, all else is lost
#   volume-server.sh link NAME 0|1 on|off  plugs the cable of its first or second address in or out
#   volume-server.sh stop NAME | stop      ends one, or all and the network
#   volume-server.sh in CMD ARG...         runs a command in the network namespace (mounts and files are the caller's)
#
# Environment
#   VBS_LAB_DIR  state, default /run/vbs-lab; labs in different directories do not meet
#   VBS_CACHE    where the image is kept, default .cache in the source tree
# Exit status: 3 = Debian packages are missing (named), 1 = failed, 2 = usage.
# needs: qemu-system-x86 qemu-utils linux-image-cloud-amd64 busybox-static cpio python3 mmdebstrap e2fsprogs iproute2 util-linux
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=needs.sh
. "$here/needs.sh"
dir=${VBS_LAB_DIR:-/run/vbs-lab}
cache=${VBS_CACHE:-$here/../../.cache}
space=vbs-$(md5sum <<<"$dir" | cut -c1-10) # of the network
memory=512
packages="kmod udev iproute2 procps bash util-linux lvm2 thin-provisioning-tools tgt open-iscsi multipath-tools libiscsi-bin
 qemu-utils e2fsprogs libgrpc++1.51 libprotobuf32 libspdlog1.10 libfmt9 libyaml-cpp0.7 libsoci-core4.0 libsoci-sqlite3-4.0
 libsqlite3-0 libxml2 libssl3 libcpprest2.10 libboost-filesystem1.74.0 libprometheus-cpp-core1.0 libpugixml1v5 libxxhash0"

die() { echo "volume-server.sh: $*" >&2; exit 1; }
usage() { sed -n '/^#!/d;/^#/!q;s/^# \{0,1\}//p' "$0"; exit 2; }
inside() { nsenter --net="/run/netns/$space" "$@"; }
vm_pid() { local p; p=$(cat "$dir/$1.pid" 2>/dev/null) && [[ -n $p && -d /proc/$p ]] && echo "$p"; }
console() { "$here/vmsh.py" "$dir/$1.sock" "${@:2}"; }
monitor() { "$here/monitor.py" "$dir/$1.mon" "${@:2}"; }

kernel_version() {
  local v
  while read -r v; do
    [[ -e /lib/modules/$v/modules.dep ]] && { echo "$v"; return; }
  done < <(cd /boot && printf '%s\n' vmlinuz-* | sed 's/^vmlinuz-//' | sort -rV)
  die "no kernel in /boot that has its modules: apt-get install linux-image-cloud-amd64"
}

# ---- the image: BASE.img, BASE.initrd, and BASE.ready.* (disks with the state of a booted VM) -----------------------------
base() {
  local sum
  sum=$({ cat "$here"/{mk-initramfs,vm-init,vm-root-init}.sh; echo "$packages $memory"; declare -f build_root build_ready run_vm; } |
    sha256sum | cut -c1-12)
  mkdir -p "$cache"
  echo "$(cd "$cache" && pwd)/volume-server-$(kernel_version)-$sum"
}

build_root() { # BASE
  local root kernel sources
  kernel=$(kernel_version)
  sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    grep -E ' bookworm(-updates|-security)? main$' | sort -u | sed 's/^/deb /')
  [[ $sources ]] || die "apt knows no source of Debian 12 (bookworm main): add one to /etc/apt/sources.list"
  root=$1.root
  rm -rf "$root"
  # shellcheck disable=SC2086
  mmdebstrap --variant=minbase --mode=root --skip=cleanup/apt/lists \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --aptopt='Apt::Install-Recommends "false"' --include="$(echo $packages | tr ' ' ',')" \
    bookworm "$root" - <<<"$sources" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; die "mmdebstrap failed; its log is $1.log"; }
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
  mkdir -p "$root/usr/lib/modules/$kernel"
  tar -C "/lib/modules/$kernel" -c --exclude='kernel/drivers/gpu' --exclude='kernel/drivers/media' --exclude='kernel/sound' \
    --exclude='kernel/drivers/infiniband' --exclude=build --exclude=source . | tar -C "$root/usr/lib/modules/$kernel" -x
  depmod -b "$root" "$kernel"
  install -m755 "$here/vm-init.sh" "$root/sbin/vm-init"
  : >"$root/etc/fstab"
  echo vbs-lab >"$root/etc/hostname"
  # What LVM keeps for undoing by hand costs a write and a sync per command; nobody undoes anything here.
  sed -i 's/^\(\s*\)# archive = 1/\1archive = 0/;s/^\(\s*\)# backup = 1/\1backup = 0/' "$root/etc/lvm/lvm.conf"
  VBS_GUEST_INIT=$here/vm-root-init.sh "$here/mk-initramfs.sh" "$1.initrd" "$kernel" virtio_pci virtio_blk crc32c_generic ext4
  cp "/boot/vmlinuz-$kernel" "$1.kernel"
  truncate -s 2G "$1.img.$$"
  mke2fs -q -t ext4 -E lazy_itable_init=1,nodiscard -d "$root" "$1.img.$$"
  mv "$1.img.$$" "$1.img"
  rm -rf "$root"
}

run_vm() { # NAME BASE QEMU-ARGS...   disks are $dir/NAME.{root,vdb,vdc}.qcow2
  local name=$1 base=$2 net=() disk i
  shift 2
  for i in 0 1; do
    net+=(-netdev "tap,id=net$i,ifname=$(tap "$name" $i),script=no,downscript=no" -device "virtio-net-pci,netdev=net$i,id=nic$i")
  done
  local disks=()
  for disk in root vdb vdc; do
    disks+=(-drive "file=$dir/$name.$disk.qcow2,format=qcow2,if=none,id=$disk,cache=unsafe,discard=unmap"
      -device "virtio-blk-pci,drive=$disk,serial=$disk")
  done
  rm -f "$dir/$name.sock" "$dir/$name.mon"
  inside qemu-system-x86_64 -name "$name" -M pc -accel tcg -cpu max -smp 1 -m $memory -nodefaults -display none \
    -pidfile "$dir/$name.pid" -kernel "$base.kernel" -initrd "$base.initrd" \
    -append "console=ttyS0 panic=-1 quiet mitigations=off" "${disks[@]}" "${net[@]}" -device virtio-rng-pci \
    -chardev "socket,id=console,path=$dir/$name.sock,server=on,wait=off,logfile=$dir/$name.console" -serial chardev:console \
    -monitor "unix:$dir/$name.mon,server=on,wait=off" "$@" >"$dir/$name.qemu.log" 2>&1 </dev/null &
  local pid=$!
  disown
  for ((i = 0; i < 300; i++)); do
    [[ -S $dir/$name.mon && -S $dir/$name.sock ]] && break
    kill -0 $pid 2>/dev/null || { cat "$dir/$name.qemu.log" >&2; die "QEMU of $name ended at once"; }
    sleep 0.1
  done
  console "$name" --wait 180 || { tail -n 5 "$dir/$name.console" >&2; die "$name did not reach its shell in 180 s"; }
}

# A VM that has booted and has its volume group, frozen: starts skip all that.
build_ready() { # BASE
  local base=$1
  (
    dir=$(mktemp -d)
    space=vbsimg$$
    trap 'end_vm prepare; ip netns del $space 2>/dev/null; rm -rf "$dir"' EXIT
    network prepare
    qemu-img create -q -f qcow2 -F raw -b "$base.img" "$dir/prepare.root.qcow2"
    qemu-img create -q -f qcow2 "$dir/prepare.vdb.qcow2" 4G
    qemu-img create -q -f qcow2 "$dir/prepare.vdc.qcow2" 1G
    run_vm prepare "$base"
    console prepare --limit 120 '(set -e; pvcreate -q /dev/vdb; vgcreate -q vg0 /dev/vdb
      lvcreate -q -y --type thin-pool -L 2G --poolmetadatasize 16M -n pool vg0; udevadm settle; sync)' >"$dir/log" ||
      { cat "$dir/log" >&2; die "the volume group could not be made"; }
    monitor prepare savevm ready
    end_vm prepare
    for disk in vdb vdc root; do mv "$dir/prepare.$disk.qcow2" "$base.ready.$disk.qcow2"; done # root last: it says that all is there
  )
}

image() {
  local base
  base=$(base)
  exec 9>"$base.lock"
  flock 9 # two labs at once build it once
  [[ -s $base.img ]] || build_root "$base"
  [[ -s $base.ready.root.qcow2 ]] || build_ready "$base"
  exec 9>&-
  echo "$base.img"
}

# ---- network ------------------------------------------------------------------------------------------------------------
tap() { echo "$1" | md5sum | sed "s/^\(.\{8\}\).*/vbs\1-$2/"; }
hardware_address() { echo "$1-$2" | md5sum | sed 's/^\(..\)\(..\)\(..\).*/52:54:00:\1:\2:\3/'; }

network() { # NAME   the namespace, and the VM's two taps on its bridge
  local i t
  exec 8>"/run/$space.lock"
  flock 8
  if [[ ! -e /run/netns/$space ]]; then
    ip netns add "$space"
    inside ip link set lo up
    inside ip link add br0 type bridge
    inside ip addr add 10.98.0.1/24 dev br0
    inside ip addr add 10.98.1.1/24 dev br0
    inside ip link set br0 up
  fi
  exec 8>&-
  for i in 0 1; do
    t=$(tap "$1" $i)
    inside ip link show "$t" >/dev/null 2>&1 || inside ip tuntap add dev "$t" mode tap
    inside ip link set "$t" master br0 up
  done
}

# Of a VM that comes from a frozen state: it still has the clock, name and hardware addresses of that.
identify() { # NAME ADDRESSES
  local name=$1 i=0 a script
  script="hostname $name; date -s @$(date +%s) >/dev/null; echo 'InitiatorName=iqn.2026-01.org.vbs.lab:$name' >/etc/iscsi/initiatorname.iscsi"
  for a in ${2//,/ }; do
    script+="; ip link set eth$i down; ip addr flush dev eth$i; ip link set eth$i address $(hardware_address "$name" $i)"
    script+="; ip link set eth$i up; ip addr add $a dev eth$i"
    i=$((i + 1))
  done
  # Interfaces may have names of their bus.
  script="set -- \$(cd /sys/class/net && ls -d e* | sort -V); ${script//eth0/\$1}"
  console "$name" --limit 60 "${script//eth1/\$2}"
}

# ---- commands -----------------------------------------------------------------------------------------------------------
start() {
  local name=$1 addresses=10.98.0.11/24 base disk
  shift
  while (($#)); do
    case $1 in
    --ip) addresses=$2; shift 2 ;;
    *) usage ;;
    esac
  done
  [[ $(id -u) == 0 ]] || die "needs root (network namespace, taps)"
  ! vm_pid "$name" >/dev/null || die "$name runs already: stop it first"
  mkdir -p "$dir"
  image >"$dir/image.log"
  base=$(base)
  network "$name"
  echo "$addresses" >"$dir/$name.addresses"
  for disk in root vdb vdc; do cp --reflink=auto --sparse=always "$base.ready.$disk.qcow2" "$dir/$name.$disk.qcow2"; done
  run_vm "$name" "$base" -loadvm ready
  identify "$name" "$addresses"
}

end_vm() {
  local p n
  p=$(vm_pid "$1") || return 0
  kill "$p"
  for ((n = 0; n < 100; n++)); do
    [[ -d /proc/$p ]] || { rm -f "$dir/$1".{pid,sock,mon}; return 0; }
    sleep 0.1
  done
  die "QEMU of $1 (pid $p) does not end after SIGTERM"
}

stop() {
  local name file
  if (($#)); then
    end_vm "$1"
    rm -f "$dir/$1".{root,vdb,vdc}.qcow2 "$dir/$1.addresses"
    return
  fi
  for file in "$dir"/*.addresses; do
    name=${file##*/}
    [[ ! -e $file ]] || stop "${name%.addresses}"
  done
  ! [[ -e /run/netns/$space ]] || ip netns del "$space"
  rm -f "/run/$space.lock"
}

put() {
  local name=$1 to=$2 port sender status=0
  shift 2
  exec 7< <(inside "$here/send.py" "$@")
  sender=$!
  read -r -u 7 port || die "send.py gave no port"
  console "$name" --limit 120 "mkdir -p '$to' && tar -C '$to' -x </dev/tcp/10.98.0.1/$port" || status=$?
  ((status == 0)) || kill "$sender" 2>/dev/null || :
  exec 7<&-
  return $status
}

reboot() {
  monitor "$1" system_reset
  sleep 1
  console "$1" --wait 180 || die "$1 did not come back in 180 s"
  identify "$1" "$(cat "$dir/$1.addresses")"
}

command=${1:-}
[[ -n $command ]] || usage
shift
case $command in
image) image ;;
start) (($#)) || usage; start "$@" ;;
sh) (($# > 1)) || usage; exec "$here/vmsh.py" "$dir/$1.sock" --limit "${VBS_LAB_SH_SECONDS:-60}" "${@:2}" ;;
put) (($# > 2)) || usage; put "$@" ;;
reboot) (($#)) || usage; reboot "$1" ;;
link) (($# == 3)) || usage; monitor "$1" set_link "net$2" "$3" ;;
stop) stop "$@" ;;
in) (($#)) || usage; inside "$@" ;;
*) usage ;;
esac
