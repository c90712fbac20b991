#!/bin/sh
# disk SERIAL [SECONDS] - in the guest: prints the device (/dev/vdb) whose serial SERIAL is, waiting up to SECONDS (10).
# The guest names disks in order of arrival, so only the serial tells which is which; this image has no udev and thus no
# /dev/disk/by-id. virtio-blk shows the first 20 characters of a serial, virtio-scsi up to 36 (vital product page 0x80).
tries=$((${2:-10} * 5))
while :; do
  for block in /sys/block/*; do
    if [ -e "$block/serial" ]; then
      serial=$(cat "$block/serial")
    elif [ -e "$block/device/vpd_pg80" ]; then
      serial=$(tail -c +5 "$block/device/vpd_pg80" | tr -d '\0')
    else
      continue
    fi
    [ -n "$serial" ] || continue
    case $1 in "$serial"*) echo "/dev/${block##*/}"; exit 0 ;; esac
  done
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { echo "no disk with serial $1" >&2; exit 1; }
  sleep 0.2
done
