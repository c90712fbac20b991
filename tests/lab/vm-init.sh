#!/bin/bash
# vm-init.sh - process 1 of a volume server or VMM node VM: no systemd, only what LVM, LIO and open-iscsi need. The rest
# (addresses, clock, daemons) is told over the serial console by volume-server.sh. /etc/vm-ready, if there is one, runs
# before the shell.
[[ $$ == 1 ]] || { echo "only as process 1 of a VM" >&2; exit 1; }
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd # devtmpfs lacks it; bash's <(...) needs it
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/lvm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo 1 >/proc/sys/kernel/printk
/lib/systemd/systemd-udevd --daemon
for module in virtio_net configfs target_core_mod iscsi_target_mod target_core_iblock iscsi_tcp dm_thin_pool dm_multipath; do
  modprobe "$module"
done
mount -t configfs configfs /sys/kernel/config 2>/dev/null
udevadm trigger --action=add --subsystem-match=block --subsystem-match=net
udevadm settle -t 20
ip link set lo up
[[ ! -x /etc/vm-ready ]] || /etc/vm-ready
cd /root || exit
while :; do
  # shellcheck disable=SC2016
  setsid bash -c 'stty -echo -onlcr; PS1="# " exec bash --norc --noediting -i' <>/dev/ttyS0 >&0 2>&1
  sleep 1
done
