// Private to core/service: what facts_of() (core/operations/support.hpp) once wrote into a sidecar, read back.
#pragma once
#include <string>

#include "core/plugin_host/storage_backend.hpp"
#include "core/store/rows.hpp"

namespace vbs {

struct SidecarFacts {
  std::string name, comment, metadata = "{}", project_id, user_id;
  std::string volume_id, snapshot_id, source_volume_id;
  long long created_at = 0;
  store::UserRow user;  // id empty: the sidecar does not say who that is
};

// Lenient, since this is what a rebuild is for: what is absent or wrong is left empty, and the object counts.
SidecarFacts parse_sidecar_facts(const ObjectState& object);

}  // namespace vbs
