// The journal at a start, when its rows hold wrong values: vbsd takes the operations up, or says in one line which it
// cannot, and why. Input as in store_rows.cpp, without the table: it is always `operations`.
#include <cstdlib>
#include <filesystem>

#include "core/base/log.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/test_core.hpp"

using namespace vbs;

namespace {
constexpr const char* kColumns[] = {
    "kind",      "state",   "object_kind", "object_id",        "params",    "data",       "step",
    "step_name", "undoing", "attempt",     "cancel_requested", "waits_for", "created_at", "updated_at"};

// A directory with a store in which an extend, a snapshot and an attach stand in the middle.
class Template {
 public:
  Template() {
    test::TestCore core(world_, directory_.path());
    const auto volume = core.volume(), other = core.volume();
    core.snapshot(other);
    core.attach(volume, Mode::ro);
    extend_volume(*core, core.root(), other, 64 * test::kMiB);
    core.settle();
    core->database.writer().transact([](store::Tx& tx) {
      tx.db.run("UPDATE operations SET state = 'running', step = 0 WHERE kind IN ('extend-volume', 'attach-volume')");
    });
  }
  // What the last input left is taken away.
  void copy_to(const std::string& path) const {
    std::filesystem::remove_all(path);
    std::filesystem::copy(directory_.path(), path, std::filesystem::copy_options::recursive);
  }
  test::FakeWorld& world() { return world_; }

 private:
  test::TemporaryDirectory directory_;
  test::FakeWorld world_;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Template made;
  static test::TemporaryDirectory place;
  set_log_level("error");
  const auto path = place / "data";
  made.copy_to(path);
  {
    store::Session db(path + "/vbs.db", store::Session::Access::read_write);
    fuzz::Input input({reinterpret_cast<const char*>(data), size});
    while (!input.empty()) {
      const std::string column = kColumns[input.byte() % std::size(kColumns)];
      const auto kind = input.byte();
      const std::string update = "UPDATE operations SET " + column + " = ? WHERE state = 'running'";
      kind % 2 ? db.run(update, input.text()) : db.run(update, static_cast<long long>(input.number()));
    }
  }
  try {
    test::TestCore core(made.world(), path);
    core->engine.live_states();
  } catch (const Error& e) {
    if (std::string_view(e.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
