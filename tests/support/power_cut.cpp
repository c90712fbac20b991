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

PowerCuts::PowerCuts(FakeWorld& world, std::string data_dir) : world_(world), data_dir_(std::move(data_dir)) {
  on_crash_point([this](const std::string& point) { take(point); });
  world_.watch([this](const std::string& point) { take(point); });
}

PowerCuts::~PowerCuts() { stop(); }

void PowerCuts::take(const std::string& point) {
  const std::lock_guard lock(mutex_);
  images_.push_back(image_of(point, data_dir_, world_));
}

std::vector<Image> PowerCuts::stop() {
  on_crash_point(nullptr);
  world_.watch(nullptr);
  const std::lock_guard lock(mutex_);
  return std::move(images_);
}
}  // namespace vbs::test
