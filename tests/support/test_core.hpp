// A Core over a FakeWorld, with what most tests need: people, one host "node1" with vm1 and vm2, one back-end "fast".
// Alice owns vm1, Bob vm2; CN=root is the operator. Pauses are milliseconds.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/service/attachments.hpp"
#include "core/service/volumes.hpp"
#include "tests/support/fake_plugins.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {

constexpr uint64_t kMiB = 1024 * 1024;

EngineOptions quick();
// second_host: with a "node2" that has no VMs until a test migrates one.
Config test_config(const std::string& data_dir, bool second_host = false);

class TestCore {
 public:
  // Starts; throws what start() throws.
  TestCore(FakeWorld& world, const std::string& data_dir, EngineOptions options = quick());
  TestCore(FakeWorld& world, const Config& config, EngineOptions options = quick());
  // With real plugins, loaded from `plugins`, and without owners of VMs.
  TestCore(const Config& config, const PluginHostOptions& plugins, EngineOptions options = quick());
  Core& operator*() { return *core_; }
  Core* operator->() { return core_.get(); }

  Caller alice(const std::string& token = {}, const std::string& hash = "h") { return caller("alice", token, hash); }
  Caller bob() { return caller("bob", {}, {}); }
  Caller root() { return caller("root", {}, {}); }
  Caller caller(const std::string& name, const std::string& token, const std::string& hash);

  // Waits for the end of an operation; fails the test after half a minute.
  store::OperationRow ended(const std::string& operation_id);
  store::OperationRow ended(const Admitted& a) { return ended(a.operation_id); }
  void settle();  // every operation has ended
  // Until `condition`; false after ten seconds.
  bool until(const std::function<bool()>& condition);
  bool until_state(const std::string& operation_id, const std::string& state);

  // These fail the test if it does not work out; all as alice.
  std::string volume(uint64_t size_bytes = 8 * kMiB);
  std::string snapshot(const std::string& volume_id);
  std::string attach(const std::string& volume_id, Mode mode = Mode::rw, const std::string& vm = "vm1");
  store::VolumeRow row(const std::string& volume_id);
  std::optional<store::OperationRow> operation(const std::string& id);

  // What the store says and what the fakes have, compared; empty when they agree.
  std::vector<std::string> differences(const FakeWorld& world);

 private:
  std::optional<FakeSource> source_;
  std::unique_ptr<Core> core_;
};

// The error that f throws; a failed test and Code::internal if it throws none.
Error error_of(const std::function<void()>& f);

}  // namespace vbs::test
