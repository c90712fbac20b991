// Exports with a secret, sessions that VMs of one host share, and exports that end with their server.
#include <gmock/gmock.h>

#include "tests/support/test_core.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;

// A connector that writes down what it is asked.
class Recorder : public Connector {
 public:
  explicit Recorder(std::vector<std::string>& asked) : asked_(asked), file_(make_file_connector()) {}
  Source connect(const Call& call, const Connection& c, const std::string& serial) override {
    asked_.push_back("connect " + c.initiator + " " + c.secret);
    return file_->connect(call, c, serial);
  }
  void disconnect(const Call&, const Connection&) override { asked_.push_back("disconnect"); }
  bool connected(const Call&, const Connection&) override { return false; }
  void rescan(const Call&, const Connection&, uint64_t size) override {
    asked_.push_back("rescan " + std::to_string(size));
  }

 private:
  std::vector<std::string>& asked_;
  std::unique_ptr<Connector> file_;
};

struct Exports : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};
  std::vector<std::string> asked;

  Exports() { host().connectors["file"] = std::make_unique<Recorder>(asked); }
  Host& host() { return core->registry.host_by_name("node1"); }
  std::optional<store::ExportRow> row(const std::string& volume) {
    return core->database.read([&](store::Session& db) { return store::find_export(db, volume, host().row.id); });
  }
};

TEST_F(Exports, HaveASecretOfTheirOwnWhichTheConnectorGets) {
  const auto one = core.volume(), two = core.volume();
  core.attach(one);
  core.attach(two);
  const auto secret = row(one)->secret;
  EXPECT_THAT(secret, MatchesRegex("[A-Za-z0-9]{16}"));
  EXPECT_NE(secret, row(two)->secret);
  EXPECT_EQ(asked.front(), "connect " + host().row.initiator + " " + secret);
  EXPECT_EQ(world.disk().secrets.at(row(one)->id), secret);
}

TEST_F(Exports, KeepTheirSecretFromTryToTry) {
  const auto v = core.volume();
  world.fail({.call = "export_object", .code = Code::unknown_outcome, .done_first = true});
  core.attach(v);  // the fake refuses a second secret for one export
  EXPECT_EQ(world.calls("export_object").size(), 2u);
  EXPECT_EQ(world.disk().secrets.at(row(v)->id), row(v)->secret);
}

TEST_F(Exports, OfAnAttachThatFailsLeaveNoPlanBehind) {
  const auto v = core.volume();
  world.fail({.call = "export_object", .code = Code::internal, .message = "no"});
  EXPECT_EQ(core.ended(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw})).state, state::failed);
  EXPECT_FALSE(row(v));
}

TEST_F(Exports, OfOneHostEndWithItsLastVm) {
  const auto v = core.volume();
  core.attach(v, Mode::ro, "vm1");
  core.attach(v, Mode::ro, "vm2");
  asked.clear();
  for (const auto* vm : {"vm1", "vm2"}) {
    EXPECT_THAT(asked, IsEmpty());
    for (const auto& d : detach_volume(*core, core.alice(), v, {"node1", vm, false, false})) core.ended(d);
  }
  EXPECT_THAT(asked, ElementsAre("disconnect"));
}

TEST_F(Exports, AreRescannedBeforeTheirVmHearsOfANewSize) {
  const auto v = core.volume();
  core.attach(v);
  asked.clear();
  EXPECT_EQ(core.ended(extend_volume(*core, core.alice(), v, 16 * kMiB)).state, state::done);
  EXPECT_THAT(asked, ElementsAre("rescan " + std::to_string(16 * kMiB)));
}

TEST_F(Exports, AreConnectedAgainAfterTheirHostWas) {
  const auto v = core.volume();
  core.attach(v);
  const auto secret = row(v)->secret, initiator = host().row.initiator;
  asked.clear();
  world.make_connector = [this] { return std::make_unique<Recorder>(asked); };
  TemporaryDirectory copy;
  for (const auto* file : {"/vbs.db", "/vbs.db-wal"}) std::filesystem::copy_file(dir.path() + file, copy.path() + file);
  TestCore after(world, copy.path());
  EXPECT_THAT(asked, ElementsAre("connect " + initiator + " " + secret));
}

TEST(VolatileExports, AreMadeAgainBeforeTheBackEndGetsOtherWork) {
  FakeWorld world;
  world.capabilities |= VBS_CAP_VOLATILE_EXPORTS;
  TemporaryDirectory dir;
  std::string v, secret;
  {
    TestCore core(world, dir.path());
    v = core.volume();
    core.attach(v, Mode::ro);
  }
  secret = world.disk().secrets.begin()->second;
  world.change([](FakeDisk& d) { d.exports.clear(); });  // the server was rebooted
  const auto before = world.calls().size();
  TestCore core(world, dir.path());
  core.volume();
  const auto calls = world.calls();
  ASSERT_GT(calls.size(), before);
  EXPECT_EQ(calls[before].name, "export_object");
  EXPECT_THAT(core.differences(world), IsEmpty());
  EXPECT_EQ(world.disk().secrets.begin()->second, secret);
}
}  // namespace
}  // namespace vbs::test
