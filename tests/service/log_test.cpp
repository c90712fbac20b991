#include "core/base/log.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <regex>
#include <thread>

#include "core/operations/operation.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {

// Lines may come from other threads while a test reads: an operation's last one is written after its end was told.
class TextSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& m) override {
    spdlog::memory_buf_t line;
    formatter_->format(m, line);
    text_.append(line.data(), line.size());
  }
  void flush_() override {}
  std::string text_;
};

// What is logged while it lives.
class Captured {
 public:
  Captured() : sink_(std::make_shared<TextSink>()) {
    sink_->set_formatter(log_formatter());
    logger().sinks().push_back(sink_);
  }
  ~Captured() { logger().sinks().pop_back(); }
  std::string text() const { return sink_->text(); }

 private:
  std::shared_ptr<TextSink> sink_;
};

TEST(Log, ALineIsARecordOfFields) {
  const Captured log;
  {
    const LogScope request{{"request", "req-1"}, {"operation", ""}};
    const LogScope step{{"step", "a b"}};
    logger().warn("half \"a\" line\nforged=1 \\ \x1b");
  }
  logger().info("after");
  EXPECT_TRUE(std::regex_match(
      log.text(),
      std::regex(
          R"(time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning msg="half \\"a\\" line\\nforged=1 \\\\ \\x1b" )"
          R"(request=req-1 step="a b"\ntime=\S+ level=info msg="after"\n)")))
      << log.text();
}

TEST(Log, AScopeIsOfItsThreadAndMayLeaveOutThoseAroundIt) {
  const Captured log;
  const LogScope outer{{"request", "req-1"}};
  std::thread([] { logger().info("other"); }).join();
  {
    const LogScope inner({{"operation", "op"}}, LogScope::Outer::leave_out);
    logger().info("inner");
  }
  logger().info("outer");
  EXPECT_NE(log.text().find("msg=\"other\"\n"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("msg=\"inner\" operation=op\n"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("msg=\"outer\" request=req-1\n"), std::string::npos) << log.text();
}

TEST(Log, TheEndOfAnOperationNamesItAndTheRequest) {
  const Captured log;  // outlives every thread that logs
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core(world, dir.path());
  world.fail({.call = "create", .code = Code::no_space, .message = "it is full"});
  NewVolume wanted;
  wanted.size_bytes = 8 * kMiB;
  const auto admitted = create_volume(*core, core.alice(), wanted);
  EXPECT_EQ(core.ended(admitted).state, state::failed);
  core.settle();
  const auto expected = "msg=\"operation failed: it is full\" request=req-alice operation=" + admitted.operation_id +
                        " kind=create-volume object=" + admitted.object_id + " step=create\n";
  EXPECT_TRUE(core.until([&] { return log.text().find(expected) != std::string::npos; })) << log.text();
}
}  // namespace
}  // namespace vbs::test
