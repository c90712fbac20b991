// Users: from what a certificate says to a Principal, remembered in the store. A subject seen for the first time gets a
// user and a personal project. Threading: any thread.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/identity/principal.hpp"
#include "core/store/database.hpp"
#include "core/store/rows.hpp"

namespace vbs {

class Directory {
 public:
  // `operators`: subjects (any RFC 4514 spelling) with the operator role. Throws Error(invalid) for one that cannot be
  // parsed.
  Directory(store::Database& database, const std::vector<std::string>& operators);

  // `uri_sans`: a certificate made for a server or a delegate (vbs:server:..., vbs:delegate:...) is no user.
  // Error(unauthenticated).
  Principal from_certificate(const std::string& subject, const std::string& issuer,
                             const std::vector<std::string>& uri_sans);

  // The user meant by an owner who grants: the id of a known user, or a subject of the same issuer, who may never have
  // connected yet. Error(invalid) naming `user`.
  store::UserRow find_or_announce(const Principal& by, const std::string& id_or_subject);
  // The same without making anybody known: nothing for a subject that was never seen.
  std::optional<store::UserRow> find(const Principal& by, const std::string& id_or_subject);

  std::string subject_of(const std::string& user_id);  // "" for an unknown id
  bool is_operator(const std::string& subject) const { return operators_.count(subject) > 0; }

 private:
  struct Named {  // what a text names: a known user, or a subject
    std::optional<store::UserRow> user;
    std::string subject;
  };
  Named parse(const std::string& id_or_subject);

  store::Database& database_;
  std::set<std::string> operators_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Principal> by_certificate_;  // (issuer, subject)
  std::map<std::string, std::string> subjects_;                              // user id -> subject
};

}  // namespace vbs
