#!/bin/bash
# libvirt.sh - a libvirtd of the tests' own, and tiny guests in it. Needs root; neither systemd nor KVM (guests run under
# QEMU's TCG). Configuration, sockets, definitions and logs of this libvirtd live in $VBS_LAB_DIR, in a mount namespace: a
# libvirtd that the machine already has, and its files, are neither read nor changed.
#
#   libvirt.sh start          starts libvirtd unless it runs, prints the connection URI
#   libvirt.sh uri            prints it
#   libvirt.sh restart        ends libvirtd and starts it again; guests go on running
#   libvirt.sh down           ends libvirtd only; guests go on running, 'start' finds them again
#   libvirt.sh guest NAME [--ports N] [--memory MIB] [--append KERNEL-ARGS] [--transient] [--agent]
#                             boots guest vbs-NAME (N hot-plug ports, default 12) and waits until its shell answers;
#                             --agent: with a running qemu-ga (package qemu-guest-agent)
#   libvirt.sh sh NAME CMD    runs CMD in the guest and passes its exit status on; VBS_LAB_SH_SECONDS limits it (60)
#   libvirt.sh kill NAME      destroys and undefines that guest; refuses one that this script did not make
#   libvirt.sh status         URI, process and guests
#   libvirt.sh stop           kills the guests, ends libvirtd
#
# Environment
#   VBS_LAB_DIR      state, default /run/vbs-lab; labs in different directories do not meet
#   VBS_LIBVIRT_URI  use this libvirt instead, unchanged; start, restart, down and stop then leave the daemon alone
#   VBS_LAB_STOCK    1: QEMU as Debian's libvirt runs it, as user libvirt-qemu and with dynamic ownership, instead of as root;
#                    what holds the images must let others pass (mode 0711). Decided by the first 'start'
#   VBS_CACHE        where the guest's initramfs is kept, default .cache in the source tree
# Where / is not a shared mount (containers, sandboxes), a file system that is mounted after 'start' is seen by the guests
# only below $VBS_LAB_DIR/mnt.
# Exit status: 3 = Debian packages are missing (named), 1 = failed, 2 = usage.
# needs: libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 linux-image-cloud-amd64 busybox-static cpio python3 util-linux
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=needs.sh
. "$here/needs.sh"
dir=${VBS_LAB_DIR:-/run/vbs-lab}
cache=${VBS_CACHE:-$here/../../.cache}
uri=${VBS_LIBVIRT_URI:-qemu+unix:///system?socket=$dir/run/libvirt-sock}
tag=urn:vbs:lab # metadata of our guests: only these are ever killed

die() { echo "libvirt.sh: $*" >&2; exit 1; }
usage() { sed -n '/^#!/d;/^#/!q;s/^# \{0,1\}//p' "$0"; exit 2; }
vsh() { virsh --quiet --connect "$uri" "$@"; }
own() { [[ -z ${VBS_LIBVIRT_URI:-} ]]; }
daemon_pid() { local p; p=$(cat "$dir/libvirtd.pid" 2>/dev/null) && [[ -n $p && -d /proc/$p ]] && echo "$p"; }
ours() { vsh metadata "$1" "$tag" >/dev/null 2>&1; }

configure() {
  mkdir -p "$dir"/{etc/qemu/networks,run,lib/qemu,cache,log,mnt,guests}
  # As root, without the daemon's own isolation: in a sandbox it has nothing to work with (cgroups, AppArmor), and its
  # private /dev would hide file systems that are mounted later. Disks stay with their owners.
  local owners='user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0'
  [[ ${VBS_LAB_STOCK:-} != 1 ]] || owners='user = "libvirt-qemu"
group = "libvirt-qemu"
dynamic_ownership = 1'
  cat >"$dir/etc/qemu.conf" <<C
$owners
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
C
  # Two labs on one machine are two hosts, between which a guest can be migrated.
  [[ -s $dir/host-uuid ]] || cat /proc/sys/kernel/random/uuid >"$dir/host-uuid"
  cat >"$dir/etc/libvirtd.conf" <<C
host_uuid = "$(cat "$dir/host-uuid")"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
C
  if ! mountpoint -q "$dir/mnt"; then
    mount --bind "$dir/mnt" "$dir/mnt"
    mount --make-private "$dir/mnt" # leave the parent's peer group, if there is one ...
    mount --make-shared "$dir/mnt"  # ... and lead one of our own, which the namespace follows
  fi
}

start() {
  own || { vsh list >/dev/null || die "cannot reach $uri"; return; }
  [[ $(id -u) == 0 ]] || die "needs root (mount namespace, QEMU as root)"
  ((${#dir} < 80)) || die "VBS_LAB_DIR is ${#dir} bytes long; sockets below it need it under 80: choose a shorter path"
  if ! daemon_pid >/dev/null; then
    configure
    mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
    setsid unshare --mount --propagation slave "$here/libvirt-namespace.sh" "$dir" \
      libvirtd --config /etc/libvirt/libvirtd.conf --pid-file "$dir/libvirtd.pid" \
      >"$dir/log/start.log" 2>&1 </dev/null &
  fi
  local n
  for ((n = 0; n < 200; n++)); do
    vsh list >/dev/null 2>&1 && return
    sleep 0.1
  done
  tail -n 5 "$dir/log/start.log" "$dir/log/libvirtd.log" >&2 || :
  die "libvirtd does not answer at $uri after 20 s; its logs are in $dir/log"
}

down() {
  local p n
  own || return 0
  p=$(daemon_pid) || return 0
  kill "$p"
  kill -CONT "$p" # a test may have stopped it
  for ((n = 0; n < 100; n++)); do
    [[ -d /proc/$p ]] || { rm -f "$dir/libvirtd.pid"; return 0; }
    sleep 0.1
  done
  die "libvirtd (pid $p) does not end after SIGTERM"
}

initramfs() { # prints its path; built once per kernel and per content of the scripts
  local kernel=$1 agent=$2 sum out
  sum=$(cat "$here/mk-initramfs.sh" "$here/guest-init.sh" "$here/guest-disk.sh" | sha256sum | cut -c1-12)
  mkdir -p "$cache"
  out=$(cd "$cache" && pwd)/guest${agent:+-agent}-$kernel-$sum.cpio.gz
  [[ -e $out ]] || VBS_GUEST_PROGRAMS=${agent:+/usr/sbin/qemu-ga} "$here/mk-initramfs.sh" "$out" "$kernel" virtio_pci virtio_blk \
    virtio_scsi sd_mod ext4 crc32c_generic ${agent:+virtio_console} >&2
  echo "$out"
}

kernel_version() { # the newest with modules: a linux-headers package leaves a directory without any
  local v
  while read -r v; do
    [[ -e /lib/modules/$v/modules.dep ]] && { echo "$v"; return; }
  done < <(cd /boot && printf '%s\n' vmlinuz-* | sed 's/^vmlinuz-//' | sort -rV)
  die "no kernel in /boot that has its modules: apt-get install linux-image-cloud-amd64"
}

guest_xml() { # name ports memory append kernel initrd agent
  local i
  cat <<D
<domain type='qemu'>
  <name>$1</name>
  <metadata><lab:guest xmlns:lab='$tag'/></metadata>
  <memory unit='MiB'>$3</memory>
  <vcpu>1</vcpu>
  <iothreads>1</iothreads>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$5</kernel>
    <initrd>$6</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet mitigations=off $4</cmdline>
  </os>
  <features><acpi/></features>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
D
  for ((i = 0; i <= $2 + ${7:-0}; i++)); do # one more: the SCSI controller sits in it; and that of the channel
    echo "    <controller type='pci' model='pcie-root-port'/>"
  done
  cat <<D
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='unix'><source mode='bind' path='$dir/guests/$1.sock'/><target port='0'/></serial>
D
  [[ -z ${7:-} ]] || echo "    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
  cat <<D
  </devices>
</domain>
D
}

guest() {
  local name=vbs-$1 ports=12 memory=192 append='' transient='' agent='' kernel initrd
  shift
  while (($#)); do
    case $1 in
    --ports) ports=$2; shift 2 ;;
    --memory) memory=$2; shift 2 ;;
    --append) append=$2; shift 2 ;;
    --transient) transient=1; shift ;;
    --agent) agent=1; shift ;;
    *) usage ;;
    esac
  done
  start
  kernel=$(kernel_version)
  [[ -z $agent || -x /usr/sbin/qemu-ga ]] || {
    echo "libvirt.sh: Debian packages are missing: apt-get install qemu-guest-agent" >&2
    exit 3
  }
  initrd=$(initramfs "$kernel" "$agent")
  mkdir -p "$dir/guests"
  # Its QEMU may run as a user who cannot look into the source tree, and its libvirtd may give both files to that user.
  local image=/boot/vmlinuz-$kernel
  if ! own || [[ ${VBS_LAB_STOCK:-} == 1 ]]; then
    cp "$initrd" "$image" "$dir/guests/"
    initrd=$dir/guests/${initrd##*/} image=$dir/guests/${image##*/}
  fi
  guest_xml "$name" "$ports" "$memory" "$append" "$image" "$initrd" "$agent" >"$dir/guests/$name.xml"
  if [[ $transient ]]; then
    vsh create "$dir/guests/$name.xml" >/dev/null
  else
    vsh define "$dir/guests/$name.xml" >/dev/null
    vsh start "$name" >/dev/null
  fi
  "$here/vmsh.py" "$dir/guests/$name.sock" --wait 120 || die "guest $name did not reach its shell in 120 s"
  [[ -z $agent ]] || "$here/vmsh.py" "$dir/guests/$name.sock" --limit 60 \
    'p=$(grep -l org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name) && p=${p%/name} &&
      qemu-ga -d -m virtio-serial -p /dev/${p##*/} -t /run -f /run/qemu-ga.pid -l /run/qemu-ga.log' ||
    die "guest $name could not start qemu-ga"
  echo "$name"
}

kill_guest() {
  vsh dominfo "$1" >/dev/null 2>&1 || return 0
  ours "$1" || die "$1 was not made by this script (no $tag metadata): left alone"
  [[ $(vsh domstate "$1") == "shut off" ]] || vsh destroy "$1" >/dev/null
  ! vsh dominfo "$1" >/dev/null 2>&1 || vsh undefine "$1" >/dev/null
  rm -f "$dir/guests/$1".{xml,sock}
}

stop() {
  local g
  if ! own || daemon_pid >/dev/null || compgen -G "$dir/run/qemu/*.pid" >/dev/null; then
    start
    for g in $(vsh list --all --name); do ! ours "$g" || kill_guest "$g"; done
  fi
  own || return 0
  down
  ! mountpoint -q "$dir/mnt" || umount "$dir/mnt" || die "unmount what is below $dir/mnt first"
}

command=${1:-}
[[ -n $command ]] || usage
shift
case $command in
start) start; echo "$uri" ;;
uri) echo "$uri" ;;
restart) down; start ;;
down) down ;;
guest) (($#)) || usage; guest "$@" ;;
sh) (($# > 1)) || usage; exec "$here/vmsh.py" "$dir/guests/vbs-$1.sock" --limit "${VBS_LAB_SH_SECONDS:-60}" "${@:2}" ;;
kill) (($#)) || usage; kill_guest "vbs-$1" ;;
status) echo "$uri"; ! own || echo "libvirtd: $(daemon_pid || echo not running)"; vsh list --all ;;
stop) stop ;;
*) usage ;;
esac
