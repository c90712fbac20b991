/* SPDX-License-Identifier: MIT
 *
 * Connector table, version 0: the node side of an export. It turns a connection into something that a hypervisor
 * on this node can open. `file` comes with VBS; only a plugin with a new transport brings its own.
 * Order on detach: hypervisor gone -> disconnect -> unexport, never the reverse (CVE-2023-2088). */
#ifndef VBS_PLUGIN_CONNECTOR_H
#define VBS_PLUGIN_CONNECTOR_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

#define VBS_CONNECTOR_VERSION 0u

#define VBS_MODE_RO 0
#define VBS_MODE_RW 1

/* What a host needs to use an export (result of vbs_storage_table.export_object). */
typedef struct vbs_connection {
  uint32_t size;
  int32_t mode;     /* VBS_MODE_* that the export grants */
  vbs_str kind;     /* "file", "block", "iscsi", "nbd", ... */
  vbs_str format;   /* "raw" or "qcow2": recorded, never probed (CVE-2022-47951) */
  /* JSON of the kind. "file": {"path": ABSOLUTE, "backing": [{"path":, "format":}, ...]} nearest first. "iscsi": {"iqn":,
   * "portals": ["ADDRESS:PORT", ...], "lun": NUMBER, "user": CHAP_NAME}. Never a secret: it is logged and listed. */
  vbs_str data;
  vbs_str refs;     /* the export's own refs, handed back to unexport; opaque */
  /* For a connector, filled by the core from the export; a storage plugin leaves them empty. */
  vbs_str initiator; /* of this host */
  vbs_str secret;    /* of this export */
} vbs_connection;

/* What a hypervisor opens: a local path with its whole backing chain, or a network source. */
typedef struct vbs_source {
  uint32_t size;
  uint32_t reserved;
  vbs_str kind;   /* "file", "block"; "iscsi" for a hypervisor with an initiator of its own */
  vbs_str format;
  vbs_str path;   /* of file and block; absolute */
  vbs_str data;   /* JSON: "backing" as above; "iscsi": the connection's members and "initiator" */
  vbs_str secret; /* of the export, where the hypervisor itself logs in */
} vbs_source;

typedef struct vbs_connector_table {
  uint32_t size;
  uint32_t reserved;
  vbs_status (*open)(const vbs_host *, vbs_call *, vbs_str config, void **instance); /* adds VBS_ITEM_INSTANCE */
  void (*close)(void *instance);
  /* Adds one VBS_ITEM_SOURCE, after the device's serial was checked against `serial` (the volume id). */
  vbs_status (*connect)(void *instance, vbs_call *, const vbs_connection *, vbs_str serial);
  /* No session of this export is left on the node, also where the device had vanished before. Not connected: VBS_OK. */
  vbs_status (*disconnect)(void *instance, vbs_call *, const vbs_connection *);
  /* VBS_OK | VBS_NOT_FOUND; asked by the name of the target, never through the device. */
  vbs_status (*connected)(void *instance, vbs_call *, const vbs_connection *);
  /* The volume has grown to `size_bytes`: the node's device shows it when this returns. */
  vbs_status (*rescan)(void *instance, vbs_call *, const vbs_connection *, uint64_t size_bytes);
} vbs_connector_table;

#ifdef __cplusplus
}
#endif
#endif
