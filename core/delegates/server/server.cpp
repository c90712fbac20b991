#include "core/delegates/server/server.hpp"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/delegates/delegate.grpc.pb.h"
#include "core/delegates/protocol.hpp"
#include "core/delegates/tls.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
constexpr std::chrono::milliseconds kLook{200};  // whether the other side has gone
constexpr std::chrono::seconds kGoodbye{1};

using Events = grpc::ServerWriter<wire::CallEvent>;

grpc::Status follow(const CallRecord& record, grpc::ServerContext* context, Events* out) {
  CallRecord::Place place;
  wire::CallEvent begun;
  begun.mutable_begun();
  if (!out->Write(begun)) return grpc::Status::CANCELLED;
  while (!context->IsCancelled()) {
    const auto event = record.next(place, CallRecord::Clock::now() + kLook);
    if (!event) continue;
    if (!out->Write(*event)) break;
    if (event->has_result()) return grpc::Status::OK;
  }
  return grpc::Status::CANCELLED;
}

void refuse(const Error& e, Events* out) {
  wire::CallEvent event;
  to_wire(e, event.mutable_result()->mutable_failure());
  out->Write(event);
}

class Service final : public wire::Delegate::Service {
 public:
  explicit Service(Agent& agent) : agent_(agent) {}

  grpc::Status Greet(grpc::ServerContext*, const wire::Greeting* r, wire::Welcome* to) override {
    return answer([&] { *to = agent_.greet(*r); });
  }
  grpc::Status Renew(grpc::ServerContext*, const wire::Lease* r, wire::LeaseAnswer* to) override {
    return answer([&] { *to = agent_.renew(*r); });
  }
  grpc::Status Open(grpc::ServerContext*, const wire::OpenRequest* r, wire::OpenAnswer* to) override {
    return answer([&] { *to = agent_.open(*r); });
  }
  grpc::Status Cancel(grpc::ServerContext*, const wire::CallId* r, wire::Nothing*) override {
    return answer([&] { agent_.cancel(*r); });
  }
  grpc::Status Run(grpc::ServerContext* context, const wire::CallRequest* r, Events* out) override {
    return events(context, out, [&] { return agent_.run(*r); });
  }
  grpc::Status Follow(grpc::ServerContext* context, const wire::CallId* r, Events* out) override {
    return events(context, out, [&] { return agent_.follow(*r); });
  }

 private:
  template <class F>
  static grpc::Status answer(F&& f) {
    try {
      f();
      return grpc::Status::OK;
    } catch (const Error& e) {
      return {
          e.code() == Code::unavailable ? grpc::StatusCode::FAILED_PRECONDITION : grpc::StatusCode::INVALID_ARGUMENT,
          e.what()};
    } catch (const std::exception& e) {
      return {grpc::StatusCode::INTERNAL, e.what()};
    }
  }
  template <class F>
  static grpc::Status events(grpc::ServerContext* context, Events* out, F&& f) {
    return answer([&] {
      std::shared_ptr<CallRecord> record;
      try {
        record = f();
      } catch (const Error& e) {
        return refuse(e, out);
      }
      follow(*record, context, out);
    });
  }
  Agent& agent_;
};
}  // namespace

struct DelegateServer::Impl {
  explicit Impl(Agent& agent) : service(agent) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
  std::string socket;
  int port = 0;
};

DelegateServer::DelegateServer(Agent& agent, const std::string& address, const DelegateTls& tls)
    : impl_(std::make_unique<Impl>(agent)) {
  route_grpc_log();
  const auto where = parse_delegate_address(address);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // vbsd pings, so that a cable that is cut shows within seconds.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  const bool local = !where.path.empty();
  builder.AddListeningPort(local ? where.target : address,
                           local ? grpc::InsecureServerCredentials() : delegate_credentials(tls), &impl_->port);
  builder.RegisterService(&impl_->service);
  const auto before = local ? umask(0177) : 0;
  if (local) unlink(where.path.c_str());
  impl_->server = builder.BuildAndStart();
  if (local) umask(before);
  if (!impl_->server)
    throw Error(Code::unavailable,
                fmt::format("cannot listen on {}: the address is taken, or not of this machine", for_log(address)));
  if (local) impl_->port = 0, impl_->socket = where.path;
}

DelegateServer::~DelegateServer() {
  impl_->server->Shutdown(std::chrono::system_clock::now() + kGoodbye);
  impl_->server->Wait();
  if (!impl_->socket.empty()) unlink(impl_->socket.c_str());
}

int DelegateServer::port() const { return impl_->port; }

}  // namespace vbs
