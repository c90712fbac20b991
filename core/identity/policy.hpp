// The one place that decides every right. Rules:
//  - a volume or snapshot belongs to a project; its members do everything with it, an operator as well;
//  - a read-only grant lets another user see the volume and attach it `ro`, nothing else;
//  - to everybody else it does not exist: not_found, so that ids cannot be probed;
//  - attaching needs a right on the volume AND on the VM (its owner by the host's mapping, or an operator);
//  - an attachment may be ended by the volume's project and by the user's project that made it.
// Each function throws Error(not_found) or Error(forbidden), or returns.
#pragma once
#include <optional>
#include <string>

#include "core/identity/principal.hpp"
#include "core/store/rows.hpp"

namespace vbs {

enum class Access { none, read_only, operator_, owner };
const char* to_string(Access);  // "owner", "operator", "read-only" as the API shows it

Access access_to(const Principal&, const store::ObjectRow&, bool granted);

enum class Action { see, attach_read_only, change };
// `kind` is "volume" or "snapshot", for the message. Answers the access that it rests on.
Access require(const Principal&, Action, const char* kind, const store::ObjectRow&, bool granted);

void require_operator(const Principal&, const char* what);  // "list users"
void require_vm(const Principal&, const std::optional<std::string>& owner_user_id, const std::string& vm,
                const std::string& host);
void require_detach(const Principal&, const store::VolumeRow&, const store::AttachmentRow&);
void require_operation(const Principal&, const store::OperationRow&);
// The project whose objects a list shows: the caller's, or, for an operator who asks for it, every one ("").
std::string listed_project(const Principal&, bool all_projects);

}  // namespace vbs
