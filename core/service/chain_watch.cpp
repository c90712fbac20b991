#include "core/service/chain_watch.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr int64_t kPause = 600ll * 1000000;

// Copies compete with the guests for the disk, so there is one at a time.
bool one_runs(store::Session& db) {
  for (const auto& o : store::live_operations(db))
    if (o.kind == "flatten-volume") return true;
  return false;
}

bool failed_lately(store::Session& db, const std::string& volume_id) {
  for (const auto& o : store::list_operations(db, {"", state::failed, volume_id, 10}))
    if (o.kind == "flatten-volume" && o.updated_at > now_us() - kPause) return true;
  return false;
}
}  // namespace

void flatten_long_chains(Core& core) {
  std::vector<store::VolumeRow> due;
  core.database.snapshot([&](store::Session& db) {
    if (one_runs(db)) return;
    for (const auto& id : store::long_chains(db, core.config.flatten_above))
      if (auto volume = store::find_volume(db, id); volume && !failed_lately(db, id)) due.push_back(*std::move(volume));
  });
  for (const auto& volume : due) {
    Caller service;
    service.who.subject = "chain-watch";
    service.who.is_operator = true;
    service.who.project_id = volume.project_id;  // its owner sees it
    try {
      core.admit(service, new_operation(service, "flatten-volume", "volume", volume.id, R"({"background":"yes"})"),
                 [](store::Tx&) {});
      logger().info("volume {} rests on more than {} layers: it is flattened", volume.id, core.config.flatten_above);
      return;
    } catch (const Error& e) {
      logger().debug("volume {} is not flattened yet: {}", volume.id, e.what());
    }
  }
}
}  // namespace vbs
