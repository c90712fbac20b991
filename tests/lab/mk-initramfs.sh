#!/bin/bash
# mk-initramfs.sh OUT KERNEL-VERSION MODULE... - builds the tiny guest's image: busybox, guest-init.sh as /init, the `disk`
# helper, and the modules with what they depend on, listed in /modules.list in loading order. VBS_GUEST_PROGRAMS: programs of
# this machine to put into /bin, with their libraries. VBS_GUEST_INIT: another /init.
# needs: busybox-static cpio
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=needs.sh
. "$here/needs.sh"
(($# > 1)) || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
out=$1 modules=/lib/modules/$2
shift 2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,mnt,root,etc,lib/modules}
cp "$(command -v busybox)" "$root/bin/busybox"
"$root/bin/busybox" --list-full | while read -r applet; do
  [[ -e $root/$applet ]] || ln -s /bin/busybox "$root/$applet"
done
install -m755 "${VBS_GUEST_INIT:-$here/guest-init.sh}" "$root/init"
install -m755 "$here/guest-disk.sh" "$root/bin/disk"
: >"$root/modules.list"

add() { # a module by name, its dependencies before it
  local name=$1 pattern line file dependency
  pattern=${name//[-_]/[-_]}
  line=$(grep -m1 -E "(^|/)$pattern\.ko[.a-z]*:" "$modules/modules.dep") || {
    grep -qE "/$pattern\.ko" "$modules/modules.builtin" && return 0
    echo "mk-initramfs.sh: no module $name in $modules" >&2
    return 1
  }
  file=${line%%:*}
  [[ ! -e $root/lib/modules/${file##*/} ]] || return 0
  for dependency in ${line#*:}; do
    dependency=${dependency##*/}
    add "${dependency%%.ko*}"
  done
  cp "$modules/$file" "$root/lib/modules/"
  echo "/lib/modules/${file##*/}" >>"$root/modules.list"
}
for module; do add "$module"; done
for program in ${VBS_GUEST_PROGRAMS:-}; do
  install -m755 "$program" "$root/bin/"
  for library in $(ldd "$program" | grep -o '/[^ ]*'); do
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
  done
done
# Written beside and renamed: two builds at once leave one whole file.
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$out.$$"
mv "$out.$$" "$out"
