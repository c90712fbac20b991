/* SPDX-License-Identifier: MIT
 *
 * C++ side of the connector table (connector.h, which says what each call must do). Write a class derived from
 * ConnectorInstance with a constructor (Host, Call&, std::string_view config), and one line at the end of a .cpp file:
 *
 *   VBS_CONNECTOR_PLUGIN("connector_mine", "1.0", MyConnector)
 *
 * Errors: throw vbs::plugin::Error. Threading: the host calls one instance from several threads, up to what
 * initial_facts() says in max_parallel_calls, but never twice at once for one export. Ownership: the host owns the
 * instance between open and close; arguments belong to the callee. */
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connector.h"
#include "plugin.hpp"

namespace vbs::plugin {

struct ConnectorFacts {
  uint32_t max_parallel_calls = 0;  // 0 = no limit
  std::string json = "{}";          // for people
};

struct ConnectionArgs {
  bool read_only = true;
  std::string kind, format, data;  // data: JSON of the kind
  std::string refs;
  std::string initiator;
  std::string secret;  // never to be logged
};

struct NodeSource {
  std::string kind;    // "file", "block", "iscsi"
  std::string format;  // as the connection's
  std::string path;    // absolute; empty for iscsi
  std::string data;
  std::string secret;
};

class ConnectorInstance {
 public:
  ConnectorInstance() = default;
  ConnectorInstance(const ConnectorInstance&) = delete;
  ConnectorInstance& operator=(const ConnectorInstance&) = delete;
  virtual ~ConnectorInstance() = default;

  virtual ConnectorFacts initial_facts() const = 0;
  virtual NodeSource connect(Call&, const ConnectionArgs&, std::string_view serial) = 0;
  virtual void disconnect(Call&, const ConnectionArgs&) = 0;
  virtual bool connected(Call&, const ConnectionArgs&) = 0;
  virtual void rescan(Call&, const ConnectionArgs&, uint64_t size_bytes) = 0;
};

namespace detail {

inline ConnectionArgs connection_args(const vbs_connection* raw) {
  const auto in = receive(raw);
  return {.read_only = in.mode != VBS_MODE_RW,
          .kind = text(in.kind),
          .format = text(in.format),
          .data = text(in.data),
          .refs = text(in.refs),
          .initiator = text(in.initiator),
          .secret = text(in.secret)};
}

// The C functions of one class. Each turns exceptions into a status, so none crosses the line.
template <class T>
struct ConnectorCalls {
  static T& self(void* instance) { return *static_cast<T*>(instance); }

  static vbs_status open(const vbs_host* host, vbs_call* raw, vbs_str config, void** instance) {
    return guard(raw, [&] {
      Call call(raw);
      auto made = std::make_unique<T>(Host(host), call, view(config));
      const auto facts = made->initial_facts();
      vbs_instance item{};
      item.max_parallel_calls = facts.max_parallel_calls;
      item.facts = str(facts.json);
      call.add(VBS_ITEM_INSTANCE, item);
      *instance = made.release();
    });
  }
  static void close(void* instance) { delete static_cast<T*>(instance); }
  static vbs_status connect(void* instance, vbs_call* raw, const vbs_connection* connection, vbs_str serial) {
    return guard(raw, [&] {
      Call call(raw);
      const NodeSource source = self(instance).connect(call, connection_args(connection), view(serial));
      vbs_source item{};
      item.kind = str(source.kind);
      item.format = str(source.format);
      item.path = str(source.path);
      item.data = str(source.data);
      item.secret = str(source.secret);
      call.add(VBS_ITEM_SOURCE, item);
    });
  }
  static vbs_status disconnect(void* instance, vbs_call* raw, const vbs_connection* connection) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).disconnect(call, connection_args(connection));
    });
  }
  static vbs_status connected(void* instance, vbs_call* raw, const vbs_connection* connection) {
    bool is = false;
    const auto status = guard(raw, [&] {
      Call call(raw);
      is = self(instance).connected(call, connection_args(connection));
    });
    return status == VBS_OK && !is ? VBS_NOT_FOUND : status;
  }
  static vbs_status rescan(void* instance, vbs_call* raw, const vbs_connection* connection, uint64_t size_bytes) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).rescan(call, connection_args(connection), size_bytes);
    });
  }
};

}  // namespace detail

// The table of T, for plugins that have more than one kind; VBS_CONNECTOR_PLUGIN needs only this one. Lives for ever.
template <class T>
const vbs_connector_table* connector_table() {
  using Calls = detail::ConnectorCalls<T>;
  static const vbs_connector_table table = {sizeof(vbs_connector_table),
                                            0,
                                            Calls::open,
                                            Calls::close,
                                            Calls::connect,
                                            Calls::disconnect,
                                            Calls::connected,
                                            Calls::rescan};
  return &table;
}

// The entry of a plugin with nothing but a connector: NULL, and a line in the host's log, if the host does not speak
// this header's version of the table.
template <class T>
const vbs_plugin* connector_plugin(const vbs_host* host, const vbs_versions* raw, std::string_view name,
                                   std::string_view version) {
  const auto versions = receive(raw);
  if (VBS_CONNECTOR_VERSION < versions.connector_min || VBS_CONNECTOR_VERSION > versions.connector_max) {
    Host(host).log(VBS_LOG_ERROR, std::string(name) + " speaks connector table version " +
                                      std::to_string(VBS_CONNECTOR_VERSION) + ", this host versions " +
                                      std::to_string(versions.connector_min) + " to " +
                                      std::to_string(versions.connector_max) + ": install a plugin built for it");
    return nullptr;
  }
  static const vbs_plugin descriptor = [&] {
    vbs_plugin p{};
    p.size = sizeof p;
    p.magic = VBS_PLUGIN_MAGIC;
    p.name = str(name);
    p.version = str(version);
    p.connector_version = VBS_CONNECTOR_VERSION;
    p.connector = connector_table<T>();
    return p;
  }();
  return &descriptor;
}

}  // namespace vbs::plugin

// NAME and VERSION are string literals and equal to the manifest's.
#define VBS_CONNECTOR_PLUGIN(NAME, VERSION, CLASS)                                                                     \
  extern "C" __attribute__((visibility("default"))) const vbs_plugin* vbs_plugin_entry(const vbs_host* host,           \
                                                                                       const vbs_versions* versions) { \
    return ::vbs::plugin::connector_plugin<CLASS>(host, versions, NAME, VERSION);                                      \
  }
