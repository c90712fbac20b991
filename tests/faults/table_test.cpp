// Each fault at every plugin call of every operation, singly and in pairs. Whatever happens, the operation must end,
// done or failed and undone; a fault that passes must not be seen in the end; and store and back-end must agree, after
// a repair where the plugin told a definite lie.
//
// Each case runs in a child process, which `kill` really kills; another one then takes up what is left.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "core/service/reconcile.hpp"
#include "tests/faults/faulty_service.hpp"
#include "tests/faults/scenarios.hpp"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;

// How long all pairs together may take; VBS_FAULT_PAIRS=all runs each of them, however long.
constexpr std::chrono::seconds kPairsTime{30};
constexpr long kFirstFaults = 110;  // about so many there are
constexpr const char* kShort = "ms 20; ";

const std::vector<std::string> kSingle{"fail before",    "fail after",    "unavailable before", "unavailable after",
                                       "unknown before", "unknown after", "delay before",       "hang before",
                                       "hang after",     "kill before",   "kill after"};
const std::vector<std::string> kPaired{"fail before", "fail after", "unavailable before", "unknown after",
                                       "kill after"};

struct Call {
  std::string name;
  size_t nth;
  std::string rule(const std::string& fault) const { return fmt::format("{}:{} {}", name, nth, fault); }
  bool operator==(const Call&) const = default;
};

std::vector<Call> numbered(const std::vector<std::string>& names) {
  std::map<std::string, size_t> seen;
  std::vector<Call> out;
  for (const auto& n : names)
    if (n != "open") out.push_back({n, ++seen[n]});
  return out;
}

struct Result {
  std::string state;     // of the operation: done, failed, refused (never begun)
  std::string findings;  // of reconcile before anything was mended
  std::string problems;  // what is wrong at the end
  std::vector<Call> calls;
};

std::string joined(const ReconcileReport& r) {
  std::string out;
  for (const auto& f : r.findings) out += f.what + " " + f.detail + "; ";
  for (const auto& u : r.unreachable) out += "unreachable " + u + "; ";
  return out;
}

size_t operations(TestCore& core) {
  return core->database.read([](store::Session& db) { return db.number("SELECT count(*) FROM operations"); });
}

// What a user and an operator would do after an error: delete what failed, detach again, extend to the larger size.
void mend(TestCore& core) {
  std::vector<std::function<void()>> work;
  const auto report = reconcile(*core, core.root(), true);
  core.settle();
  core->database.snapshot([&](store::Session& db) {
    for (const auto& s : store::list_snapshots(db, {}))
      if (s.lifecycle == "failed")
        work.push_back([&core, id = s.id] { core.ended(delete_snapshot(*core, core.root(), id)); });
    for (const auto& v : store::list_volumes(db, {}))
      if (v.lifecycle == "failed")
        work.push_back([&core, id = v.id] { core.ended(delete_volume(*core, core.root(), id)); });
    for (const auto& a : store::list_attachments(db, {}))
      if (a.state == "failed")
        work.push_back([&core, id = a.volume_id] {
          DetachWanted all;
          all.all = true;
          for (const auto& o : detach_volume(*core, core.root(), id, all)) core.ended(o);
        });
  });
  for (const auto& f : report.findings)
    if (f.what == "size-differs") core.ended(extend_volume(*core, core.root(), f.object_id, 32 * kMiB));
  for (const auto& w : work) w();
}

class Table : public testing::TestWithParam<bool> {
 protected:
  Table() : service_(GetParam()) {}

  // Leaves a copy named as the scenario, and what the operation calls when nothing fails.
  std::vector<Call> prepare(const Scenario& scenario) {
    service_.set_faults("off");
    service_.keep("empty");
    const auto file = service_.directory() + "/../scene";
    const auto ended = in_child([&] {
      auto core = service_.start();
      Scene s;
      scenario.prepare(core, s);
      std::ofstream(file) << "x" << s.volume << " x" << s.snapshot << " x" << s.clone << " " << operations(core);
      return std::string();
    });
    EXPECT_EQ(ended.said, "");
    std::ifstream in(file);
    in >> scene_.volume >> scene_.snapshot >> scene_.clone >> operations_before_;
    for (auto* id : {&scene_.volume, &scene_.snapshot, &scene_.clone}) id->erase(0, 1);
    service_.keep(scenario.name);
    const auto plain = run(scenario, "off");
    EXPECT_EQ(plain.state, "done") << scenario.name;
    EXPECT_EQ(plain.findings + plain.problems, "") << scenario.name;
    return plain.calls;
  }

  Result run(const Scenario& scenario, const std::string& faults) {
    service_.restore(scenario.name);
    service_.set_faults(kShort + faults);
    bool submit = true;
    for (int starts = 0; starts < 4; ++starts) {
      const auto ended = in_child([&] { return body(scenario, submit); });
      if (!ended.killed) {
        Result r = parsed(ended.said);
        r.calls = numbered(calls_);
        return r;
      }
      submit = false;
    }
    return {"", "", "it was killed again and again", {}};
  }

