#include "core/delegates/link.hpp"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/delegates/address.hpp"
#include "core/delegates/protocol.hpp"
#include "core/delegates/stream.hpp"
#include "core/delegates/tls.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
constexpr std::chrono::seconds kConnectLimit{2}, kGreetLimit{5}, kOpenLimit{25}, kCancelLimit{2};
constexpr std::chrono::milliseconds kLook{50}, kGreetAgain{500};

void limit(grpc::ClientContext& context, std::chrono::milliseconds time) {
  context.set_deadline(std::chrono::system_clock::now() + time);
}

std::shared_ptr<grpc::Channel> make_channel(const DelegateConfig& config, const DelegateTls& tls) {
  route_grpc_log();
  const auto address = parse_delegate_address(config.address);
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);  // also the limit of one attempt to connect
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Each delegate has a connection of its own, also two at one address.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address.target, address.path.empty() ? service_credentials(tls, config.name) : grpc::InsecureChannelCredentials(),
      args);
}

std::vector<std::string> texts(const google::protobuf::RepeatedPtrField<std::string>& from) {
  return {from.begin(), from.end()};
}
}  // namespace

struct DelegateLink::Impl {
  Impl(const DelegateConfig& c, const DelegateTls& tls, std::string h, std::function<void()> u, LinkOptions o)
      : config(c),
        options(o),
        holder(std::move(h)),
        up(std::move(u)),
        channel(make_channel(c, tls)),
        stub(wire::Delegate::NewStub(channel)) {
    lease_until = Clock::now() + options.lease;  // of the run of vbsd before this one
    known.name = config.name;
    known.address = config.address;
    thread = std::thread([this] { keep(); });
  }

  void keep() {
    std::unique_lock lock(mutex);
    while (!ending) {
      const bool renewing = known.up;
      lock.unlock();
      renewing ? renew() : greet();
      lock.lock();
      const auto pause = known.up ? options.renew_every : kGreetAgain;
      changed.wait_for(lock, pause, [this] { return ending || hurry; });
      hurry = false;
    }
  }

  void greet() {
    wire::Greeting g;
    g.set_oldest_protocol(kOldestProtocol);
    g.set_newest_protocol(kNewestProtocol);
    g.set_holder(holder);
    g.set_lease_ms(static_cast<uint64_t>(options.lease.count()));
    g.set_version(kVersion);
    grpc::ClientContext context;
    // gRPC takes a handshake on only while somebody waits for the channel; a call that fails at once does not.
    channel->WaitForConnected(std::chrono::system_clock::now() + kConnectLimit);
    limit(context, kGreetLimit);
    wire::Welcome w;
    const auto began = Clock::now();
    const auto status = stub->Greet(&context, g, &w);
    if (!status.ok()) return down(status.error_message());
    if (w.protocol() == 0)
      return down(
          fmt::format("it is of version {}, which shares no version of the protocol with this one: bring both "
                      "to one version",
                      for_log(w.version(), 64)));
    if (w.name() != config.name)
      return down(fmt::format("it calls itself '{}': name it so in the configuration, or correct the address",
                              for_log(w.name(), 255)));
    std::unique_lock lock(mutex);
    if (known.instance != w.instance())
      logger().info("delegate {} answers at {} (version {})", config.name, config.address, for_log(w.version(), 64));
    else
      logger().info("delegate {} answers again", config.name);
    known.up = true;
    known.error.clear();
    known.version = w.version();
    known.instance = w.instance();
    known.boot_id = w.boot_id();
    known.backends = texts(w.backends());
    known.hosts = texts(w.hosts());
    known.plugins.clear();
    for (const auto& p : w.plugins()) known.plugins.push_back({p.name(), p.version(), p.refusal()});
    known.running = w.running();
    lease_until = began + options.lease;
    greeted = true;
    changed.notify_all();
    lock.unlock();
    if (up) up();
  }

  void renew() {
    wire::Lease l;
    l.set_holder(holder);
    l.set_lease_ms(static_cast<uint64_t>(options.lease.count()));
    grpc::ClientContext context;
    limit(context, options.renew_every);
    wire::LeaseAnswer answer;
    const auto began = Clock::now();
    const auto status = stub->Renew(&context, l, &answer);
    if (!status.ok()) return down(status.error_message());
    std::unique_lock lock(mutex);
    known.running = answer.running();
    if (answer.held() && answer.instance() == known.instance) {
      lease_until = began + options.lease;
      return;
    }
    known.up = false;
    lock.unlock();
    greet();
  }

  void down(const std::string& why) {
    const std::lock_guard lock(mutex);
    const auto text = fmt::format("delegate {} at {} does not answer: {}", config.name, config.address,
                                  for_log(why.empty() ? "no reason is known" : why));
    if (known.up || known.error.empty()) logger().warn("{}", text);
    known.up = false;
    known.error = text;
    greeted = true;
    changed.notify_all();
  }

  // Something on the wire failed: look at once whether it is the delegate.
  void look_now() {
    const std::lock_guard lock(mutex);
    hurry = true;
    changed.notify_all();
  }

  // Whether calls to this run of the delegate can be followed again, waiting for that.
  bool back(const std::string& instance, Clock::time_point until) {
    std::unique_lock lock(mutex);
    changed.wait_until(lock, std::min(until, lease_until), [&] { return known.up; });
    return known.up && known.instance == instance;
  }

