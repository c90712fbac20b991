/* SPDX-License-Identifier: MIT
 *
 * VBS plugin ABI, version 0 - what every plugin shares. The tables are in storage.h, hypervisor.h and
 * connector.h; plugin.hpp and its neighbours wrap all of it for C++ authors, who need not read this file.
 *
 * v0 carries NO promise of stability yet (docs/plugins.md says when v1 is frozen).
 *
 * Rules of the line between host and plugin
 *  - Every struct starts with its own size in bytes; fields are only ever appended. The receiver zeroes its
 *    copy and takes min(size) bytes, so an absent field reads as 0 / empty.
 *  - Fixed-width integers only; int32_t 0/1 stands for a truth value. Strings are UTF-8 with a length and need
 *    no NUL. An empty string has len 0 and may have ptr NULL.
 *  - Nothing allocated on one side is freed on the other. Every pointer handed across is valid only until the
 *    call that it was handed to returns; copy what must live longer.
 *  - No exception and no longjmp crosses the line. No signal handlers, atexit hooks or own event loops.
 *  - Calls are synchronous and may come from any thread, in parallel up to the number that open() declared, but
 *    never two changing calls on one object at once. Callbacks only on the calling thread, only during the call.
 *  - Every changing call is idempotent by id: same id and parameters again -> same end, VBS_OK; same id, other
 *    parameters -> VBS_CONFLICT; removing what is gone -> VBS_OK.
 *  - No call may depend on descriptors or pointers of the host: each must survive a remote procedure call.
 */
#ifndef VBS_PLUGIN_ABI_H
#define VBS_PLUGIN_ABI_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VBS_PLUGIN_MAGIC 0x30534256u /* "VBS0" read as little-endian bytes */
#define VBS_MAX_REFS_BYTES 4096u     /* refs of one object */

typedef struct vbs_str {
  const char *ptr;
  uint64_t len;
} vbs_str;

/* ---- status ------------------------------------------------------------------------------------------
 * What a call answers. A status the host does not know counts as VBS_INTERNAL. For any but VBS_OK the plugin
 * should first say why through vbs_call.fail: one line, telling the operator what to do. */
typedef int32_t vbs_status;
#define VBS_OK 0
#define VBS_INVALID 1       /* a parameter is wrong; the same call will fail again       -> 400 */
#define VBS_NOT_FOUND 2     /* the object (or VM) does not exist, and that is certain    -> 404 */
#define VBS_CONFLICT 3      /* same id with other parameters, or a name that is taken    -> 409 */
#define VBS_NO_SPACE 4      /* nothing was changed                                       -> 507 */
#define VBS_BUSY 5          /* something holds the object; later may succeed             -> 409 */
#define VBS_UNAVAILABLE 6   /* back-end away (marker missing, server down); ask again    -> 503 */
#define VBS_NOT_SUPPORTED 7 /* not by this plugin or not in this configuration           -> 400 */
#define VBS_CANCELLED 8     /* cancelled() was seen; nothing published                          */
#define VBS_UNKNOWN 9       /* it may or may not have happened: the core will inspect           */
#define VBS_DENIED 10       /* the system refused the plugin (permissions)               -> 500 */
#define VBS_INTERNAL 11     /* a bug or the unforeseen                                   -> 500 */
#define VBS_STALE 12        /* a newer epoch has worked on this object                          */

/* ---- one call ---------------------------------------------------------------------------------------- */
#define VBS_LOG_DEBUG 0
#define VBS_LOG_INFO 1
#define VBS_LOG_WARNING 2
#define VBS_LOG_ERROR 3

typedef struct vbs_call vbs_call;
struct vbs_call {
  uint32_t size;
  uint32_t reserved;
  vbs_str call_id;  /* unique per call; belongs into every log line */
  uint64_t epoch;   /* attempt number of the operation step, from 1 upward; names of new files carry it */
  void *host_data;  /* the host's; a plugin hands the vbs_call back unchanged */
  int64_t (*remaining_ms)(vbs_call *);                          /* until the deadline; negative = passed */
  int32_t (*cancelled)(vbs_call *);                             /* 1: end soon, with VBS_CANCELLED */
  void (*progress)(vbs_call *, uint64_t done, uint64_t total);  /* bytes; total 0 = not known */
  void (*log)(vbs_call *, int32_t level, vbs_str text);
  void (*fail)(vbs_call *, vbs_str text);                       /* the last one counts */
  /* A result. `kind` is one of VBS_ITEM_*, `item` the struct named there; the host copies it at once. */
  void (*add_item)(vbs_call *, uint32_t kind, const void *item);
};