  void judge(const Result& r, const std::string& what, bool lies, bool passes) {
    EXPECT_EQ(r.problems, "") << what;
    if (!lies) {
      EXPECT_EQ(r.findings, "") << what;
    }
    if (passes) {
      EXPECT_TRUE(r.state == "done" || r.state == "refused") << what << ": " << r.state;
    } else {
      EXPECT_NE(r.state, "") << what;
    }
  }

  void next_scenario() { service_.restore("empty"); }

 private:
  // In the child: the operation, or what a restart makes of it; then the end, told in three lines.
  std::string body(const Scenario& scenario, bool submit) {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    const auto failed_checks = info->result()->total_part_count();
    auto options = quick();
    options.patience = milliseconds(5000);  // one fault that passes is waited for
    auto core = service_.start(options);
    std::string state = "refused";
    if (submit) try {
        core.ended(scenario.run(core, scene_));
      } catch (const Error&) {  // an answer to the client, nothing was begun
      }
    core.settle();
    std::string trace;
    for (const auto& c : service_.calls()) trace += c + " ";
    if (operations(core) > operations_before_)
      state = core->database.read([](store::Session& db) { return store::list_operations(db, {}).front().state; });
    service_.set_faults("off");
    const auto findings = joined(reconcile(*core, core.root(), false));
    mend(core);
    std::string problems = joined(reconcile(*core, core.root(), false));
    for (const auto& d : FaultyService::differences(core, service_.directory())) problems += d + "; ";
    problems += service_.breaches();
    if (info->result()->total_part_count() != failed_checks) problems += "a check in the child failed, see above";
    std::replace(problems.begin(), problems.end(), '\n', ' ');
    return state + "\n" + findings + "\n" + problems + "\n" + trace;
  }

  Result parsed(const std::string& said) {
    if (said.starts_with("!")) return {"", "", said, {}};
    std::istringstream in(said);
    Result r;
    std::string trace;
    std::getline(in, r.state);
    std::getline(in, r.findings);
    std::getline(in, r.problems);
    std::getline(in, trace);
    std::istringstream words(trace);
    calls_.clear();
    for (std::string w; words >> w;) calls_.push_back(w);
    return r;
  }

  FaultyService service_;
  Scene scene_;
  size_t operations_before_ = 0;
  std::vector<std::string> calls_;
};

bool passes(const std::string& fault) { return !fault.starts_with("fail"); }
bool lies(const std::string& fault) { return fault == "fail after"; }
// A layer that a flatten could not remove is left over, and reconcile says so.
bool leaves(const Call& call, const std::string& fault) { return call.name == "discard" && fault.starts_with("fail"); }

TEST_P(Table, EachFaultAtEachCallEndsInAgreement) {
  size_t cases = 0;
  for (const auto& scenario : scenarios()) {
    if (scenario.on_layers_only && !GetParam()) continue;
    const auto calls = prepare(scenario);
    for (const auto& call : calls)
      for (const auto& fault : kSingle) {
        const auto rule = call.rule(fault);
        judge(run(scenario, rule), scenario.name + " with " + rule, lies(fault) || leaves(call, fault), passes(fault));
        ++cases;
      }
    next_scenario();
  }
  std::cout << cases << " single faults\n";
  EXPECT_GT(cases, 200u);
}

// The second fault strikes at any call that comes after the first one, also those of the undo.
TEST_P(Table, PairsOfFaultsEndInAgreement) {
  const char* wanted = std::getenv("VBS_FAULT_PAIRS");
  const bool all = wanted && std::string(wanted) == "all";
  const auto began = std::chrono::steady_clock::now();
  size_t cases = 0, left_out = 0;
  long turn = 0;
  for (const auto& scenario : scenarios()) {
    if (scenario.on_layers_only && !GetParam()) continue;
    const auto calls = prepare(scenario);
    for (const auto& first : calls)
      for (const auto& fault : kPaired) {
        // First faults spread over all of them, as many as the time allows, each with every second one.
        const auto used = std::chrono::steady_clock::now() - began;
        if (!all && used > kPairsTime * ++turn / kFirstFaults) {
          ++left_out;
          continue;
        }
        const auto one = run(scenario, first.rule(fault));
        const auto at = std::find(one.calls.begin(), one.calls.end(), first);
        for (auto second = at; second != one.calls.end(); ++second)
          for (const auto& other : kPaired) {
            if (*second == first) continue;
            const auto rules = first.rule(fault) + "; " + second->rule(other);
            // A definite error of a repeated call says that what may have been done was not: if it had been, a lie.
            const bool denies = fault.ends_with("after") && other == "fail before" && second->name == first.name;
            judge(run(scenario, rules), scenario.name + " with " + rules,
                  lies(fault) || lies(other) || denies || leaves(first, fault) || leaves(*second, other),
                  passes(fault) && passes(other));
            ++cases;
          }
      }
    next_scenario();
  }
  std::cout << cases << " pairs of faults; " << left_out << " first faults left out (VBS_FAULT_PAIRS=all runs them)\n";
  EXPECT_GT(cases, 0u);
}

INSTANTIATE_TEST_SUITE_P(Every, Table, testing::Bool(),
                         [](const auto& info) { return info.param ? "OnLayers" : "StandingAlone"; });
}  // namespace
}  // namespace vbs::test
