#!/bin/sh
# /init of the tiny guest: loads the modules of the image, then keeps a root shell on the console.
[ $$ = 1 ] || { echo "$0: only as process 1 of a VM" >&2; exit 1; }
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null # mounted by the kernel already, with some configurations
echo 1 >/proc/sys/kernel/printk # kernel messages would mix with the answers of commands
while read -r module; do insmod "$module" || echo "cannot load $module"; done </modules.list
cd /root || exit 1
while :; do
  PS1='# ' setsid sh -c 'stty -echo -onlcr; exec sh -i' <>/dev/ttyS0 >&0 2>&1
  sleep 1
done
