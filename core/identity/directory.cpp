#include "core/identity/directory.hpp"

#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/identity/subject.hpp"

namespace vbs {
namespace {
constexpr const char* kSource = "x509";
constexpr size_t kRemembered = 10000;  // certificates; bounds memory against a CA that signs without end
}  // namespace

Directory::Directory(store::Database& database, const std::vector<std::string>& operators) : database_(database) {
  for (const auto& o : operators) operators_.insert(canonical_subject(o));
}

Principal Directory::from_certificate(const std::string& subject_text, const std::string& issuer,
                                      const std::vector<std::string>& uri_sans) {
  for (const auto& san : uri_sans)
    if (san.rfind("vbs:", 0) == 0 && san != "vbs:user" && san.rfind("vbs:user:", 0) != 0)
      throw Error(Code::unauthenticated,
                  "this certificate was made for '" + for_log(san, 100) + "', not for a user: use one of kind user");
  {
    std::lock_guard lock(mutex_);
    if (const auto it = by_certificate_.find({issuer, subject_text}); it != by_certificate_.end()) return it->second;
  }
  if (subject_text.empty()) throw Error(Code::unauthenticated, "the certificate has no subject, so it names nobody");
  const auto subject = canonical_subject(subject_text);
  store::UserRow user;
  if (auto known = database_.read([&](store::Session& db) { return store::find_user(db, kSource, issuer, subject); })) {
    user = *known;
  } else {
    database_.writer().transact([&](store::Tx& tx) { user = store::ensure_user(tx, kSource, issuer, subject); });
    logger().info("new user {} ({})", user.id, for_log(subject));
  }
  Principal p{user.id, user.project_id, user.subject, user.issuer, operators_.count(subject) > 0};
  std::lock_guard lock(mutex_);
  if (by_certificate_.size() >= kRemembered) by_certificate_.clear();
  by_certificate_[{issuer, subject_text}] = p;
  return p;
}

Directory::Named Directory::parse(const std::string& text) {
  if (is_uuid(text)) {
    if (auto known = database_.read([&](store::Session& db) { return store::find_user(db, text); })) return {known, {}};
    throw Error(Code::invalid, "there is no user with id " + text, "user");
  }
  std::string subject;
  try {
    subject = canonical_subject(text);
  } catch (const Error& e) {
    throw Error(Code::invalid,
                std::string("'user' is neither the id of a user nor a subject such as CN=bob,O=VBS: ") + e.what(),
                "user");
  }
  if (subject.empty())
    throw Error(Code::invalid, "'user' is empty: give a subject such as CN=bob,O=VBS, or the id of a user", "user");
  return {std::nullopt, subject};
}

store::UserRow Directory::find_or_announce(const Principal& by, const std::string& text) {
  auto named = parse(text);
  if (named.user) return *named.user;
  store::UserRow user;
  database_.writer().transact([&](store::Tx& tx) { user = store::ensure_user(tx, kSource, by.issuer, named.subject); });
  return user;
}

std::optional<store::UserRow> Directory::find(const Principal& by, const std::string& text) {
  auto named = parse(text);
  if (named.user) return named.user;
  return database_.read([&](store::Session& db) { return store::find_user(db, kSource, by.issuer, named.subject); });
}

std::string Directory::subject_of(const std::string& user_id) {
  {
    std::lock_guard lock(mutex_);
    if (const auto it = subjects_.find(user_id); it != subjects_.end()) return it->second;
  }
  const auto user = database_.read([&](store::Session& db) { return store::find_user(db, user_id); });
  if (!user) return "";
  std::lock_guard lock(mutex_);
  if (subjects_.size() >= kRemembered) subjects_.clear();
  return subjects_[user_id] = user->subject;
}
}  // namespace vbs