  void cancel(const wire::CallId& id) {
    grpc::ClientContext context;
    limit(context, kCancelLimit);
    wire::Nothing nothing;
    if (const auto status = stub->Cancel(&context, id, &nothing); !status.ok())
      logger().warn("delegate {} could not be told to cancel a call: {}", config.name, for_log(status.error_message()));
  }

  static void tell(const Call& call, const wire::Progress& p) {
    try {
      call.progress(p.done(), p.total());
    } catch (const std::exception& e) {
      logger().warn("progress of a plugin call could not be recorded: {}", for_log(e.what()));
    }
  }

  // Reads until the result; nullopt: the stream broke off, or the time is over.
  std::optional<wire::Result> read(EventStream& stream, const Call& call, const wire::CallId& id, bool& cancelled) {
    wire::CallEvent event;
    while (Clock::now() < call.deadline + options.late) {
      if (!cancelled && call.cancel && call.cancel->is_set()) {
        cancelled = true;
        cancel(id);
      }
      switch (stream.read(event, kLook)) {
        case EventStream::Read::nothing:
          continue;
        case EventStream::Read::end:
          return std::nullopt;
        case EventStream::Read::event:
          break;
      }
      if (event.has_result()) return std::move(*event.mutable_result());
      if (event.has_progress() && call.progress) tell(call, event.progress());
      if (event.has_log())
        logger().log(static_cast<spdlog::level::level_enum>(std::clamp(event.log().level(), 0, 5)), "delegate {}: {}",
                     config.name, for_log(event.log().text(), 2048));
    }
    return std::nullopt;
  }

  const DelegateConfig config;
  const LinkOptions options;
  const std::string holder;
  const std::function<void()> up;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<wire::Delegate::Stub> stub;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool ending = false, hurry = false, greeted = false;
  DelegateStatus known;
  Clock::time_point lease_until{};
  std::thread thread;
};

DelegateLink::DelegateLink(const DelegateConfig& config, const DelegateTls& tls, std::string holder,
                           std::function<void()> up, LinkOptions options)
    : impl_(std::make_unique<Impl>(config, tls, std::move(holder), std::move(up), options)) {}

DelegateLink::~DelegateLink() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->changed.notify_all();
  impl_->thread.join();
}

const std::string& DelegateLink::name() const { return impl_->config.name; }

DelegateStatus DelegateLink::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->known;
}

std::string DelegateLink::instance() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->known.up ? impl_->known.instance : "";
}

DelegateLink::Clock::time_point DelegateLink::lease_end() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->lease_until;
}

uint64_t DelegateLink::running() const { return status().running; }

void DelegateLink::wait_until_up(Clock::time_point until, Wait wait) const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait_until(lock, until, [&] { return wait == Wait::first ? impl_->greeted : impl_->known.up; });
  if (impl_->known.up) return;
  throw Error(Code::unavailable, impl_->known.error.empty()
                                     ? fmt::format("delegate {} has not answered yet", impl_->config.name)
                                     : impl_->known.error);
}

InstanceFacts DelegateLink::open(wire::OpenRequest request) {
  wait_until_up(Clock::now() + kGreetLimit);
  request.set_holder(impl_->holder);
  grpc::ClientContext context;
  limit(context, kOpenLimit);
  wire::OpenAnswer answer;
  const auto status = impl_->stub->Open(&context, request, &answer);
  if (!status.ok()) {
    impl_->look_now();
    throw Error(Code::unavailable, fmt::format("delegate {}: opening {} failed on the way: {}", name(),
                                               for_log(request.name(), 255), for_log(status.error_message())));
  }
  if (answer.has_failure()) {
    if (answer.failure().field() == "lease") impl_->look_now();
    throw error_from(answer.failure());
  }
  return from_wire(answer.facts());
}

wire::Result DelegateLink::call(const Call& call, wire::CallRequest request) {
  auto& me = *impl_;
  wait_until_up(Clock::now());
  const auto instance = this->instance();
  wire::CallId id;
  id.set_holder(me.holder);
  id.set_call(new_uuid());
  request.set_holder(id.holder());
  request.set_call(id.call());
  const auto slash = call.id.find('/');
  if (slash != std::string::npos) request.set_operation(call.id.substr(0, slash));
  request.set_step(call.id);
  request.set_request_id(call.request_id);
  request.set_epoch(call.epoch);
  request.set_remaining_ms(std::chrono::duration_cast<std::chrono::milliseconds>(call.deadline - Clock::now()).count());
  bool cancelled = false;
  std::string why = "it did not end in time";
  for (bool follow = false;; follow = true) {
    {
      auto stream =
          follow ? std::make_unique<EventStream>(*me.stub, id) : std::make_unique<EventStream>(*me.stub, request);
      auto result = me.read(*stream, call, id, cancelled);
      const bool no_lease = result && result->has_failure() && result->failure().field() == "lease";
      // Refused for want of a lease: a call that was sent has not begun, of one that is followed that says nothing.
      if (no_lease) me.look_now();
      if (result && !(no_lease && follow)) return *std::move(result);
      if (Clock::now() >= call.deadline + me.options.late) break;
      why = result ? result->failure().message() : stream->status().error_message();
    }
    me.look_now();
    std::this_thread::sleep_for(kLook);
    if (!me.back(instance, call.deadline)) {
      const auto now = status();
      why = now.up ? "it was started anew" : now.error;
      break;
    }
  }
  throw Error(call.id.find('/') == std::string::npos ? Code::unavailable : Code::unknown_outcome,
              fmt::format("delegate {}, outcome of the call not known: {}", name(), for_log(why)));
}

}  // namespace vbs
