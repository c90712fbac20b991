#include "core/delegates/remote.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
using Change = RemoteInstance::Change;

class RemoteConnector final : public Connector {
 public:
  explicit RemoteConnector(std::shared_ptr<RemoteInstance> instance) : instance_(std::move(instance)) {}

  Source connect(const Call& call, const Connection& connection, const std::string& serial) override {
    wire::Arguments a;
    to_wire(connection, a.mutable_connect()->mutable_connection());
    a.mutable_connect()->set_serial(serial);
    return from_wire(instance_->run(call, a, Change::in_place).source());
  }
  void disconnect(const Call& call, const Connection& connection) override {
    wire::Arguments a;
    to_wire(connection, a.mutable_disconnect()->mutable_connection());
    instance_->run(call, a, Change::in_place);
  }
  bool connected(const Call& call, const Connection& connection) override {
    wire::Arguments a;
    to_wire(connection, a.mutable_connected()->mutable_connection());
    return instance_->run(call, a, Change::none).yes();
  }
  void rescan(const Call& call, const Connection& connection, uint64_t size_bytes) override {
    wire::Arguments a;
    to_wire(connection, a.mutable_rescan()->mutable_connection());
    a.mutable_rescan()->set_size_bytes(size_bytes);
    instance_->run(call, a, Change::in_place);
  }

 private:
  const std::shared_ptr<RemoteInstance> instance_;
};
}  // namespace

std::unique_ptr<Connector> make_remote_connector(std::shared_ptr<RemoteInstance> instance) {
  return std::make_unique<RemoteConnector>(std::move(instance));
}

}  // namespace vbs
