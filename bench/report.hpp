// What was measured: lines of a table as they come in, and one JSON file at the end.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace vbs::bench {

struct Goal {
  enum class Bound { at_least, at_most } bound;
  double value;
};

struct Figure {
  std::string group, name, unit;  // group: a phase of the run
  double value = 0;
  std::string note;  // how it came about: percentiles, counts
  std::optional<Goal> goal;
  bool met() const {
    return !goal || (goal->bound == Goal::Bound::at_least ? value >= goal->value : value <= goal->value);
  }
};

class Report {
 public:
  void add(Figure figure);                         // prints its line
  void write_json(const std::string& path) const;  // throws std::runtime_error
  size_t missed() const;

 private:
  std::vector<Figure> figures_;
};

}  // namespace vbs::bench
