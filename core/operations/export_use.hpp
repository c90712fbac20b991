// Private to core/operations: exports, as attach and detach share them. An export is one volume on one host, made by
// the first attachment there and removed by the last; its mode is the widest of theirs. Its own lock keeps two of them
// apart.
#pragma once
#include "core/operations/operation.hpp"

namespace vbs {
store::AttachmentRow attachment_of(store::Session&, const std::string& id);  // Error(internal) if gone
std::vector<LockRequest> attachment_locks(const store::AttachmentRow&);

// Makes the export or joins it; the commit records it in the attachment.
Commit make_export(const StepContext&, Backend&, Host&, store::AttachmentRow);
// Removes the export if this attachment is the only one that uses it.
Commit drop_export(const StepContext&, Backend&, const store::AttachmentRow&);
// What the connector gets.
Connection connection_of(const StepContext&, const store::AttachmentRow&);
}  // namespace vbs
