#include "tests/support/power_cut.hpp"

#include <filesystem>

#include "core/base/crash_point.hpp"

namespace vbs::test {

Image image_of(const std::string& point, const std::string& data_dir, const FakeWorld& world) {
  Image image{point, std::make_unique<TemporaryDirectory>(), world.copy()};
  for (const auto* name : {"vbs.db", "vbs.db-wal"})
    if (std::filesystem::exists(data_dir + "/" + name))
      std::filesystem::copy_file(data_dir + "/" + name, *image.dir / name);
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
