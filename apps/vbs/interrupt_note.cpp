#include "apps/vbs/interrupt_note.hpp"

#include <unistd.h>

#include <atomic>

#include "apps/vbs/failure.hpp"

namespace vbs::cli {
namespace {
std::atomic<const std::string*> current{nullptr};
static_assert(std::atomic<const std::string*>::is_always_lock_free);

void on_interrupt(int) {
  if (const std::string* text = current.load()) {
    const ssize_t ignored = ::write(STDERR_FILENO, text->data(), text->size());
    (void)ignored;
  }
  ::_exit(static_cast<int>(Exit::interrupted));
}
}  // namespace

InterruptNote::InterruptNote(const std::string& text) : text_("\n" + text + "\n"), outer_(current.load()) {
  current = &text_;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_);
}

InterruptNote::~InterruptNote() {
  sigaction(SIGINT, &before_, nullptr);
  current = outer_;
}

}  // namespace vbs::cli
