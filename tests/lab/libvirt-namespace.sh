#!/bin/bash
# libvirt-namespace.sh DIR COMMAND... - runs COMMAND where libvirt's compiled-in directories are DIR's own.
#
# libvirtd reads /etc/libvirt/qemu.conf whatever its options say, and as root it always is the "system" daemon. So that
# neither the machine's configuration nor its domains are touched, the caller starts this script in a mount namespace of
# its own (unshare --mount --propagation slave); the binds below exist in there only.
set -euo pipefail
dir=$1
shift
for pair in etc:/etc/libvirt run:/run/libvirt lib:/var/lib/libvirt cache:/var/cache/libvirt log:/var/log/libvirt; do
  mount --bind "$dir/${pair%%:*}" "${pair#*:}"
done
# Debian's libvirtd does not start where there is no user libvirt-qemu. Its package libvirt-daemon-system makes one, but
# would bring a system service along, too.
if ! getent passwd libvirt-qemu >/dev/null || ! getent group libvirt-qemu >/dev/null; then
  for file in passwd group; do cp "/etc/$file" "$dir/$file"; done
  getent passwd libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>"$dir/passwd"
  getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:" >>"$dir/group"
  for file in passwd group; do mount --bind "$dir/$file" "/etc/$file"; done
fi
exec "$@"
