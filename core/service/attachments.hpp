// Attaching and detaching, hosts and their VMs, as adapters ask for them.
#pragma once
#include <string>
#include <vector>

#include "core/service/volumes.hpp"

namespace vbs {

struct NewAttachment {
  std::string host, vm, device;  // name or alias; name or UUID; "" = next free
  Mode mode = Mode::rw;
};
Admitted attach_volume(Core&, const Caller&, const std::string& volume_id, const NewAttachment&);

struct DetachWanted {
  std::string host, vm;  // both empty: the only attachment
  bool all = false, force = false;
};
std::vector<Admitted> detach_volume(Core&, const Caller&, const std::string& volume_id, const DetachWanted&);

// Lets a VM that the operator migrates live take a volume along; operators only. `vm` (name or UUID) may be empty where
// one attachment on `from` is there.
struct MoveWanted {
  std::string from, to, vm;
};
Admitted move_attachment(Core&, const Caller&, const std::string& volume_id, const MoveWanted&);

std::string detach_params(const std::string& volume_id, bool force);  // of the operation
// By the service itself (`who`: which part of it), where an attachment has lost its VM: the ordinary operation, so that
// it is journalled and unexports as every detach does.
void end_attachment(Core&, const char* who, const std::string& id, const std::string& volume_id);

std::vector<store::AttachmentRow> list_attachments(Core&, const Caller&, const std::string& volume_id,
                                                   const std::string& host, const std::string& vm, bool all_projects);
// For the answer to attach_volume; nullopt when it has ended already.
std::optional<store::AttachmentRow> show_attachment_or_none(Core&, const std::string& id);

struct OwnedVm {
  Vm vm;
  std::string owner;  // subject
};
std::vector<OwnedVm> list_vms(Core&, const Caller&, const std::string& host);
void set_vm_owner(Core&, const Caller&, const std::string& host, const std::string& vm,
                  const std::string& user);  // user "": nobody

}  // namespace vbs
