#include "core/delegates/stream.hpp"

namespace vbs {

// gRPC wants every stream read to its end before it goes.
EventStream::~EventStream() {
  context_.TryCancel();
  void* tag = nullptr;
  bool ok = false;
  while (state_ != State::over) {
    if (state_ == State::idle) begin_finish();
    if (!queue_.Next(&tag, &ok)) break;
    done(ok);
  }
  queue_.Shutdown();
  while (queue_.Next(&tag, &ok)) {
  }
}

EventStream::Read EventStream::read(wire::CallEvent& event, std::chrono::milliseconds at_most) {
  const auto until = std::chrono::system_clock::now() + at_most;
  if (state_ == State::idle) begin_read();
  while (state_ != State::over) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return Read::nothing;
    const bool was_reading = state_ == State::reading;
    done(ok);
    if (was_reading && state_ == State::idle) {
      event.Swap(&event_);
      return Read::event;
    }
    if (state_ == State::idle) begin_read();
  }
  return Read::end;
}

void EventStream::begin_read() {
  state_ = State::reading;
  reader_->Read(&event_, nullptr);
}

void EventStream::begin_finish() {
  state_ = State::finishing;
  reader_->Finish(&status_, nullptr);
}

void EventStream::done(bool ok) {
  if (state_ == State::finishing)
    state_ = State::over;
  else if (ok)
    state_ = State::idle;
  else
    begin_finish();
}

}  // namespace vbs
