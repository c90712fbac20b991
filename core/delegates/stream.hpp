// Private to core/delegates: the events of one call, read on the calling thread, which looks up from time to time
// (a deadline, a cancel). Ending it breaks off the stream, not the call.
#pragma once
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>

#include "core/delegates/delegate.grpc.pb.h"

namespace vbs {

class EventStream {
 public:
  enum class Read { event, nothing, end };  // nothing: not yet

  EventStream(wire::Delegate::Stub& stub, const wire::CallRequest& request)
      : reader_(stub.AsyncRun(&context_, request, &queue_, nullptr)) {}
  EventStream(wire::Delegate::Stub& stub, const wire::CallId& request)
      : reader_(stub.AsyncFollow(&context_, request, &queue_, nullptr)) {}
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  Read read(wire::CallEvent& event, std::chrono::milliseconds at_most);
  const grpc::Status& status() const { return status_; }  // after `end`

 private:
  // What gRPC works on; exactly one thing at a time, but for `idle` and `over`.
  enum class State { starting, reading, idle, finishing, over };
  void begin_read();
  void begin_finish();
  void done(bool ok);

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<wire::CallEvent>> reader_;
  wire::CallEvent event_;
  grpc::Status status_;
  State state_ = State::starting;
};

}  // namespace vbs
