#include "core/http/bridge.hpp"

#include <cpprest/details/http_server.h>
#include <cpprest/details/http_server_api.h>
#include <pplx/threadpool.h>

#include <map>

#include "core/base/log.hpp"
#include "core/http/connection.hpp"

namespace vbs::http::bridge {
namespace {
namespace details = web::http::experimental::details;
constexpr const char* kAnchor = "http://anchor.invalid/";

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Transport>> transports;
};
Registry& registry() {
  static auto* instance = new Registry;  // never destroyed: cpprestsdk's statics may outlive ours
  return *instance;
}

// cpprestsdk hangs an empty continuation on every answer; run where it stands, it costs no thread switch.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wnon-virtual-dtor"  // cpprestsdk's; it is held by shared_ptr, which destroys the right one
struct InlineScheduler final : pplx::scheduler_interface {
  void schedule(pplx::TaskProc_t job, void* argument) override { job(argument); }
};
#pragma GCC diagnostic pop
pplx::task<void> done() {
  static auto* scheduler = new std::shared_ptr<pplx::scheduler_interface>(std::make_shared<InlineScheduler>());
  return pplx::task_from_result(pplx::task_options(*scheduler));
}

class Hook : public details::http_server {
 public:
  pplx::task<void> start() override { return done(); }
  pplx::task<void> stop() override { return done(); }
  pplx::task<void> register_listener(Transport::Listener* listener) override {
    const auto uri = listener->uri().to_string();
    if (uri == kAnchor) return done();
    std::shared_ptr<Transport> transport;
    {
      std::lock_guard lock(registry().mutex);
      if (const auto it = registry().transports.find(uri); it != registry().transports.end()) transport = it->second;
    }
    if (!transport) return pplx::task_from_exception<void>(Error(Code::internal, "no transport for listener " + uri));
    transport->listen(listener);
    return done();
  }
  pplx::task<void> unregister_listener(Transport::Listener*) override { return done(); }
  pplx::task<void> respond(web::http::http_response response) override {
    try {
      if (auto* context = dynamic_cast<RequestContext*>(response._get_server_context()))
        context->connection->answer(context->serial, std::move(response));
    } catch (const std::exception& e) {
      logger().error("http: an answer was lost: {}", for_log(e.what()));
    }
    return done();
  }
};
}  // namespace

void install() {
  static const bool installed = [] {
    try {
      crossplat::threadpool::initialize_with_threads(2);  // 40 otherwise; nothing of ours blocks there
    } catch (const std::exception&) {
      logger().debug("http: cpprestsdk's thread pool runs already");
    }
    details::http_server_api::register_server_api(std::make_unique<Hook>());
    static auto* anchor = new web::http::experimental::listener::http_listener(web::uri(kAnchor));
    anchor->open().get();
    return true;
  }();
  static_cast<void>(installed);
}

void expect(std::shared_ptr<Transport> transport) {
  std::lock_guard lock(registry().mutex);
  const auto uri = transport->uri();
  registry().transports[uri] = std::move(transport);
}

void forget(const Transport& transport) {
  std::lock_guard lock(registry().mutex);
  std::erase_if(registry().transports, [&](const auto& entry) { return entry.second.get() == &transport; });
}
}  // namespace vbs::http::bridge
