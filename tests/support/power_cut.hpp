// What a power cut would leave: of the files of the store what SQLite has synced, and the disk of the fakes, at one
// moment. Programs that link this watch the syncs of every store.
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
  // A call that had begun before stop() may look at it afterwards.
  struct State {
    FakeWorld& world;
    const std::string data_dir;
    std::mutex mutex;
    bool stopped = false;
    std::vector<Image> images;
    void take(const std::string& point);
  };
  const std::shared_ptr<State> state_;
  FakeWorld& world_;
};

}  // namespace vbs::test
