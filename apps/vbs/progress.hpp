// One line on a terminal that follows an operation; on anything else silence, except why an operation waits (once per
// reason), so that a log file says what a script is held up by.
#pragma once
#include <rapidjson/document.h>

#include <ostream>
#include <string>

namespace vbs::cli {

class Progress {
 public:
  Progress(std::ostream& err, bool terminal) : err_(err), terminal_(terminal) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const rapidjson::Value& operation);
  void note(const std::string& line);  // a whole line, each text once in a row
  void clear();

 private:
  std::ostream& err_;
  bool terminal_;
  bool drawn_ = false;
  std::string last_note_;
};

// "[#########           ]  45%  460 MiB of 1 GiB" or, with no total, "460 MiB".
std::string progress_bar(uint64_t done, uint64_t total);

}  // namespace vbs::cli
