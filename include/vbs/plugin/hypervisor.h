/* SPDX-License-Identifier: MIT
 *
 * Hypervisor table, version 0. One instance per VMM node. A NULL function = not supported.
 *
 * A VM is known by its UUID: names are reused, and a detach that goes by name can pull a stranger's disk. A disk is known
 * by its serial, which is the volume id (virtio-blk shows a guest its first 20 characters: VIRTIO 1.2, 5.2.6.1). */
#ifndef VBS_PLUGIN_HYPERVISOR_H
#define VBS_PLUGIN_HYPERVISOR_H
#include "abi.h"
#include "connector.h"
#ifdef __cplusplus
extern "C" {
#endif

#define VBS_HYPERVISOR_VERSION 0u

#define VBS_VM_OTHER 0
#define VBS_VM_RUNNING 1
#define VBS_VM_PAUSED 2
#define VBS_VM_SHUT_OFF 3

typedef struct vbs_vm {
  uint32_t size;
  int32_t state; /* VBS_VM_* */
  vbs_str uuid;
  vbs_str name;
  int32_t persistent; /* it has a definition that outlives a stop */
  uint32_t reserved;
} vbs_vm;

#define VBS_DISK_LIVE 1u       /* plugged into the running VM */
#define VBS_DISK_PERSISTENT 2u /* in the definition */

typedef struct vbs_disk {
  uint32_t size;
  int32_t mode;      /* VBS_MODE_* */
  vbs_str serial;    /* empty: not one of ours */
  vbs_str device;    /* "vdb" */
  vbs_str path;      /* file or block device; of a network disk PROTOCOL:NAME */
  uint32_t where;    /* VBS_DISK_* */
  uint32_t reserved;
  uint64_t size_bytes; /* as the VM sees it; 0 = not known */
} vbs_disk;

typedef struct vbs_attach_args {
  uint32_t size;
  int32_t mode;     /* VBS_MODE_RO: the device itself refuses writes */
  vbs_str vm_uuid;
  vbs_str serial;   /* the volume id */
  vbs_str device;   /* wanted name; empty: the next free one */
  const vbs_source *source;
  int32_t shared;   /* 1: several rw writers are meant (cluster file system) */
  uint32_t reserved;
} vbs_attach_args;

typedef struct vbs_detach_args {
  uint32_t size;
  int32_t force; /* 1: do not wait for the guest to let go */
  vbs_str vm_uuid;
  vbs_str serial;
} vbs_detach_args;

typedef struct vbs_hypervisor_table {
  uint32_t size;
  uint32_t reserved;
  /* Adds VBS_ITEM_INSTANCE; its facts hold "accepts": [[KIND, FORMAT, "ro"|"rw"], ...]. A hypervisor that is away now is
   * not a failure: the instance reconnects by itself, its calls answer VBS_UNAVAILABLE until then. */
  vbs_status (*open)(const vbs_host *, vbs_call *, vbs_str config, void **instance);
  void (*close)(void *instance);
  vbs_status (*facts)(void *instance, vbs_call *);    /* adds INSTANCE, fresh; VBS_UNAVAILABLE if away */
  vbs_status (*list_vms)(void *instance, vbs_call *); /* adds VMs */
  vbs_status (*find_vm)(void *instance, vbs_call *, vbs_str name_or_uuid); /* adds one VM */
  /* Running: live, and in the definition if there is one. Shut off and persistent: VBS_BUSY unless configured otherwise.
   * Adds the DISK as it now is. VBS_NOT_FOUND: no such VM. VBS_CONFLICT: device name taken, or no free slot. */
  vbs_status (*attach)(void *instance, vbs_call *, const vbs_attach_args *);
  /* VBS_OK only when the disk is really gone from both; VBS_BUSY: the guest does not let go (its holder named). A VM that is
   * gone, or that never had it: VBS_OK. */
  vbs_status (*detach)(void *instance, vbs_call *, const vbs_detach_args *);
  vbs_status (*inspect)(void *instance, vbs_call *, vbs_str vm_uuid); /* adds DISKs, also those not ours */
  vbs_status (*resize)(void *instance, vbs_call *, vbs_str vm_uuid, vbs_str serial, uint64_t size_bytes);
  /* Optional, in the table from the start; a v0 plugin may leave them NULL. */
  /* Flushes and holds still the file systems of the guest until thaw. VBS_NOT_SUPPORTED: no agent in the guest. */
  vbs_status (*quiesce)(void *instance, vbs_call *, vbs_str vm_uuid);
  /* VBS_OK when nothing is held still: also for a guest that never was, or a VM that is gone. */
  vbs_status (*thaw)(void *instance, vbs_call *, vbs_str vm_uuid);
  /* The disk of that serial goes over to `source`, a prepared overlay that stands on the file that it has: live, and in
   * the definition. By asking what file it has now: repeated, it completes what is missing. Adds the DISK. VBS_NOT_FOUND:
   * no such VM, or not with this disk. Any other definite status means that the disk still has its old file. */
  vbs_status (*switch_image)(void *instance, vbs_call *, const vbs_attach_args *);
  /* Moves what the running VM's disk reads from the files under its own into its own file, which then stands on
   * `base_path`, or on nothing if that is empty; live, and in the definition. Returns when that is so; a job that an
   * earlier call began is joined. May take hours, with progress in bytes, and run beside changes to other disks of the
   * VM. Cancelled, or ended by an error: no job runs any more, and the disk has all files that it had. VBS_NOT_FOUND: no
   * such VM, or not with this disk. VBS_BUSY: the VM does not run. */
  vbs_status (*stream)(void *instance, vbs_call *, vbs_str vm_uuid, vbs_str serial, vbs_str base_path);
  /* Ends a stream that a lost call left running. VBS_OK when none runs: also for a VM that is gone. */
  vbs_status (*stream_stop)(void *instance, vbs_call *, vbs_str vm_uuid, vbs_str serial);
} vbs_hypervisor_table;

#ifdef __cplusplus
}
#endif
#endif
