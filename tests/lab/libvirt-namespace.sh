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
exec "$@"
