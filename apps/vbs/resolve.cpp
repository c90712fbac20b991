#include "apps/vbs/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/json_fields.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {
constexpr size_t kShortestPrefix = 4;
constexpr size_t kMostShown = 10;

bool could_be_prefix(const std::string& text) {
  return text.size() >= kShortestPrefix && text.size() < 36 &&
         text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

std::string resolve(Session& session, const std::string& text, const char* path, const char* field,
                    const std::string& noun, const std::string& list_command) {
  if (is_uuid(text)) return text;
  const auto answer = session.list(Target(path), field);
  std::vector<Candidate> candidates;
  for (const auto& item : answer[field].GetArray())
    candidates.push_back({cli::text(item, "id"), cli::text(item, "name")});
  return choose(text, candidates, noun, list_command);
}
}  // namespace

std::string choose(const std::string& text, const std::vector<Candidate>& candidates, const std::string& noun,
                   const std::string& list_command) {
  std::vector<Candidate> fitting;
  const bool prefix = could_be_prefix(text);
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(fitting), [&](const Candidate& c) {
    return !text.empty() && (c.name == text || (prefix && c.id.rfind(text, 0) == 0));
  });
  if (fitting.size() == 1) return fitting.front().id;
  if (fitting.empty())
    throw Failure(Exit::not_found, fmt::format("there is no {} '{}'", noun, for_log(text, 64)),
                  fmt::format("`{}` shows yours; give a name, an id, or its first {} or more characters", list_command,
                              kShortestPrefix));
  std::string list;
  for (size_t i = 0; i < fitting.size() && i < kMostShown; ++i)
    list += fmt::format("\n  {}  {}", fitting[i].id, for_log(fitting[i].name, 64));
  if (fitting.size() > kMostShown) list += fmt::format("\n  and {} more", fitting.size() - kMostShown);
  throw Failure(Exit::usage, fmt::format("'{}' fits {} {}s:{}", for_log(text, 64), fitting.size(), noun, list),
                "give the id, or more of it");
}

std::string resolve_volume(Session& session, const std::string& text) {
  return resolve(session, text, "/v1/volumes", "volumes", "volume", "vbs describe-volumes");
}

std::string resolve_snapshot(Session& session, const std::string& text) {
  return resolve(session, text, "/v1/snapshots", "snapshots", "snapshot", "vbs describe-snapshots");
}

std::string resolve_operation(Session& session, const std::string& text) {
  return resolve(session, text, "/v1/operations", "operations", "operation", "vbs operations list");
}

}  // namespace vbs::cli
