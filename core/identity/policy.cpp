#include "core/identity/policy.hpp"

namespace vbs {

const char* to_string(Access a) {
  switch (a) {
    case Access::owner:
      return "owner";
    case Access::operator_:
      return "operator";
    case Access::read_only:
      return "read-only";
    case Access::none:
      break;
  }
  return "none";
}

Access access_to(const Principal& who, const store::ObjectRow& object, bool granted) {
  if (object.project_id == who.project_id) return Access::owner;
  if (who.is_operator) return Access::operator_;
  return granted ? Access::read_only : Access::none;
}

Access require(const Principal& who, Action action, const char* kind, const store::ObjectRow& object, bool granted) {
  const auto access = access_to(who, object, granted);
  if (access == Access::none) throw Error(Code::not_found, std::string("there is no ") + kind + " " + object.id);
  if (action == Action::change && access == Access::read_only)
    throw Error(Code::forbidden, std::string(kind) + " " + object.id +
                                     " is shared with you read-only: attach it with mode ro, or ask its owner");
  return access;
}

void require_operator(const Principal& who, const char* what) {
  if (!who.is_operator) throw Error(Code::forbidden, std::string("only an operator may ") + what);
}

void require_vm(const Principal& who, const std::optional<std::string>& owner, const std::string& vm,
                const std::string& host) {
  if (who.is_operator || (owner && *owner == who.user_id)) return;
  throw Error(Code::forbidden,
              "VM '" + vm + "' on host '" + host +
                  "' is not mapped to you: an operator does that (vbs hosts owner HOST VM USER)",
              "vm");
}

void require_detach(const Principal& who, const store::VolumeRow& volume, const store::AttachmentRow& attachment) {
  if (who.is_operator || volume.project_id == who.project_id || attachment.project_id == who.project_id) return;
  throw Error(Code::forbidden,
              "this attachment was made by another user; only that user, the volume's owner or an operator may end it");
}

void require_operation(const Principal& who, const store::OperationRow& o) {
  if (!who.is_operator && o.project_id != who.project_id) throw Error(Code::not_found, "there is no operation " + o.id);
}

std::string listed_project(const Principal& who, bool all_projects) {
  if (!all_projects) return who.project_id;
  if (!who.is_operator) throw Error(Code::forbidden, "only an operator may list every project", "all_projects");
  return "";
}
}  // namespace vbs
