// VOLUME, SNAPSHOT and OPERATION arguments: a whole id, the first 4 or more characters of one, or a name (not
// operations). A text must fit exactly one object, by whichever of these: where it fits two, the candidates are listed
// and nothing is done. Only what the caller's own lists show is looked through, so an operator names others' volumes by
// the whole id.
#pragma once
#include <string>
#include <vector>

#include "apps/vbs/session.hpp"

namespace vbs::cli {

struct Candidate {
  std::string id, name;
};

// `noun` and `list_command` are for the errors: Failure(not_found), Failure(usage) when ambiguous.
std::string choose(const std::string& text, const std::vector<Candidate>& candidates, const std::string& noun,
                   const std::string& list_command);

std::string resolve_volume(Session& session, const std::string& text);
std::string resolve_snapshot(Session& session, const std::string& text);
std::string resolve_operation(Session& session, const std::string& text);

}  // namespace vbs::cli
