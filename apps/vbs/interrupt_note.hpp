// While one of these lives, Ctrl-C prints its text and ends the program with 130: whoever stops waiting is told that
// the work goes on. The handler only writes prepared bytes and calls _exit (signal-safety(7)), so it also works while
// the program is blocked inside a request. Main thread only; they nest.
#pragma once
#include <csignal>
#include <string>

namespace vbs::cli {

class InterruptNote {
 public:
  explicit InterruptNote(const std::string& text);
  ~InterruptNote();
  InterruptNote(const InterruptNote&) = delete;
  InterruptNote& operator=(const InterruptNote&) = delete;

 private:
  std::string text_;
  const std::string* outer_;
  struct sigaction before_;
};

}  // namespace vbs::cli
