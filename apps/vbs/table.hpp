// Aligned tables and detail views for people. Cells come from the service and so from other users: control characters
// are escaped, or a volume's name could drive the terminal of whoever lists it.
#pragma once
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace vbs::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  void add(std::vector<std::string> cells);  // as many as heads
  bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, const std::string& indent = {}) const;  // an empty cell shows as "-"

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

// "name:   value" lines with the values below each other. Lines with an empty value are left out.
class Details {
 public:
  void add(std::string name, std::string value);
  void print(std::ostream& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// As short as ids can be shown and still be told apart in this list: at least 8 characters.
std::vector<std::string> short_ids(const std::vector<std::string>& ids);

}  // namespace vbs::cli
