// The configuration of one hv_kvm instance. Keys, defaults and limits: hv_kvm.vbs-plugin.yaml; meaning: vbs-hv-kvm.7.
#pragma once
#include <string>
#include <string_view>

#include "vbs/plugin/plugin.hpp"

namespace vbs::kvm {

struct Config {
  std::string uri = "qemu:///system";
  std::string bus = "virtio";
  // O_DIRECT: the host's page cache is out of the way, so that another node (or a backup) reads what the guest has
  // written, and a guest's flush reaches the storage.
  std::string cache = "none";
  // QEMU's own threads: native AIO blocks the whole VM's I/O loop where a write has to allocate, as in a sparse file.
  std::string io = "threads";
  std::string discard = "unmap";
  unsigned iothread = 0;  // 0 = QEMU's main loop
  unsigned physical_block_bytes = 4096;
  unsigned detach_timeout_s = 20;
  unsigned reconnect_s = 5;
  bool attach_shut_off = false;
  // libvirt's dynamic ownership would give a file to one VM's user and, when that VM lets go of it, to root, under the
  // hands of the others that have it open. An unprivileged libvirtd (session) changes no owner and knows no such label.
  bool keep_owner = true;
};

// Throws Error(VBS_INVALID) naming key, value and what is allowed.
Config read_config(const plugin::Host& host, std::string_view json);

}  // namespace vbs::kvm