#define VBS_ITEM_OBJECT 1     /* vbs_object      storage.h    */
#define VBS_ITEM_LAYER 2      /* vbs_layer       storage.h    */
#define VBS_ITEM_CAPACITY 3   /* vbs_capacity    storage.h    */
#define VBS_ITEM_INSTANCE 4   /* vbs_instance    below        */
#define VBS_ITEM_CONNECTION 5 /* vbs_connection  connector.h  */
#define VBS_ITEM_LEFTOVER 6   /* vbs_leftover    storage.h    */
#define VBS_ITEM_VM 7         /* vbs_vm          hypervisor.h */
#define VBS_ITEM_DISK 8       /* vbs_disk        hypervisor.h */
#define VBS_ITEM_EXTENT 9     /* vbs_extent      storage.h    */
#define VBS_ITEM_SOURCE 10    /* vbs_source      connector.h  */

/* What open() tells of an instance: facts of this configuration, not of the code. */
typedef struct vbs_instance {
  uint32_t size;
  uint32_t max_parallel_calls; /* 0 = no limit of its own */
  uint64_t capabilities;       /* VBS_CAP_* of the table; unknown bits are ignored */
  vbs_str facts;               /* JSON object for people: paths, versions, what was detected */
} vbs_instance;

/* ---- the host's services ------------------------------------------------------------------------------ */
typedef struct vbs_param {
  vbs_str name;
  vbs_str value; /* goes into the argument vector unharmed: there is never a shell */
} vbs_param;

typedef struct vbs_command_result {
  uint32_t size;
  int32_t exit_status; /* 0..255, or 128 + signal */
  vbs_str out;         /* captured up to the engine's limit (1 MiB each) */
  vbs_str err;
} vbs_command_result;

typedef struct vbs_host vbs_host;
struct vbs_host {
  uint32_t size;
  uint32_t reserved;
  void *host_data;
  void (*log)(const vbs_host *, int32_t level, vbs_str text);
  uint64_t (*monotonic_ms)(const vbs_host *);
  /* The value at a JSON pointer (RFC 6901) of `json`: strings unquoted, everything else as JSON text. `take` is
   * called once and VBS_OK answered, or not at all and VBS_NOT_FOUND. Malformed json: VBS_INVALID. */
  vbs_status (*json_get)(const vbs_host *, vbs_str json, vbs_str pointer, void (*take)(void *, vbs_str value), void *user);
  /* The secret that the configuration keeps under this name. Never log it. */
  vbs_status (*secret)(const vbs_host *, vbs_str name, void (*take)(void *, vbs_str value), void *user);
  /* Runs the command pattern `name` (manifest default or the operator's override). Answers VBS_OK if it ran and its
   * success rule holds, VBS_INTERNAL if it ran and failed (fail() then carries its message), VBS_UNKNOWN at the
   * deadline, VBS_CANCELLED, VBS_NOT_SUPPORTED if the program is absent. `take` gets the output in the first two. */
  vbs_status (*run_command)(const vbs_host *, vbs_call *, vbs_str name, const vbs_param *params, uint64_t n_params,
                            void (*take)(void *, const vbs_command_result *), void *user);
};

/* ---- entry --------------------------------------------------------------------------------------------
 * The one exported symbol. The host says which versions of each table it speaks (both ends included; a plugin
 * ignores kinds that it does not have); the plugin answers its descriptor with tables of a version in that range,
 * or NULL after host->log said why not. Versions of the kinds move separately. The descriptor lives for ever. */
typedef struct vbs_versions {
  uint32_t size;
  uint32_t storage_min, storage_max;
  uint32_t hypervisor_min, hypervisor_max;
  uint32_t connector_min, connector_max;
} vbs_versions;

struct vbs_storage_table;
struct vbs_hypervisor_table;
struct vbs_connector_table;

typedef struct vbs_plugin {
  uint32_t size;
  uint32_t magic; /* VBS_PLUGIN_MAGIC */
  vbs_str name;   /* as in the manifest */
  vbs_str version;
  uint32_t storage_version, hypervisor_version, connector_version; /* of the tables that are not NULL */
  uint32_t reserved;
  const struct vbs_storage_table *storage;
  const struct vbs_hypervisor_table *hypervisor;
  const struct vbs_connector_table *connector;
} vbs_plugin;

typedef const vbs_plugin *(*vbs_plugin_entry_fn)(const vbs_host *, const vbs_versions *);
#define VBS_PLUGIN_ENTRY "vbs_plugin_entry"

#ifdef __cplusplus
}
#endif
#endif
