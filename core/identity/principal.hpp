// Who is asking. Made by Directory from a verified certificate (later: from a Keystone token); everything that decides
// about rights takes a Principal and nothing else.
#pragma once
#include <string>

namespace vbs {

struct Principal {
  std::string user_id, project_id;
  std::string subject;  // RFC 4514, for people and logs
  std::string issuer;
  bool is_operator = false;
};

}  // namespace vbs
