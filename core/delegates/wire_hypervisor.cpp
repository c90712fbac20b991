#include "core/delegates/wire.hpp"

namespace vbs {

void to_wire(const Vm& v, wire::Vm* to) {
  to->set_uuid(v.uuid);
  to->set_name(v.name);
  to->set_state(static_cast<uint32_t>(v.state));
  to->set_persistent(v.persistent);
}
Vm from_wire(const wire::Vm& w) {
  const bool known = w.state() <= static_cast<uint32_t>(VmState::shut_off);
  return {w.uuid(), w.name(), known ? static_cast<VmState>(w.state()) : VmState::other, w.persistent()};
}

void to_wire(const Disk& d, wire::Disk* to) {
  to->set_rw(d.mode == Mode::rw);
  to->set_serial(d.serial);
  to->set_device(d.device);
  to->set_path(d.path);
  to->set_live(d.live);
  to->set_persistent(d.persistent);
  to->set_size_bytes(d.size_bytes);
}
Disk from_wire(const wire::Disk& w) {
  return {w.rw() ? Mode::rw : Mode::ro, w.serial(), w.device(), w.path(), w.live(), w.persistent(), w.size_bytes()};
}

void to_wire(const DiskSpec& s, wire::DiskSpec* to) {
  to->set_vm_uuid(s.vm_uuid);
  to->set_serial(s.serial);
  to->set_device(s.device);
  to->set_rw(s.mode == Mode::rw);
  to->set_shared(s.shared);
  to_wire(s.source, to->mutable_source());
}
DiskSpec from_wire(const wire::DiskSpec& w) {
  return {w.vm_uuid(), w.serial(), w.device(), w.rw() ? Mode::rw : Mode::ro, w.shared(), from_wire(w.source())};
}

}  // namespace vbs
