// Private to core/operations: exports, as attach and detach share them. An export is one volume on one host, made by
// the first attachment there and removed by the last; its mode is the widest of theirs. Its own lock keeps two of them
// apart.
#pragma once
#include <utility>

#include "core/operations/operation.hpp"

namespace vbs {
store::AttachmentRow attachment_of(store::Session&, const std::string& id);  // Error(internal) if gone
std::vector<LockRequest> attachment_locks(const store::AttachmentRow&);

// The id of the export that this attachment will use: the one that is there, or a new one, planned with a secret where
// the host has an initiator. Recorded before the first call, so that every try of it, and its undo after a crash, means
// the same export.
std::string choose_export(store::Tx&, const store::AttachmentRow&);
void forget_planned_export(store::Tx&, const std::string& export_id);  // of an operation that has failed
// Makes that export or joins it.
Commit make_export(const StepContext&, Backend&, const store::AttachmentRow&);
// Removes the export if this attachment is the only one that uses it; also one whose making was never recorded.
Commit drop_export(const StepContext&, Backend&, const store::AttachmentRow&);
// What an unexport of it takes, with or without a row.
std::pair<store::ExportRow, ExportArgs> export_to_remove(const StepContext&, const store::AttachmentRow&);
// The same export of the volume's state that `volume_refs` name: prepared, or just made. For an attachment that has
// one.
store::ExportRow export_again(const StepContext&, Backend&, const store::AttachmentRow&,
                              const std::string& volume_refs);
// After the volume has left the VM: the host gives up its session, unless another VM there uses it.
void let_go(const StepContext&, const Host&, const store::AttachmentRow&);
// Of a back-end that has just been opened, for exports that end with its server. One that cannot be made is logged and
// left to reconcile; Error(unavailable) if the back-end is away again.
void make_exports_again(store::Database&, const Registry&, const store::BackendRow&, StorageBackend&);
// Of a host that has just been opened: after a reboot its node has no sessions. One that cannot be made is logged.
void make_connections_again(store::Database&, const Host&);
// What the connector gets.
Connection connection_of(const store::ExportRow&);
Connection connection_of(const StepContext&, const store::AttachmentRow&);
}  // namespace vbs
