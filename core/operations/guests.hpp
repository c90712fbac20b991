// Private to core/operations: the guests that write to a volume, held still for the instant of a snapshot.
//
// Freezing is best effort: where the guest agent answers, the guest's file systems are flushed and whole in the
// snapshot; elsewhere the snapshot is what a power cut would leave. Thawing is not: a guest that may be frozen is
// thawed, or the step is run again until it is. A crash in between leaves a guest frozen until the operation is resumed
// or undone, which is the first thing that the next vbsd does.
#pragma once
#include <functional>
#include <vector>

#include "core/operations/operation.hpp"

namespace vbs {
// The attachments that write, `attaching` ones left out: for operations that hold the volume exclusively.
std::vector<store::AttachmentRow> writers_of(store::Session&, const std::string& volume_id);
std::vector<store::AttachmentRow> writers_of(const StepContext&, const std::string& volume_id);

// Runs f between freeze and thaw, and throws what it throws.
void while_frozen(const StepContext&, const std::vector<store::AttachmentRow>& writers, const std::function<void()>& f);

// For a guest that an earlier try may have left frozen. Does nothing where its VM is gone. Throws
// Error(unknown_outcome) if it may be frozen still.
void thaw(const StepContext&, const store::AttachmentRow& writer);
}  // namespace vbs
