/* SPDX-License-Identifier: MIT
 *
 * Storage table, version 0. A back-end is one opened instance. A NULL function = not supported.
 *
 * Objects are volumes and snapshots, named by UUID. The bytes of an object may rest on frozen LAYERS that it shares
 * with others (files under a qcow2 overlay). The plugin says, through VBS_ITEM_OBJECT and VBS_ITEM_LAYER, which layer
 * each changed object now stands on and which new layers there are; the CORE counts who uses a layer, and hands the
 * names of those that nobody needs any more to remove(). Plugins without layers leave those fields empty.
 *
 * "Published" means: the core has committed the refs that the call returned. A call that is repeated with a higher epoch
 * may remove what a lower epoch of the same object and step left behind, since that was never published. */
#ifndef VBS_PLUGIN_STORAGE_H
#define VBS_PLUGIN_STORAGE_H
#include "abi.h"
#include "connector.h"
#ifdef __cplusplus
extern "C" {
#endif

#define VBS_STORAGE_VERSION 0u

#define VBS_KIND_VOLUME 1
#define VBS_KIND_SNAPSHOT 2

/* Capabilities of an instance. */
#define VBS_CAP_FAST_CLONE (1u << 0)      /* snapshot and clone cost the same for every size */
#define VBS_CAP_REFLINK (1u << 1)         /* ... by sharing extents: a volume in use can be a source */
#define VBS_CAP_THIN (1u << 2)            /* unwritten space is not taken */
#define VBS_CAP_TARGET_RO (1u << 3)       /* read-only is enforced at the export, not only by the hypervisor */
#define VBS_CAP_SHARED_NODES (1u << 4)    /* node scope "any": every node that mounts it may run it */
#define VBS_CAP_EXTEND_IN_USE (1u << 5)
#define VBS_CAP_FENCE (1u << 7) /* unexport cuts the host off, with the sessions that it has: it need not be asked */
#define VBS_CAP_VOLATILE_EXPORTS (1u << 6) /* they end with the server: after each open the core makes them again, first of all */

typedef struct vbs_object {
  uint32_t size;
  uint32_t kind; /* VBS_KIND_* */
  vbs_str id;
  vbs_str refs;              /* opaque, versioned by the plugin, at most VBS_MAX_REFS_BYTES; committed with the step */
  uint64_t size_bytes;       /* what a guest sees */
  uint64_t allocated_bytes;  /* what it takes itself, shared layers left out; 0 = not known */
  vbs_str format;            /* "raw", "qcow2" */
  vbs_str layer;             /* name of the top layer that holds its data; empty: none */
  vbs_str facts;             /* list/inspect: the facts JSON that create/snapshot gave (sidecar) */
} vbs_object;

typedef struct vbs_layer {
  uint32_t size;
  uint32_t reserved;
  vbs_str name;    /* unique in the back-end, at most 255 bytes */
  vbs_str parent;  /* the layer under it; empty: none */
  vbs_str format;
  uint64_t allocated_bytes;
} vbs_layer;

/* Something on the back-end that looks like ours and belongs to no object in list(): a loser's file. */
typedef struct vbs_leftover {
  uint32_t size;
  uint32_t reserved;
  vbs_str name;      /* to hand to discard() */
  vbs_str object_id; /* whose it was, where that is known */
  uint64_t allocated_bytes;
} vbs_leftover;

typedef struct vbs_capacity {
  uint32_t size;
  uint32_t reserved;
  uint64_t total_bytes;
  uint64_t free_bytes;      /* what can be written now (Lustre: stripes x the smallest OST) */
  double over_commit_ratio; /* promised bytes may reach total x this; 0 = no limit of the plugin */
} vbs_capacity;

typedef struct vbs_extent {
  uint32_t size;
  int32_t zero; /* 1: reads as zeros */
  uint64_t offset_bytes, length_bytes;
} vbs_extent;

typedef struct vbs_create_args {
  uint32_t size;
  uint32_t source_kind; /* 0 = empty volume, VBS_KIND_SNAPSHOT, VBS_KIND_VOLUME */
  vbs_str id;           /* of the new volume, a UUID */
  uint64_t size_bytes;  /* >= the source's */
  vbs_str source_id;
  vbs_str source_refs;
  int32_t source_in_use; /* attached somewhere: its active file must not be exchanged */
  uint32_t reserved;
  vbs_str facts;         /* JSON object for the sidecar, enough to rebuild the store's row */
  vbs_str options;       /* JSON object: per-volume options of this plugin (from the volume type) */
} vbs_create_args;

typedef struct vbs_remove_args {
  uint32_t size;
  uint32_t kind;
  vbs_str id;
  vbs_str refs;
  const vbs_str *layers; /* nobody uses these any more: remove them, top first */
  uint64_t n_layers;
} vbs_remove_args;

typedef struct vbs_extend_args {
  uint32_t size;
  int32_t in_use;
  vbs_str id;
  vbs_str refs;
  uint64_t size_bytes; /* smaller than now: VBS_INVALID; equal: VBS_OK */
} vbs_extend_args;

typedef struct vbs_snapshot_args {
  uint32_t size;
  int32_t in_use;
  vbs_str id; /* of the snapshot */
  vbs_str volume_id;
  vbs_str volume_refs; /* the refs BEFORE prepare, in all three calls */
  vbs_str facts;
  vbs_str snapshot_id, snapshot_refs; /* revert only; there `id` is that of the revert, a UUID, new for each */
} vbs_snapshot_args;

typedef struct vbs_flatten_args {
  uint32_t size;
  int32_t in_use; /* a VM writes to it, through the hypervisor's block job */
  vbs_str id;     /* of the flatten, a UUID, new for each */
  vbs_str volume_id;
  vbs_str volume_refs;
} vbs_flatten_args;

typedef struct vbs_export_args {
  uint32_t size;
  int32_t mode; /* VBS_MODE_* */
  vbs_str export_id;
  vbs_str volume_id;
  vbs_str volume_refs;
  vbs_str host;      /* name in the host table */
  vbs_str initiator; /* empty where the host has none */
  vbs_str refs;      /* the export's, empty on first use */
  vbs_str secret;    /* CHAP password, 16 letters and digits, the same in every call for this export; empty: no initiator */
} vbs_export_args;

typedef struct vbs_storage_table {
  uint32_t size;
  uint32_t reserved;
  /* `backend_id`: a UUID that the root's marker must carry; open() writes it into a root that has none and is empty,
   * and refuses a root with another's. Adds VBS_ITEM_INSTANCE, whose facts say "backend_id". VBS_UNAVAILABLE: the host
   * will call again later. An empty `backend_id` (the store is being rebuilt): the root must have a marker, and its id
   * is taken as it is; without one VBS_NOT_FOUND. */
  vbs_status (*open)(const vbs_host *, vbs_call *, vbs_str backend_id, vbs_str config, void **instance);
  void (*close)(void *instance);
  /* Every call below first checks the marker: missing = VBS_UNAVAILABLE, never VBS_NOT_FOUND. */
  vbs_status (*capacity)(void *instance, vbs_call *); /* adds VBS_ITEM_CAPACITY */
  /* Adds the new OBJECT, its LAYERs, and an OBJECT for the source if its refs changed. Never shows old bytes. */
  vbs_status (*create)(void *instance, vbs_call *, const vbs_create_args *);
  /* Removes the object of the refs, every unpublished attempt of that id, and the given layers. */
  vbs_status (*remove)(void *instance, vbs_call *, const vbs_remove_args *);
  vbs_status (*extend)(void *instance, vbs_call *, const vbs_extend_args *); /* adds OBJECT */
  /* Snapshots of n volumes at one instant: prepare takes space and makes files, touching nothing a guest uses; then the
   * core quiesces; take adds, for each, OBJECT (snapshot), OBJECT (volume, if its refs changed) and LAYERs; finish(0)
   * undoes both, finish(1) tidies after the commit.
   * A volume in use (in_use) whose active file take will exchange: prepare adds OBJECT (volume) as take will answer it.
   * The core exports those refs, has the hypervisor switch_image to them, and calls take until it succeeds; the guest
   * writes into the new file by then. Prepare is not called again after the switch, nor is finish(0). A back-end that
   * cannot do so for this volume: VBS_CONFLICT from prepare. */
  vbs_status (*snapshot_prepare)(void *instance, vbs_call *, const vbs_snapshot_args *, uint64_t n);
  vbs_status (*snapshot_take)(void *instance, vbs_call *, const vbs_snapshot_args *, uint64_t n);
  vbs_status (*snapshot_finish)(void *instance, vbs_call *, const vbs_snapshot_args *, uint64_t n, int32_t commit);
  /* The volume, which nobody uses, gets the snapshot's data and keeps its size; what lies beyond the snapshot's reads as
   * zeros. Adds OBJECT (volume) and LAYERs. Its former file stays: the core hands it to discard() after the commit. What
   * was not committed goes by remove(), with the revert's id and without refs. */
  vbs_status (*revert)(void *instance, vbs_call *, const vbs_snapshot_args *);
  vbs_status (*export_object)(void *instance, vbs_call *, const vbs_export_args *); /* adds CONNECTION */
  vbs_status (*unexport)(void *instance, vbs_call *, const vbs_export_args *);
  /* VBS_OK: someone is connected; VBS_NOT_FOUND: nobody. */
  vbs_status (*live_sessions)(void *instance, vbs_call *, const vbs_export_args *);
  vbs_status (*list)(void *instance, vbs_call *);                                /* adds OBJECTs with facts, the LAYERs they rest on, LEFTOVERs */
  vbs_status (*inspect)(void *instance, vbs_call *, uint32_t kind, vbs_str id, vbs_str refs); /* adds OBJECT */
  vbs_status (*discard)(void *instance, vbs_call *, vbs_str leftover_name);      /* of list(), or a layer left by revert() or flatten() */
  vbs_status (*open_data)(void *instance, vbs_call *, uint32_t kind, vbs_str id, vbs_str refs, int32_t mode); /* SOURCE */
  vbs_status (*extents)(void *instance, vbs_call *, uint32_t kind, vbs_str id, vbs_str refs, vbs_str since_snapshot_refs);
  /* The volume keeps its bytes and rests on no other layer afterwards. Adds OBJECT (volume) and LAYERs. The layers under
   * it stay: the core hands those that nobody needs any more to discard() after the commit.
   * Nobody uses it: its data goes into a new file; what was not committed goes by remove(), with the flatten's id and
   * without refs. VBS_BUSY, VBS_CONFLICT: somebody has it open.
   * in_use: the hypervisor's stream() moves the data into the active file. Called before that, it says whether there is
   * room (VBS_NO_SPACE), adds nothing and changes nothing; called after it, it adds the volume as it is then. Which of
   * both it is, the active file tells. */
  vbs_status (*flatten)(void *instance, vbs_call *, const vbs_flatten_args *);
} vbs_storage_table;

#ifdef __cplusplus
}
#endif
#endif
