#!/bin/sh
# /init of the initramfs of a VM that has its root on a disk (vda): loads the modules, mounts it, hands over to its vm-init.sh.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
[ $$ = 1 ] || { echo "only as process 1 of a VM" >&2; exit 1; }
mount -t proc proc /proc
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module" || echo "cannot load $module"; done </modules.list
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do
  sleep 0.1
  n=$((n + 1))
done
mkdir -p /newroot
mount -t ext4 -o rw,noatime /dev/vda /newroot || { echo "cannot mount the root"; exec sh; }
umount /proc
mount --move /dev /newroot/dev
exec switch_root /newroot /sbin/vm-init
