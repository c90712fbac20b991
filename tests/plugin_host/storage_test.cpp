// The storage adaptor over the C table: what it hands on, and what it does not take from a plugin.
#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "tests/plugin_host/opener.hpp"
#include "tests/plugin_host/plugin_dir.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::Not;

class Storage : public testing::Test {
 protected:
  void open(const std::string& config = "{}", PluginHostOptions options = {}) {
    dir_.install_memory();
    host_ = dir_.scan(std::move(options));
    storage_ = opener_.over(*host_).open_storage_at(opener_.place(), "memory", new_uuid(), config);
  }
  StorageChange create(const std::string& options, const Call& call = {}) {
    CreateArgs a;
    a.id = id_;
    a.size_bytes = 1 << 20;
    a.options = options;
    return storage_->create(call, a);
  }
  void expect_error(Code code, const std::string& part, const std::string& options, const Call& call = {}) {
    try {
      create(options, call);
      FAIL() << "no error for " << options;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
  PluginDir dir_;
  std::unique_ptr<PluginHost> host_;
  Opener opener_;
  std::unique_ptr<StorageBackend> storage_;
  const std::string id_ = new_uuid();
};

TEST_F(Storage, creates_inspects_and_removes_a_volume) {
  open();
  const auto change = create("{}");
  ASSERT_NE(change.find(id_), nullptr);
  EXPECT_EQ(change.find(id_)->size_bytes, 1u << 20);
  EXPECT_EQ(change.find(id_)->refs, "memory-1");
  EXPECT_TRUE(storage_->inspect({}, ObjectKind::volume, id_, "memory-1"));
  storage_->remove({}, ObjectKind::volume, id_, "memory-1", {});
  EXPECT_FALSE(storage_->inspect({}, ObjectKind::volume, id_, "memory-1"));
}

TEST_F(Storage, tells_the_capabilities_of_the_instance) {
  open(R"({"parallel": 3})");
  EXPECT_TRUE(storage_->has(VBS_CAP_THIN));
  EXPECT_FALSE(storage_->has(VBS_CAP_REFLINK));
  EXPECT_EQ(storage_->instance().max_parallel_calls, 3u);
}

TEST_F(Storage, reports_progress_on_the_calling_thread) {
  open();
  Call call;
  uint64_t seen = 0;
  call.progress = [&](uint64_t done, uint64_t) { seen = done; };
  create("{}", call);
  EXPECT_EQ(seen, 1u << 20);
}

TEST_F(Storage, survives_a_progress_callback_that_throws) {
  open();
  Call call;
  call.progress = [](uint64_t, uint64_t) { throw std::runtime_error("store is away"); };
  EXPECT_NO_THROW(create("{}", call));
}

TEST_F(Storage, hands_on_the_words_of_the_plugin_with_the_meaning_of_its_status) {
  open();
  create("{}");
  CreateArgs other;
  other.id = id_;
  other.size_bytes = 5;
  try {
    storage_->create({}, other);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::conflict);
    EXPECT_EQ(e.what(), "volume " + id_ + " exists with another size");
  }
  expect_error(Code::conflict, "plugin memory, create: something holds the object", R"({"misbehave": "busy"})");
}

TEST_F(Storage, counts_a_status_that_is_not_in_the_abi_as_an_internal_error) {
  open();
  expect_error(Code::internal, "plugin memory answered status 4711, which is not in the ABI",
               R"({"misbehave": "status"})");
}

TEST_F(Storage, turns_an_exception_across_the_line_into_an_internal_error) {
  open();
  expect_error(Code::internal, "let an exception escape from create", R"({"misbehave": "throw"})");
}

TEST_F(Storage, refuses_results_that_do_not_hold_what_the_abi_promises) {
  open();
  const std::pair<const char*, const char*> cases[] = {
      {"refs", "OBJECT refs has 5000 bytes; the limit is 4096"},
      {"utf8", "OBJECT refs is not UTF-8"},
      {"small", "1048576 bytes were asked for"},
      {"stranger", "which the call is not about"},
      {"bad_id", "'../../etc' is not a UUID"},
      {"null_item", "was a NULL pointer"},
      {"null_text", "has a length of 36 and no text"},
      {"layer", "LAYER name '../escape' leads out of the back-end"},
      {"unknown_item", "did not answer the object"},
      {"nothing", "did not answer the object"},
  };
  for (const auto& [how, line] : cases)
    expect_error(Code::internal, line, std::string(R"({"misbehave": ")") + how + "\"}");
}

TEST_F(Storage, keeps_a_plugin_from_forging_log_lines) {
  open();
  expect_error(Code::invalid, "no\\x0a2026-01-01 all is well?", R"({"misbehave": "forged_log"})");
}

TEST_F(Storage, answers_not_supported_for_functions_that_the_table_leaves_out) {
  open();
  try {
    storage_->list({});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::not_supported);
    EXPECT_STREQ(e.what(), "plugin memory does not support list");
  }
}

TEST_F(Storage, works_with_a_plugin_built_when_the_table_was_shorter) {
  dir_.install("old_memory", PluginDir::kMemoryMore);
  host_ = dir_.scan();
  storage_ = host_->open_storage("old_memory", new_uuid(), "{}");
  EXPECT_EQ(storage_->capacity({}).total_bytes, 1000u);
  expect_error(Code::not_supported, "does not support create", "{}");
}

TEST_F(Storage, says_unavailable_when_the_back_end_cannot_be_opened_now) {
  try {
    open(R"({"away": true})");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unavailable);
    EXPECT_STREQ(e.what(), "the server of the back-end is away");
  }
}

