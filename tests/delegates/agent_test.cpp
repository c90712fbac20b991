// The delegate without its wire, over a back-end in memory.
#include "core/delegates/server/agent.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/delegates/protocol.hpp"
#include "tests/support/fake_plugins.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;

class AgentTest : public testing::Test {
 protected:
  AgentTest() : source_(world_), agent_({"d", dir_.path(), {"fast"}, {}}, source_, {}) {}
  wire::Welcome greet(const std::string& holder = "h", uint64_t lease_ms = 10000) {
    wire::Greeting g;
    g.set_oldest_protocol(kOldestProtocol);
    g.set_newest_protocol(kNewestProtocol);
    g.set_holder(holder);
    g.set_lease_ms(lease_ms);
    return agent_.greet(g);
  }
  wire::OpenAnswer open(const std::string& name = "fast") {
    wire::OpenRequest r;
    r.set_holder("h");
    r.set_name(name);
    r.set_plugin("fake");
    r.set_backend_id("b");
    r.set_config("{}");
    return agent_.open(r);
  }
  static wire::CallRequest create(const std::string& call, uint64_t epoch = 1) {
    wire::CallRequest r;
    r.set_holder("h");
    r.set_call(call);
    r.set_name("fast");
    r.set_operation("op");
    r.set_step("op/create");
    r.set_epoch(epoch);
    r.set_remaining_ms(20000);
    r.mutable_arguments()->mutable_create()->set_id("v");
    r.mutable_arguments()->mutable_create()->set_size_bytes(1 << 20);
    return r;
  }
  wire::Result result(const std::shared_ptr<CallRecord>& record) {
    record->wait_for_end(CallRecord::Clock::now() + std::chrono::seconds(20));
    CallRecord::Place place;
    while (const auto event = record->next(place, CallRecord::Clock::now()))
      if (event->has_result()) return event->result();
    ADD_FAILURE() << "no result";
    return {};
  }
  TemporaryDirectory dir_;
  FakeWorld world_;
  FakeSource source_;
  Agent agent_;
};

TEST_F(AgentTest, runs_a_call_and_hands_its_result_out_again) {
  greet();
  ASSERT_FALSE(open().has_failure());
  EXPECT_EQ(result(agent_.run(create("c1"))).change().objects(0).id(), "v");
  wire::CallId again;
  again.set_holder("h");
  again.set_call("c1");
  EXPECT_EQ(result(agent_.follow(again)).change().objects(0).id(), "v");
}

TEST_F(AgentTest, takes_no_call_without_a_greeting) { EXPECT_THROW(agent_.run(create("c1")), Error); }

TEST_F(AgentTest, serves_what_its_configuration_names_and_nothing_else) {
  greet();
  const auto answer = open("other");
  ASSERT_TRUE(answer.has_failure());
  EXPECT_EQ(answer.failure().code(), "forbidden");
}

TEST_F(AgentTest, says_of_a_call_for_what_is_not_open_that_it_has_to_be_opened) {
  greet();
  const auto r = result(agent_.run(create("c1")));
  EXPECT_EQ(r.failure().field(), "instance");
}

TEST_F(AgentTest, refuses_an_attempt_that_comes_after_a_later_one) {
  greet();
  open();
  EXPECT_FALSE(result(agent_.run(create("c2", 2))).has_failure());
  const auto late = result(agent_.run(create("c1", 1)));
  EXPECT_NE(late.failure().message().find("comes too late"), std::string::npos) << late.failure().message();
  EXPECT_EQ(world_.calls("create").size(), 1u);
}

TEST_F(AgentTest, ends_a_running_call_when_the_lease_runs_out_and_calls_its_outcome_unknown) {
  greet("h", 1500);
  open();
  world_.hold("create");
  const auto r = result(agent_.run(create("c1")));
  EXPECT_EQ(r.failure().code(), "unknown_outcome");
  EXPECT_THROW(agent_.run(create("c2")), Error);
  world_.release("create");
  greet();
  open();  // it was closed with the lease: another delegate may have it by now
  EXPECT_FALSE(result(agent_.run(create("c3", 2))).has_failure());
}

TEST_F(AgentTest, ends_the_calls_of_a_former_run_of_vbsd_before_it_works_for_another) {
  greet();
  open();
  world_.hold("create");
  const auto first = agent_.run(create("c1"));
  world_.wait_until_held("create");
  greet("second");
  EXPECT_EQ(result(first).failure().code(), "unknown_outcome");
  EXPECT_THROW(agent_.run(create("c2")), Error);
  world_.release("create");
}

TEST_F(AgentTest, cancels_a_call_on_request) {
  greet();
  open();
  world_.hold("create");
  const auto record = agent_.run(create("c1"));
  world_.wait_until_held("create");
  wire::CallId id;
  id.set_holder("h");
  id.set_call("c1");
  agent_.cancel(id);
  EXPECT_EQ(result(record).failure().code(), "cancelled");
  world_.release("create");
}

TEST_F(AgentTest, has_no_version_of_the_protocol_in_common_with_a_much_newer_vbsd) {
  wire::Greeting g;
  g.set_oldest_protocol(kNewestProtocol + 1);
  g.set_newest_protocol(kNewestProtocol + 5);
  g.set_holder("h");
  g.set_lease_ms(10000);
  EXPECT_EQ(agent_.greet(g).protocol(), 0u);
}
}  // namespace
}  // namespace vbs::test
