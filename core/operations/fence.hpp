// Private to core/operations: how a volume is freed from a host that does not answer. The back-end cuts the host off,
// its sessions included, and only then does anything count as free (never the reverse: CVE-2023-2088). For back-ends
// with VBS_CAP_FENCE; a plain file on a shared file system has no such place, so there a detach waits for the host.
#pragma once
#include "core/operations/export_use.hpp"

namespace vbs {
// Whether the host's silence may be answered by cutting it off.
bool may_fence(const Backend&, const store::OperationRow& detach, const Error& silence);

// Takes the host's export away, whoever uses it there, and sees that no session is left: Error(unavailable) until then.
// The export's row stays, as `fenced`, for what the host still has of it when it comes back; its other attachments have
// failed.
Commit fence(const StepContext&, Backend&, const store::AttachmentRow&);
}  // namespace vbs
