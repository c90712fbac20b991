// SPDX-License-Identifier: MIT
#include "rules.hpp"

#include <charconv>
#include <sstream>

#include "vbs/plugin/plugin.hpp"

namespace vbs::faulty {
namespace {
using plugin::Error;

constexpr const char* kWords[] = {"", "fail", "unavailable", "unknown", "delay", "hang", "stuck", "kill"};
constexpr const char* kCalls[] = {
    "open",    "capacity", "create", "remove",        "extend",  "snapshot_prepare", "snapshot_take", "snapshot_finish",
    "export",  "unexport", "list",   "live_sessions", "inspect", "discard",          "facts",         "list_vms",
    "find_vm", "attach",   "detach", "inspect_vm",    "resize",  "flatten",          "stream",        "stream_stop"};

[[noreturn]] void bad(const std::string& statement, const std::string& why) {
  throw Error(VBS_INVALID, "faulty: faults: '" + statement + "': " + why + "; see vbs-faulty(7)");
}

uint64_t number(const std::string& word, const std::string& statement) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) bad(statement, "'" + word + "' is no whole number");
  return value;
}

What what_of(const std::string& word, const std::string& statement) {
  for (size_t i = 1; i < std::size(kWords); ++i)
    if (word == kWords[i]) return static_cast<What>(i);
  bad(statement,
      "there is no fault '" + word + "'; there are fail, unavailable, unknown, delay, hang, stuck, kill, lie");
}

// FNV-1a, then the finaliser of splitmix64: the same on every machine and in every build.
uint64_t mixed(uint64_t seed, const std::string& call, uint64_t n) {
  uint64_t h = 14695981039346656037ull ^ seed;
  for (const char c : call) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  h += n * 0x9e3779b97f4a7c15ull;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ull;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebull;
  return h ^ (h >> 31);
}
}  // namespace

std::string Fault::text() const {
  return what == What::nothing ? "" : std::string(kWords[static_cast<size_t>(what)]) + (after ? " after" : " before");
}

Rules::Rules(const std::string& text) {
  std::string lines = text;
  std::replace(lines.begin(), lines.end(), ';', '\n');
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    std::istringstream statement(line);
    std::vector<std::string> words;
    for (std::string w; statement >> w;) words.push_back(w);
    if (!words.empty()) take(words, line);
  }
}

void Rules::take(const std::vector<std::string>& words, const std::string& statement) {
  const auto& first = words[0];
  if (first == "off" && words.size() == 1) return;
  if (words.size() < 2) bad(statement, "a word is missing");
  if (first == "run") return;
  if (first == "seed") {
    seed_ = number(words[1], statement);
  } else if (first == "ms") {
    ms_ = number(words[1], statement);
  } else if (first == "rate") {
    std::istringstream in(words[1]);
    if (!(in >> rate_) || !in.eof() || !(rate_ >= 0 && rate_ <= 1)) bad(statement, "the rate is a number from 0 to 1");
  } else if (first == "kinds") {
    kinds_.clear();
    std::istringstream in(words[1]);
    for (std::string w; std::getline(in, w, ',');) kinds_.push_back(what_of(w, statement));
    if (kinds_.empty()) bad(statement, "it names none");
  } else {
    Rule rule;
    const auto colon = first.find(':');
    rule.call = first.substr(0, colon);
    if (std::find(std::begin(kCalls), std::end(kCalls), rule.call) == std::end(kCalls))
      bad(statement, "there is no call '" + rule.call + "'");
    if (colon != std::string::npos) {
      const auto nth = first.substr(colon + 1);
      rule.nth = nth == "*" ? 0 : number(nth, statement);
      if (nth != "*" && rule.nth == 0) bad(statement, "calls are counted from 1");
    }
    const bool lie = words[1] == "lie";
    rule.fault.what = lie ? What::fail : what_of(words[1], statement);
    rule.fault.after = lie;
    if (words.size() > 3) bad(statement, "it has a word too many");
    if (words.size() == 3) {
      if (lie || (words[2] != "before" && words[2] != "after"))
        bad(statement, "'" + words[2] + "' has no meaning here");
      rule.fault.after = words[2] == "after";
    }
    rules_.push_back(rule);
  }
}

Fault Rules::choose(const std::string& call, uint64_t nth) const {
  for (const auto& r : rules_)
    if (r.call == call && (r.nth == 0 || r.nth == nth)) return r.fault;
  if (rate_ <= 0) return {};
  const uint64_t h = mixed(seed_, call, nth);
  if (static_cast<double>(h % 1'000'000) >= rate_ * 1'000'000) return {};
  const uint64_t pick = mixed(seed_ + 1, call, nth);
  return {kinds_[pick % kinds_.size()], (pick >> 32) % 2 == 1};
}

}  // namespace vbs::faulty
