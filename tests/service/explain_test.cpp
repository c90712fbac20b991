#include <gtest/gtest.h>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Explain : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  EngineOptions options = [] {
    auto o = quick();
    o.patience = std::chrono::hours(1);
    return o;
  }();
  TestCore core{world, dir.path(), options};

  std::string of(const std::string& volume, const Caller& caller) {
    const auto e = explain(*core, caller, volume);
    std::string all;
    for (const auto& l : e.lines) all += l + "\n";
    for (const auto& n : e.next) all += "next: " + n + "\n";
    return all;
  }
  std::string of(const std::string& volume) { return of(volume, core.alice()); }
  void expect(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
  }
};

TEST_F(Explain, SaysThatNothingUsesIt) {
  const auto text = of(core.volume());
  expect(text, "is available");
  expect(text, "nothing uses it");
  expect(text, "next: attach it with: vbs attach-volume");
}

TEST_F(Explain, SaysWhyAVolumeFailed) {
  NewVolume w;
  w.size_bytes = kMiB;
  world.fail({.call = "create", .code = Code::no_space, .message = "the directory's quota is used up"});
  const auto a = create_volume(*core, core.alice(), w);
  core.ended(a);
  const auto text = of(a.object_id);
  expect(text, "is failed");
  expect(text, "because: the directory's quota is used up");
  expect(text, "next: remove what is left of it with: vbs delete-volume " + a.object_id);
}

TEST_F(Explain, SaysWhatAnOperationWaitsFor) {
  NewVolume w;
  w.size_bytes = kMiB;
  world.fail({.call = "create", .code = Code::unavailable, .message = "not mounted", .times = 1000000});
  const auto a = create_volume(*core, core.alice(), w);
  ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  const auto text = of(a.object_id);
  expect(text, "(create-volume) is waiting, at step create: not mounted");
  expect(text, "vbs operations retry " + a.operation_id);
}

TEST_F(Explain, SaysWhyAnAttachmentIsNotThereYet) {
  const auto v = core.volume();
  world.fail({.call = "attach", .code = Code::unavailable, .message = "libvirtd is away", .times = 1000000});
  const auto a = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});
  ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  const auto text = of(v);
  expect(text, "attaching to VM vm1");
  expect(text, "is waiting, at step plug: libvirtd is away");
}

TEST_F(Explain, SaysWhyTheLastDetachFailed) {
  const auto v = core.volume();
  core.attach(v);
  world.fail({.call = "detach", .code = Code::conflict, .message = "the guest keeps it"});
  core.ended(detach_volume(*core, core.alice(), v, {}).front());
  const auto text = of(v);
  expect(text, "attached to VM vm1");
  expect(text, "the last try: detach: the guest keeps it");
  expect(text, "next: nobody else can attach it until: vbs detach-volume " + v);
}

TEST_F(Explain, SaysWhoEnforcesReadOnly) {
  const auto v = core.volume();
  core.attach(v, Mode::ro);
  expect(of(v), "read-only is enforced by the hypervisor alone");
}

TEST_F(Explain, WorksForABackEndThatHasLeftTheConfiguration) {
  TemporaryDirectory other;
  std::string v;
  {
    TestCore before(world, other.path());
    v = before.volume();
  }
  auto config = test_config(other.path());
  config.backends.front().name = "another";
  TestCore after(world, config);
  const auto e = explain(*after, after.alice(), v);
  std::string all;
  for (const auto& l : e.lines) all += l + "\n";
  expect(all, "no longer in the configuration");
}

TEST_F(Explain, ShowsAGranteeNothingOfTheOwnersVms) {
  const auto v = core.volume();
  core.attach(v, Mode::ro);
  grant(*core, core.alice(), v, "CN=bob,O=VBS");
  EXPECT_EQ(of(v, core.bob()).find("vm1"), std::string::npos);
}
}  // namespace
}  // namespace vbs::test
