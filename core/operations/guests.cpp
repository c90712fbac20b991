#include "core/operations/guests.hpp"

#include <algorithm>

#include "core/base/log.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
// A guest that does not answer must not hold up the rest for longer; hypervisors give their agents 5 to 10 s.
constexpr std::chrono::seconds kAgentLimit{20};

Call brief(const StepContext& c) {
  Call call = c.call;
  call.deadline = std::min(call.deadline, std::chrono::steady_clock::now() + kAgentLimit);
  call.cancel = nullptr;  // half a freeze is worse than a whole one
  return call;
}

Hypervisor& hypervisor_of(const StepContext& c, const store::AttachmentRow& writer) {
  return c.registry.host(writer.host_id).slot.plugin();
}
}  // namespace

std::vector<store::AttachmentRow> writers_of(store::Session& db, const std::string& volume_id) {
  auto all = store::attachments_of(db, volume_id);
  std::erase_if(all, [](const auto& a) { return a.mode != "rw" || a.state == "attaching"; });
  return all;
}

std::vector<store::AttachmentRow> writers_of(const StepContext& c, const std::string& volume_id) {
  return c.database.read([&](store::Session& db) { return writers_of(db, volume_id); });
}

void while_frozen(const StepContext& c, const std::vector<store::AttachmentRow>& writers,
                  const std::function<void()>& f) {
  std::vector<store::AttachmentRow> to_thaw;
  for (const auto& w : writers) {
    bool reached = true;
    try {
      hypervisor_of(c, w).quiesce(brief(c), w.vm_uuid);
    } catch (const Error& e) {
      reached = e.code() != Code::not_supported && e.code() != Code::not_found && e.code() != Code::unavailable;
      logger().info("the snapshot of volume {} is as after a power cut, for VM {} was not quiesced: {}", w.volume_id,
                    w.vm_name, e.what());
    }
    // A freeze that failed may have come to the guest all the same, and so may that of the try before this one.
    if (reached || c.call.epoch > 1) to_thaw.push_back(w);
  }
  std::exception_ptr failed;
  try {
    f();
  } catch (...) {
    failed = std::current_exception();
  }
  for (const auto& w : to_thaw) thaw(c, w);
  if (failed) std::rethrow_exception(failed);
}

void thaw(const StepContext& c, const store::AttachmentRow& writer) {
  try {
    hypervisor_of(c, writer).thaw(brief(c), writer.vm_uuid);
  } catch (const Error& e) {
    if (e.code() == Code::not_supported || e.code() == Code::not_found) return;
    throw Error(Code::unknown_outcome, "the file systems of VM " + writer.vm_name +
                                           " may still be frozen (virsh domfsthaw thaws them by hand): " + e.what());
  }
}
}  // namespace vbs
