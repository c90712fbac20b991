#include "tests/support/power_cut.hpp"

#include <fstream>

#include "core/base/crash_point.hpp"
#include "tests/support/durable_vfs.hpp"

namespace vbs::test {
namespace {
// Before main(), and so before the first store is opened.
[[maybe_unused]] const bool kWatching = (watch_syncs_of_sqlite(), true);
}  // namespace

Image image_of(const std::string& point, const std::string& data_dir, const FakeWorld& world) {
  Image image{point, std::make_unique<TemporaryDirectory>(), world.copy()};
  for (const auto* name : {"vbs.db", "vbs.db-wal"})
    if (const auto data = durable_content(data_dir + "/" + name)) {
      std::ofstream(*image.dir / name, std::ios::binary) << *data;
      now_durable(*image.dir / name);
    }
  return image;
}

PowerCuts::PowerCuts(FakeWorld& world, std::string data_dir)
    : state_(new State{world, std::move(data_dir)}), world_(world) {
  on_crash_point([state = state_](const std::string& point) { state->take(point); });
  world_.watch([state = state_](const std::string& point) {
    // The monitor's questions come at moments of their own and change nothing.
    if (!point.starts_with("storage.capacity") && !point.starts_with("hypervisor.facts")) state->take(point);
  });
}

PowerCuts::~PowerCuts() { stop(); }

void PowerCuts::State::take(const std::string& point) {
  const std::lock_guard lock(mutex);
  if (!stopped) images.push_back(image_of(point, data_dir, world));
}

std::vector<Image> PowerCuts::stop() {
  on_crash_point(nullptr);
  world_.watch(nullptr);
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  return std::move(state_->images);
}
}  // namespace vbs::test