TEST_F(Storage, starts_the_event_loop_of_libvirt_for_a_plugin_that_needs_it) {
  dir_.install("memory", std::string(PluginDir::kMemoryMore) + "needs: [libvirt-event-loop]\n");
  host_ = dir_.scan();
  try {
    host_->open_storage("memory", new_uuid(), "{}");
    host_->open_storage("memory", new_uuid(), "{}");  // and only once
  } catch (const Error& e) {
    if (e.code() != Code::not_supported || std::getenv("CI")) FAIL() << e.what();
    GTEST_SKIP() << "install the package libvirt0: " << e.what();
  }
}

TEST_F(Storage, closes_an_instance_whose_facts_are_unusable) {  // the address sanitizer sees it if not
  try {
    open(R"({"broken_facts": true})");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::internal);
    EXPECT_THAT(e.what(), HasSubstr("gave an unusable answer to open: INSTANCE facts is not acceptable JSON"));
  }
}

TEST_F(Storage, refuses_configuration_that_the_manifest_does_not_know) {
  try {
    open(R"({"paralel": 3})");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
    EXPECT_EQ(e.field(), "paralel");
    EXPECT_THAT(e.what(), HasSubstr("it has: away, broken_facts, parallel, token"));
  }
}

TEST_F(Storage, lets_in_no_more_calls_than_the_instance_declared) {
  open(R"({"parallel": 2})");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { storage_->capacity({}); });
  for (auto& t : threads) t.join();
  EXPECT_LE(storage_->capacity({}).free_bytes, 2u);
}

TEST_F(Storage, gives_up_waiting_for_a_place_at_the_deadline) {
  open(R"({"parallel": 1})");
  Call slow;
  slow.cancel = std::make_shared<CancelFlag>();
  std::thread holder([&] { EXPECT_THROW(create(R"({"wait": true})", slow), Error); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Call late;
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  expect_error(Code::busy, "takes 1 calls at a time", "{}", late);
  slow.cancel->set();
  holder.join();
}

TEST_F(Storage, passes_cancellation_and_the_deadline_on) {
  open();
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.cancel->set();
  expect_error(Code::cancelled, "cancelled on request", R"({"wait": true})", call);
  Call late;
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
  expect_error(Code::unknown_outcome, "may or may not have happened", R"({"wait": true})", late);
}

TEST_F(Storage, runs_command_patterns_with_hostile_values_unharmed) {
  open();
  for (const std::string value :
       {"two words", "quote' and \\\"double", "; rm -rf /", "$(id) `id`", "a\\nb", "*", "{value}", "é"}) {
    const auto change = create(R"({"command": "show", "run": ")" + value + "\"}");
    std::string expected = value == "a\\nb" ? "a\nb" : value == "quote' and \\\"double" ? "quote' and \"double" : value;
    EXPECT_EQ(change.find(id_)->refs, expected + "|");
  }
  expect_error(Code::invalid, "begins with '-'", R"({"command": "show", "run": "--help"})");
  expect_error(Code::invalid, "NUL byte", R"({"command": "show", "run": "a\u0000b"})");
}

TEST_F(Storage, tells_what_a_failed_command_was_and_said) {
  open();
  expect_error(Code::internal, "command 'fail' (ls -- /nonexistent-1) ended with status 2: ls: cannot access",
               R"({"command": "fail", "run": "1"})");
  expect_error(Code::invalid, "its manifest has no command 'other'", R"({"command": "other", "run": "1"})");
  expect_error(Code::not_supported, "program 'vbs-no-such-program' is not installed",
               R"({"command": "absent", "run": "1"})");
  expect_error(Code::not_supported, "install the package nowhere-utils", R"({"command": "absent", "run": "1"})");
}

TEST_F(Storage, ends_a_command_at_its_own_time_limit_with_unknown_outcome) {
  open();
  expect_error(Code::unknown_outcome, "command 'slow' (sleep 30) was still running at its deadline",
               R"({"command": "slow", "run": "30"})");
}

TEST_F(Storage, ends_a_command_on_cancellation) {
  open();
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    call.cancel->set();
  });
  expect_error(Code::cancelled, "was cancelled", R"({"command": "slow", "run": "30"})", call);
  canceller.join();
}

TEST_F(Storage, runs_the_pattern_of_the_operator_instead_of_the_default) {
  open("{}", {{}, "", {{"memory", {{"show", {"printf", "<%s>", "{value}"}}}}}, {}});
  EXPECT_EQ(create(R"({"command": "show", "run": "x"})").find(id_)->refs, "<x>");
}

TEST_F(Storage, never_shows_the_value_of_a_secret_parameter) {
  open();
  try {
    create(R"({"command": "hidden", "run": "hunter22"})");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("(ls -- /nonexistent-***)"));
    EXPECT_THAT(e.what(), Not(HasSubstr("hunter22")));
  }
}

TEST_F(Storage, gives_secrets_only_through_the_secret_service_and_redacts_them) {
  open(R"({"token": "hunter22"})", {{}, "", {}, [](const std::string& name) {
                                      return name == "shared" ? std::optional<std::string>("of-the-host")
                                                              : std::nullopt;
                                    }});
  EXPECT_THAT(storage_->instance().facts, Not(HasSubstr("hunter22")));  // the plugin answers its configuration as facts
  expect_error(Code::internal, "the secret is ***", R"({"tell": "token"})");
  expect_error(Code::internal, "the secret is of-the-host", R"({"tell": "shared"})");
  expect_error(Code::internal, "the secret is (none)", R"({"tell": "other"})");
}
}  // namespace
}  // namespace vbs::test
