#include "core/delegates/server/dispatch.hpp"

#include "core/base/error.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
using A = wire::Arguments;

[[noreturn]] void not_known() {
  throw Error(Code::not_supported, "vbs-delegate does not know this call: bring it to the version of vbsd");
}

const wire::Connect& connect_of(const A& a) {
  switch (a.call_case()) {
    case A::kConnect:
      return a.connect();
    case A::kDisconnect:
      return a.disconnect();
    case A::kConnected:
      return a.connected();
    case A::kRescan:
      return a.rescan();
    default:
      not_known();
  }
}
}  // namespace

void run_storage(StorageBackend& s, const A& a, const Call& call, wire::Result* to) {
  switch (a.call_case()) {
    case A::kCapacity:
      return to_wire(s.capacity(call), to->mutable_capacity());
    case A::kCreate:
      return to_wire(s.create(call, from_wire(a.create())), to->mutable_change());
    case A::kRemove: {
      const auto& o = a.remove().object();
      return s.remove(call, object_kind(o.kind()), o.id(), o.refs(),
                      {a.remove().layers().begin(), a.remove().layers().end()});
    }
    case A::kExtend: {
      const auto& o = a.extend().object();
      return to_wire(s.extend(call, o.id(), o.refs(), a.extend().size_bytes(), a.extend().in_use()),
                     to->mutable_change());
    }
    case A::kSnapshotPrepare:
      return to_wire(s.snapshot_prepare(call, from_wire(a.snapshot_prepare())), to->mutable_change());
    case A::kSnapshotTake:
      return to_wire(s.snapshot_take(call, from_wire(a.snapshot_take())), to->mutable_change());
    case A::kSnapshotFinish:
      return s.snapshot_finish(call, from_wire(a.snapshot_finish()), a.snapshot_finish().commit());
    case A::kRevert:
      return to_wire(s.revert(call, from_wire(a.revert())), to->mutable_change());
    case A::kFlatten:
      return to_wire(s.flatten(call, from_wire(a.flatten())), to->mutable_change());
    case A::kExportObject:
      return to_wire(s.export_object(call, from_wire(a.export_object())), to->mutable_connection());
    case A::kUnexport:
      return s.unexport(call, from_wire(a.unexport()));
    case A::kLiveSessions:
      return to->set_yes(s.live_sessions(call, from_wire(a.live_sessions())));
    case A::kList:
      return to_wire(s.list(call), to->mutable_listing());
    case A::kInspect: {
      const auto& o = a.inspect();
      if (const auto found = s.inspect(call, object_kind(o.kind()), o.id(), o.refs()))
        to_wire(*found, to->mutable_object());
      return;
    }
    case A::kDiscard:
      return s.discard(call, a.discard());
    default:
      not_known();
  }
}

void run_hypervisor(Hypervisor& h, const A& a, const Call& call, wire::Result* to) {
  switch (a.call_case()) {
    case A::kHostFacts:
      return to_wire(h.facts(call), to->mutable_facts());
    case A::kListVms:
      for (const auto& vm : h.list_vms(call)) to_wire(vm, to->add_vms());
      return;
    case A::kFindVm:
      return to_wire(h.find_vm(call, a.find_vm()), to->add_vms());
    case A::kAttach:
      return to_wire(h.attach(call, from_wire(a.attach())), to->add_disks());
    case A::kDetach:
      return h.detach(call, a.detach().vm_uuid(), a.detach().serial(), a.detach().force());
    case A::kInspectVm:
      for (const auto& disk : h.inspect(call, a.inspect_vm())) to_wire(disk, to->add_disks());
      return;
    case A::kResize:
      return h.resize(call, a.resize().vm_uuid(), a.resize().serial(), a.resize().size_bytes());
    case A::kQuiesce:
      return h.quiesce(call, a.quiesce());
    case A::kThaw:
      return h.thaw(call, a.thaw());
    case A::kSwitchImage:
      return to_wire(h.switch_image(call, from_wire(a.switch_image())), to->add_disks());
    case A::kStream:
      return h.stream(call, a.stream().vm_uuid(), a.stream().serial());
    case A::kStreamStop:
      return h.stream_stop(call, a.stream_stop().vm_uuid(), a.stream_stop().serial());
    default:
      not_known();
  }
}

bool is_connector_call(const A& a) {
  return a.has_connect() || a.has_disconnect() || a.has_connected() || a.has_rescan();
}

const std::string& connection_kind(const A& a) { return connect_of(a).connection().kind(); }

void run_connector(Connector& c, const A& a, const Call& call, wire::Result* to) {
  const auto& args = connect_of(a);
  switch (a.call_case()) {
    case A::kConnect:
      return to_wire(c.connect(call, from_wire(args.connection()), args.serial()), to->mutable_source());
    case A::kDisconnect:
      return c.disconnect(call, from_wire(args.connection()));
    case A::kConnected:
      return to->set_yes(c.connected(call, from_wire(args.connection())));
    case A::kRescan:
      return c.rescan(call, from_wire(args.connection()), args.size_bytes());
    default:
      not_known();
  }
}

}  // namespace vbs
