// SPDX-License-Identifier: MIT
//
// Which calls fail, and how. A text of statements, separated by ";" or line ends:
//
//   off                             nothing fails (the same as an empty text)
//   CALL[:NTH] WHAT [before|after]  the NTH call of that name (1 without it; "*" each) since these rules came
//   seed N                          with rate: another N, other faults
//   rate R                          each call fails with this probability, 0 to 1
//   kinds WHAT,WHAT...              what `rate` may pick; without it fail,unavailable,unknown,delay
//   ms N                            how long delay and hang take; hang 0: until the deadline. 100 without it
//   run WORD                        no meaning; makes a text differ from the one before, so that counting begins again
//
// WHAT: fail (a definite error), unavailable, unknown, delay, hang (until the deadline or a cancel), stuck (hears
// neither: until the rules change), kill (SIGKILL of this process). `before`: nothing was done; `after`: it was done,
// so that fail, unavailable and unknown are lies. lie = fail after.
//
// Whether and how the Nth call of a name fails depends on seed, name and N alone: a seed repeats a run as far as the
// order of calls of one name does.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vbs::faulty {

enum class What { nothing, fail, unavailable, unknown, delay, hang, stuck, kill };

struct Fault {
  What what = What::nothing;
  bool after = false;
  std::string text() const;  // "kill before"; empty for nothing
};

class Rules {
 public:
  Rules() = default;
  // Throws plugin::Error(VBS_INVALID) naming the statement.
  explicit Rules(const std::string& text);
  Fault choose(const std::string& call, uint64_t nth) const;
  uint64_t ms() const { return ms_; }
  uint64_t seed() const { return seed_; }

 private:
  void take(const std::vector<std::string>& words, const std::string& statement);
  struct Rule {
    std::string call;
    uint64_t nth = 1;  // 0: each
    Fault fault;
  };
  std::vector<Rule> rules_;
  std::vector<What> kinds_{What::fail, What::unavailable, What::unknown, What::delay};
  uint64_t seed_ = 0, ms_ = 100;
  double rate_ = 0;
};

}  // namespace vbs::faulty
