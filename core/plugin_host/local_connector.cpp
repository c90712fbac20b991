#include "core/plugin_host/local_connector.hpp"

#include "core/base/error.hpp"
#include "core/plugin_host/call_context.hpp"
#include "core/plugin_host/call_gate.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
using plugin::str;

class LocalConnector final : public Connector {
 public:
  LocalConnector(const vbs_connector_table& table, const HostServices& host, void* instance,
                 uint32_t max_parallel_calls)
      : table_(table), host_(host), instance_(instance), gate_(max_parallel_calls) {}
  ~LocalConnector() override { table_.close(instance_); }
  LocalConnector(const LocalConnector&) = delete;
  LocalConnector& operator=(const LocalConnector&) = delete;

  Source connect(const Call& call, const Connection& connection, const std::string& serial) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "connect");
    CallContext::hide(context.raw(), {connection.secret});
    const auto raw = raw_of(connection);
    context.run(table_.connect, instance_, context.raw(), &raw, str(serial));
    if (context.results().sources.size() != 1) context.wrong_answer("exactly one SOURCE was expected");
    return std::move(context.results().sources[0]);
  }

  void disconnect(const Call& call, const Connection& connection) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "disconnect");
    CallContext::hide(context.raw(), {connection.secret});
    const auto raw = raw_of(connection);
    context.run(table_.disconnect, instance_, context.raw(), &raw);
  }

  bool connected(const Call& call, const Connection& connection) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "connected");
    CallContext::hide(context.raw(), {connection.secret});
    const auto raw = raw_of(connection);
    const auto status = context.ask(table_.connected, instance_, context.raw(), &raw);
    if (status == VBS_NOT_FOUND) return false;
    context.check(status);
    return true;
  }

  void rescan(const Call& call, const Connection& connection, uint64_t size_bytes) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "rescan");
    CallContext::hide(context.raw(), {connection.secret});
    const auto raw = raw_of(connection);
    context.run(table_.rescan, instance_, context.raw(), &raw, size_bytes);
  }

 private:
  static vbs_connection raw_of(const Connection& c) {
    return {sizeof(vbs_connection),
            c.mode == Mode::rw ? VBS_MODE_RW : VBS_MODE_RO,
            str(c.kind),
            str(c.format),
            str(c.data),
            str(c.refs),
            str(c.initiator),
            str(c.secret)};
  }

  const vbs_connector_table& table_;
  const HostServices& host_;
  void* const instance_;
  CallGate gate_;
};
}  // namespace

std::unique_ptr<Connector> open_local_connector(LoadedPlugin& plugin, const HostServices& host,
                                                const std::string& config) {
  const auto& table = plugin.connector();
  Call call;
  call.id = "open";
  CallContext context(host, call, "open");
  void* instance = nullptr;
  const auto status = context.ask(table.open, host.table(), context.raw(), str(config), &instance);
  const auto facts = context.take_instance(status, instance, table.close);
  return std::make_unique<LocalConnector>(table, host, instance, facts.max_parallel_calls);
}

}  // namespace vbs
