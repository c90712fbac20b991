// Blind, seeded mutation of an input: a few of flip, insert, delete, copy, splice with another seed, and tokens of the
// target's dictionary. The same seed gives the same inputs.
//
// Threading: none. Errors: a dictionary that cannot be read is a std::runtime_error that names file and line.
#pragma once
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace vbs::fuzz {

// libFuzzer's format: a line is "TOKEN" or NAME="TOKEN", with \\, \" and \xNN; '#' begins a comment.
std::vector<std::string> read_dictionary(const std::string& file);

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> seeds, std::vector<std::string> dictionary, size_t max_bytes);
  std::string next();

 private:
  void change(std::string& input);
  size_t below(size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(random_() % limit); }
  const std::string& any_seed() { return seeds_[below(seeds_.size())]; }

  std::mt19937_64 random_;
  const std::vector<std::string> seeds_, dictionary_;
  const size_t max_bytes_;
};

}  // namespace vbs::fuzz
