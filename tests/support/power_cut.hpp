// What a power cut would leave: the files of the store and the disk of the fakes, copied at one moment. Honest as long
// as nothing else is being committed at that moment: SQLite has synced what it acknowledged, and its rollback of the
// rest is part of what is tested.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/fake_plugins.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {

struct Image {
  std::string point;
  std::unique_ptr<TemporaryDirectory> dir;
  std::unique_ptr<FakeWorld> world;
};

Image image_of(const std::string& point, const std::string& data_dir, const FakeWorld& world);

// Takes an image at every crash point and before and after every plugin call, until it is stopped. One at a time.
class PowerCuts {
 public:
  PowerCuts(FakeWorld& world, std::string data_dir);
  ~PowerCuts();
  std::vector<Image> stop();

 private:
  void take(const std::string& point);
  FakeWorld& world_;
  const std::string data_dir_;
  std::mutex mutex_;
  std::vector<Image> images_;
};

}  // namespace vbs::test
